/* SPDX-License-Identifier: ISC */
/*
 * Asks a user's rules about destinations: first as they were named, then with
 * each address, which must also not be a special one.  Answers about datagrams
 * are kept for a while, since each datagram asks anew.  What follows a refusal
 * is not known here.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "addrclass.h"
#include "conf.h"
#include "destrules.h"
#include "localaddr.h"
#include "log.h"
#include "monotime.h"
#include "ruleset.h"

/*
 * Answers about datagrams are kept for so long; meanwhile an address may become
 * this host's own.
 */
#define DESTRULES_KEPT	(10 * MONOTIME_SECOND)

static const char *const destrules_reason[DESTRULES_N] = {
	"not permitted by rules (DenyOpen)",
	"not permitted by rules (PermitOpen)",
	"not permitted by rules (permitopen of the key)"
};

/* Rules that permit everything or, if off, nothing. */
void
destrules_init(struct destrules *dr, int off)
{
	memset(dr, 0, sizeof(*dr));
	dr->off = off;
	dr->local.fd = -1;
}

/* Adds one word; "none" denies everything, but in DenyOpen nothing. */
static int
destrules_add(struct ruleset *rules, enum destrules_set which,
    const char *word)
{
	if (strcasecmp(word, "any") == 0)
		return ruleset_add(rules, "*:*");
	if (strcasecmp(word, "none") != 0)
		return ruleset_add(rules, word);
	return which == DESTRULES_DENY ? 0 : ruleset_add_none(rules);
}

/*
 * Takes one set from a list of words, which were checked when they were read:
 * one that is no rule now ends the process.
 */
void
destrules_load(struct destrules *dr, enum destrules_set which,
    const struct conf_list *words)
{
	struct ruleset *rules;
	size_t i;
	int ret = 0;

	if ((rules = ruleset_new()) == NULL)
		fatalx("rules: out of memory");
	for (i = 0; i < words->n && ret == 0; i++)
		ret = destrules_add(rules, which, words->word[i]);
	if (ret == -1)
		fatal("bad rule");
	if (ruleset_count(rules) == 0) {
		ruleset_free(rules);
		rules = NULL;
	}
	ruleset_free(dr->set[which]);
	dr->set[which] = rules;
	memset(dr->cache, 0, sizeof(dr->cache));
}

/*
 * From now on addresses that are special (addrclass.h), and with permit_local
 * 0 also this host's own, are refused unless PermitOpen names them.  Opens a
 * descriptor, for questions to the kernel, that destrules_clear() closes.
 */
void
destrules_guard(struct destrules *dr, int permit_local)
{
	dr->guarded = 1;
	dr->permit_local = permit_local;
	if (localaddr_open(&dr->local) == -1)
		log_warn("cannot ask for this host's addresses");
}

/* Are broadcasts refused, those of this host's networks too? */
int
destrules_guards_broadcast(const struct destrules *dr)
{
	return dr->guarded && dr->local.fd != -1;
}

/* Frees the sets; what is left permits everything. */
void
destrules_clear(struct destrules *dr)
{
	int i;

	for (i = 0; i < DESTRULES_N; i++)
		ruleset_free(dr->set[i]);
	localaddr_close(&dr->local);
	destrules_init(dr, 0);
}

/* Why no destination at all can be permitted, or NULL. */
const char *
destrules_none(const struct destrules *dr)
{
	const char *rule, *all;
	size_t n;
	int i;

	if (dr->off)
		return "not permitted by rules (AllowTcpForwarding)";
	for (i = 0; i < DESTRULES_N; i++) {
		all = i == DESTRULES_DENY ? "*:*" : "none";
		for (n = 0; dr->set[i] != NULL &&
		    (rule = ruleset_get(dr->set[i], n)) != NULL; n++) {
			if (strcmp(rule, all) == 0)
				return destrules_reason[i];
		}
	}
	return NULL;
}

static enum ruleset_verdict
destrules_ask(const struct destrules *dr, enum destrules_set which,
    const struct addr *dst, enum dest_use use)
{
	const struct ruleset *rules = dr->set[which];

	if (rules == NULL)
		return RULESET_PERMIT;
	if (which == DESTRULES_DENY) {
		if (ruleset_covers(rules, dst, use != DEST_SEND))
			return RULESET_DENY;
		return dst->type == ADDR_IPV4 || dst->type == ADDR_IPV6 ?
		    RULESET_PERMIT : RULESET_ASK_ADDR;
	}
	return use == DEST_SEND ? ruleset_check(rules, dst) :
	    ruleset_check_host(rules, dst);
}

/*
 * Why the rules refuse a destination as it was named, or NULL; the verdict
 * says what is still to be asked with each address, its own if it is one.
 * Except of DEST_SEND it is enough that a rule permits the host; ADDR_NONE is
 * any host then.
 */
const char *
destrules_check(const struct destrules *dr, const struct addr *dst,
    enum dest_use use, struct destverdict *v)
{
	int i;

	v->use = use;
	v->localhost = dst->type == ADDR_NAME &&
	    strcasecmp(dst->u.name, "localhost") == 0 &&
	    dr->set[DESTRULES_CONF] != NULL &&
	    ruleset_names(dr->set[DESTRULES_CONF], dst, 0, use != DEST_SEND);
	if (dr->off)
		return destrules_none(dr);
	for (i = 0; i < DESTRULES_N; i++) {
		v->by[i] = destrules_ask(dr, i, dst, use);
		if (v->by[i] == RULESET_DENY)
			return destrules_reason[i];
	}
	return NULL;
}

/*
 * Asks the kernel about an address, and about the IPv4 address that it may be
 * made from.  Returns an enum localaddr_kind, or -1.
 */
static int
destrules_locate(struct destrules *dr, const struct addr *a, u_int *bits)
{
	struct addr v4;
	u_int before;
	int kind;

	/* To name it, any network does, except 0.0.0.0/0 and ::/0. */
	*bits = 1;
	kind = localaddr_ask(&dr->local, a);
	if (kind == LOCALADDR_ELSEWHERE &&
	    addrclass_embedded(a, &v4, &before)) {
		*bits += before;
		kind = localaddr_ask(&dr->local, &v4);
	}
	return kind;
}

/*
 * The class of an address, also by what the kernel says of it; -1 if the
 * kernel does not answer.  A rule must fix *bits of it to name it.
 */
static int
destrules_classify(struct destrules *dr, const struct addr *a, u_int *bits)
{
	enum addr_class class;

	class = addrclass_of(a, bits);
	if (class != ADDRCLASS_PLAIN)
		return (int)class;
	switch (destrules_locate(dr, a, bits)) {
	case LOCALADDR_OWN:
		return ADDRCLASS_HOST;
	case LOCALADDR_BROADCAST:
		return ADDRCLASS_BROADCAST;
	case LOCALADDR_ELSEWHERE:
		return ADDRCLASS_PLAIN;
	default:
		return dr->permit_local ? ADDRCLASS_PLAIN : -1;
	}
}

/* Puts together why an address is refused, and what would permit it. */
static const char *
destrules_explain(const struct destrules *dr, struct destverdict *v,
    int class, const struct addr *a)
{
	static const char *const what[] = {
		[ADDRCLASS_HOST] = "is this host's own address",
		[ADDRCLASS_LINK] = "is a link-local address",
		[ADDRCLASS_CLOUD] = "is an address of cloud metadata",
		[ADDRCLASS_MULTICAST] = "is a multicast address",
		[ADDRCLASS_BROADCAST] = "is a broadcast address"
	};
	int own = class == -1 || class == ADDRCLASS_HOST;
	char host[INET6_ADDRSTRLEN], port[sizeof("65535")] = "*";
	int colon;

	addr_format_host(a, host, sizeof(host));
	colon = strchr(host, ':') != NULL;
	if (v->use == DEST_SEND)
		snprintf(port, sizeof(port), "%u", a->port);
	snprintf(v->why, sizeof(v->why),
	    "%s %s; %s\"PermitOpen %s%s%s:%s%s\" would allow it", host,
	    class == -1 ? "may be this host's own address" : what[class],
	    own ? "\"PermitLocal yes\" or " : "", colon ? "[" : "", host,
	    colon ? "]" : "", port,
	    dr->set[DESTRULES_CONF] == NULL ? " *:*" : "");
	return v->why;
}

/* Why a special address, which no rule names, is refused, or NULL. */
static const char *
destrules_check_guard(struct destrules *dr, struct destverdict *v,
    const struct addr *a)
{
	const struct ruleset *rules = dr->set[DESTRULES_CONF];
	u_int bits;
	int class;

	class = destrules_classify(dr, a, &bits);
	if (class == ADDRCLASS_PLAIN ||
	    (class == ADDRCLASS_HOST && dr->permit_local) ||
	    (v->localhost && addr_is_loopback(a)) ||
	    (rules != NULL &&
	    ruleset_names(rules, a, bits, v->use != DEST_SEND)))
		return NULL;
	return destrules_explain(dr, v, class, a);
}

/*
 * Why an address of what destrules_check gave this verdict on is refused, or
 * NULL.  The reason is the verdict's, until it is used again.
 */
const char *
destrules_check_addr(struct destrules *dr, struct destverdict *v,
    const struct addr *a)
{
	struct addr v4;
	u_int before;
	int i;

	if (dr->set[DESTRULES_DENY] != NULL &&
	    addrclass_embedded(a, &v4, &before) &&
	    destrules_ask(dr, DESTRULES_DENY, &v4, v->use) == RULESET_DENY)
		return destrules_reason[DESTRULES_DENY];
	for (i = 0; i < DESTRULES_N; i++) {
		if (v->by[i] == RULESET_ASK_ADDR && destrules_ask(dr, i, a,
		    v->use) != RULESET_PERMIT)
			return destrules_reason[i];
	}
	return dr->guarded && v->use != DEST_TELL ?
	    destrules_check_guard(dr, v, a) : NULL;
}

static struct destrules_cached *
destrules_place(struct destrules *dr, const struct destrules_cached *c)
{
	const u_char *bytes = c->addr.s6_addr;
	uint32_t hash = c->port;
	size_t i;

	for (i = 0; i < sizeof(c->addr); i++)
		hash = hash * 31 + bytes[i];
	hash *= UINT32_C(2654435761);
	return &dr->cache[(hash >> 16) % DESTRULES_CACHE];
}

/* Why a datagram may not go to an address, or NULL. */
static const char *
destrules_check_datagram(struct destrules *dr, const struct addr *dst)
{
	const char *reason;

	reason = destrules_check(dr, dst, DEST_SEND, &dr->datagram);
	return reason != NULL ? reason :
	    destrules_check_addr(dr, &dr->datagram, dst);
}

/*
 * May a datagram go to this address?  As quick as it must be for each one.  If
 * not, *fresh is why, until the next question, or NULL if that was said before.
 */
int
destrules_pass(struct destrules *dr, const struct addr *dst,
    const char **fresh)
{
	struct destrules_cached key, *c;
	int64_t now = monotime_ns();

	*fresh = NULL;
	if (!dr->off && !dr->guarded && dr->set[DESTRULES_DENY] == NULL &&
	    dr->set[DESTRULES_CONF] == NULL && dr->set[DESTRULES_KEY] == NULL)
		return 1;
	if (now >= dr->cached_until) {
		memset(dr->cache, 0, sizeof(dr->cache));
		dr->cached_until = now + DESTRULES_KEPT;
	}
	memset(&key, 0, sizeof(key));
	key.type = (u_char)dst->type;
	key.port = dst->port;
	if (dst->type == ADDR_IPV6)
		key.addr = dst->u.v6;
	else
		memcpy(&key.addr, &dst->u.v4, sizeof(dst->u.v4));
	c = destrules_place(dr, &key);
	key.permitted = c->permitted;
	if (memcmp(c, &key, sizeof(key)) == 0)
		return c->permitted;
	*fresh = destrules_check_datagram(dr, dst);
	key.permitted = *fresh == NULL;
	*c = key;
	return key.permitted;
}
