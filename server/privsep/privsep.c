/* SPDX-License-Identifier: ISC */
/*
 * The payloads of the messages of privsep.h: each is written and read here,
 * side by side.  A get ends its message: it returns 0, or -1 with EBADMSG if
 * a field is missing, is longer than it may be, or has an impossible value, or
 * if bytes are left over.  Who sends and who receives is not known here.
 */
#include <sys/types.h>
#include <sys/endian.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "log.h"
#include "msg.h"
#include "privsep.h"
#include "protocol.h"

/*
 * Is this message permitted by its rule in this state, without a descriptor?
 * Returns 1, or 0.  *seen holds the types that came before.
 */
int
privsep_admit(const struct privsep_rule *rule, int state, uint32_t *seen,
    const struct msg *m)
{
	uint32_t bit;

	if (m->type != rule->type || m->fd != -1 || !(rule->when & state))
		return 0;
	bit = 1U << rule->type;
	if ((rule->when & PRIVSEP_ONCE) && (*seen & bit))
		return 0;
	*seen |= bit;
	return 1;
}

/* A value cannot be; if a get failed before, that stays the reason. */
static void
privsep_spoil(struct msg *m)
{
	if (m->bad == 0)
		m->bad = EBADMSG;
}

/* A number that may not be above max. */
static uint32_t
get_bounded(struct msg *m, uint32_t max)
{
	uint32_t n = msg_get_u32(m);

	if (n <= max)
		return n;
	privsep_spoil(m);
	return 0;
}

/* A text that is NULL is sent as "". */
void
privsep_put_setup(struct msg *m, const struct privsep_setup *s)
{
	uint32_t i;

	msg_put_u32(m, s->test);
	msg_put_u32(m, s->log_level);
	msg_put_u32(m, s->max_auth_tries);
	msg_put_u32(m, s->max_flows);
	msg_put_u32(m, s->window_budget);
	msg_put_u32(m, s->alive_interval);
	msg_put_u32(m, s->alive_count);
	msg_put_u32(m, s->queue_delay);
	msg_put_u32(m, s->dial_timeout);
	msg_put_u32(m, s->pubkey_auth);
	msg_put_string(m, s->peer);
	msg_put_string(m, s->ciphers);
	msg_put_string(m, s->macs);
	msg_put_string(m, s->kex);
	msg_put_u32(m, s->nkeys);
	for (i = 0; i < s->nkeys; i++)
		msg_put_blob(m, s->key[i].data, s->key[i].len);
}

/*
 * The texts are the caller's, to be freed by privsep_clear_setup(); the host
 * keys stay in the message and last as long as it does.
 */
int
privsep_get_setup(struct msg *m, struct privsep_setup *s)
{
	uint32_t i;

	s->test = get_bounded(m, 1);
	s->log_level = get_bounded(m, LOG_LEVEL_DEBUG2);
	s->max_auth_tries = msg_get_u32(m);
	s->max_flows = msg_get_u32(m);
	s->window_budget = msg_get_u32(m);
	s->alive_interval = msg_get_u32(m);
	s->alive_count = msg_get_u32(m);
	s->queue_delay = get_bounded(m, INT32_MAX);
	s->dial_timeout = get_bounded(m, INT32_MAX / 2);
	s->pubkey_auth = get_bounded(m, 1);
	s->peer = msg_dup_string(m, PRIVSEP_PEER_MAX);
	s->ciphers = msg_dup_string(m, PRIVSEP_ALGS_MAX);
	s->macs = msg_dup_string(m, PRIVSEP_ALGS_MAX);
	s->kex = msg_dup_string(m, PRIVSEP_ALGS_MAX);
	s->nkeys = get_bounded(m, PRIVSEP_HOSTKEYS_MAX);
	for (i = 0; i < s->nkeys; i++)
		s->key[i].data = msg_get_blob(m, &s->key[i].len);
	if (msg_end(m) == 0)
		return 0;
	privsep_clear_setup(s);
	return -1;
}

/* Frees the texts of a setup that was received. */
void
privsep_clear_setup(struct privsep_setup *s)
{
	free((char *)s->peer);
	free((char *)s->ciphers);
	free((char *)s->macs);
	free((char *)s->kex);
	memset(s, 0, sizeof(*s));
}

/* User, key type, key in base64. */
void
privsep_put_key(struct msg *m, const char *user, const char *type,
    const char *base64)
{
	msg_put_string(m, user);
	msg_put_string(m, type);
	msg_put_string(m, base64);
}

static void
get_key(struct msg *m, struct privsep_key *key)
{
	msg_get_string(m, key->user, sizeof(key->user));
	msg_get_string(m, key->type, sizeof(key->type));
	msg_get_string(m, key->base64, sizeof(key->base64));
}

/* What privsep_put_key() wrote, into memory of the caller's. */
int
privsep_get_key(struct msg *m, struct privsep_key *key)
{
	get_key(m, key);
	return msg_end(m);
}

/* User, key type and key as above, then the signature. */
void
privsep_put_proof(struct msg *m, const char *user, const char *type,
    const char *base64, const struct privsep_proof *proof)
{
	privsep_put_key(m, user, type, base64);
	msg_put_string(m, proof->algorithm);
	msg_put_blob(m, proof->signature, proof->len);
	msg_put_u32(m, proof->flags);
	msg_put_u32(m, proof->counter);
}

/* What privsep_put_proof() wrote, into memory of the caller's. */
int
privsep_get_proof(struct msg *m, struct privsep_key *key,
    struct privsep_proof *proof)
{
	const u_char *signature;

	get_key(m, key);
	msg_get_string(m, proof->algorithm, sizeof(proof->algorithm));
	signature = msg_get_blob(m, &proof->len);
	if (proof->len > sizeof(proof->signature))
		privsep_spoil(m);
	else if (signature != NULL)
		memcpy(proof->signature, signature, proof->len);
	proof->flags = get_bounded(m, UINT8_MAX);
	proof->counter = msg_get_u32(m);
	return msg_end(m);
}

/* All of it, as privsep.h lists it. */
void
privsep_put_request(struct msg *m, const struct privsep_request *req)
{
	msg_put_u32(m, req->cmd);
	msg_put_string(m, req->host);
	msg_put_u32(m, req->port);
	msg_put_string(m, req->origin);
	msg_put_u32(m, req->origin_port);
}

/* The host may be any text; whether it names one is not looked at. */
int
privsep_get_request(struct msg *m, struct privsep_request *req)
{
	req->cmd = msg_get_u32(m);
	msg_get_string(m, req->host, sizeof(req->host));
	req->port = (uint16_t)get_bounded(m, UINT16_MAX);
	msg_get_string(m, req->origin, sizeof(req->origin));
	req->origin_port = (uint16_t)get_bounded(m, UINT16_MAX);
	if (protocol_service_name((enum socks_cmd)req->cmd) == NULL)
		privsep_spoil(m);
	return msg_end(m);
}

/* An address in a payload; its type may be ADDR_NONE. */
void
privsep_put_addr(struct msg *m, const struct addr *a)
{
	char host[ADDR_STRLEN];

	msg_put_u32(m, a->type);
	msg_put_string(m, addr_format_host(a, host, sizeof(host)));
	msg_put_u32(m, a->port);
}

/*
 * The one get that does not end its message.  The text must be an address of
 * the type that is said; for ADDR_NONE there is neither text nor port.
 */
void
privsep_get_addr(struct msg *m, struct addr *a)
{
	char host[ADDR_NAME_MAX + 1];
	uint32_t type, port;

	memset(a, 0, sizeof(*a));
	type = msg_get_u32(m);
	msg_get_string(m, host, sizeof(host));
	port = get_bounded(m, UINT16_MAX);
	if (m->bad)
		return;
	if (type == ADDR_NONE) {
		if (host[0] != '\0' || port != 0)
			privsep_spoil(m);
	} else if (addr_parse_host(a, host, (uint16_t)port) == -1 ||
	    a->type != type)
		privsep_spoil(m);
}

/* The descriptor, if there is one, is put into the message by the caller. */
void
privsep_put_reply(struct msg *m, const struct privsep_reply *reply)
{
	msg_put_u32(m, reply->rep);
	privsep_put_addr(m, &reply->bnd);
}

/*
 * The descriptor stays in the message: the caller takes it out.  If there is
 * no payload, at either end for want of memory, the request has failed.
 */
int
privsep_get_reply(struct msg *m, struct privsep_reply *reply)
{
	if (m->len == 0 && m->bad != EBADMSG) {
		memset(reply, 0, sizeof(*reply));
		reply->rep = SOCKS_REP_GENERAL;
		return 0;
	}
	reply->rep = get_bounded(m, UINT8_MAX);
	privsep_get_addr(m, &reply->bnd);
	return msg_end(m);
}

/* A line that is longer than PRIVSEP_LOG_MAX is cut. */
void
privsep_put_log(struct msg *m, enum log_level level, const char *text)
{
	msg_put_u32(m, level);
	msg_put_blob(m, text, strnlen(text, PRIVSEP_LOG_MAX));
}

/* What privsep_put_log() wrote, into memory of the caller's. */
int
privsep_get_log(struct msg *m, struct privsep_line *line)
{
	line->level = (enum log_level)get_bounded(m, LOG_LEVEL_DEBUG2);
	msg_get_string(m, line->text, sizeof(line->text));
	return msg_end(m);
}

/*
 * Sends a line, as a message of that type and id, over a pair that does not
 * block.  It may be done in the handler of a signal: nothing is allocated.
 */
int
privsep_send_log(int fd, uint32_t type, uint32_t id, enum log_level level,
    const char *text)
{
	u_char payload[8 + PRIVSEP_LOG_MAX];
	size_t len = strnlen(text, PRIVSEP_LOG_MAX);
	struct msg m;

	be32enc(payload, level);
	be32enc(payload + 4, (uint32_t)len);
	memcpy(payload + 8, text, len);
	msg_init(&m, type, id);
	m.data = payload;
	m.len = 8 + len;
	return msg_send(fd, &m);
}

/* Logs the line here, at a level that is not below floor. */
int
privsep_log(struct msg *m, enum log_level floor)
{
	struct privsep_line line;

	if (privsep_get_log(m, &line) == -1)
		return -1;
	log_line(line.level < floor ? floor : line.level, line.text);
	return 0;
}
