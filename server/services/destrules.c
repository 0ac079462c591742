/* SPDX-License-Identifier: ISC */
/*
 * Asks a user's rules about destinations: first as they were named, then, if
 * the rules are about addresses, with each address of the name.  Answers about
 * the addresses of datagrams are kept, since they are asked for each of them.
 * What is done with what is refused is not known here.
 */
#include <sys/types.h>

#include <string.h>
#include <strings.h>

#include "addr.h"
#include "conf.h"
#include "destrules.h"
#include "log.h"
#include "ruleset.h"

static const char *const destrules_reason[DESTRULES_N] = {
	"not permitted by rules (PermitOpen)",
	"not permitted by rules (permitopen of the key)"
};

/* Rules that permit everything or, if off, nothing. */
void
destrules_init(struct destrules *dr, int off)
{
	memset(dr, 0, sizeof(*dr));
	dr->off = off;
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
	for (i = 0; i < words->n && ret == 0; i++) {
		if (strcasecmp(words->word[i], "none") == 0)
			ret = ruleset_add_none(rules);
		else if (strcasecmp(words->word[i], "any") == 0)
			ret = ruleset_add(rules, "*:*");
		else
			ret = ruleset_add(rules, words->word[i]);
	}
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

/* Frees the sets; what is left permits everything. */
void
destrules_clear(struct destrules *dr)
{
	int i;

	for (i = 0; i < DESTRULES_N; i++)
		ruleset_free(dr->set[i]);
	memset(dr, 0, sizeof(*dr));
}

/* Why no destination at all can be permitted, or NULL. */
const char *
destrules_none(const struct destrules *dr)
{
	const char *rule;
	size_t n;
	int i;

	if (dr->off)
		return "not permitted by rules (AllowTcpForwarding)";
	for (i = 0; i < DESTRULES_N; i++) {
		for (n = 0; dr->set[i] != NULL &&
		    (rule = ruleset_get(dr->set[i], n)) != NULL; n++) {
			if (strcmp(rule, "none") == 0)
				return destrules_reason[i];
		}
	}
	return NULL;
}

static enum ruleset_verdict
destrules_ask(const struct ruleset *rules, const struct addr *dst,
    int any_port)
{
	if (rules == NULL)
		return RULESET_PERMIT;
	return any_port ? ruleset_check_host(rules, dst) :
	    ruleset_check(rules, dst);
}

/*
 * Why the rules refuse a destination as it was named, or NULL; the verdict
 * says what is still to be asked with each address.  With any_port it is
 * enough that a rule permits the host; ADDR_NONE is any host then.
 */
const char *
destrules_check(const struct destrules *dr, const struct addr *dst,
    int any_port, struct destverdict *v)
{
	int i;

	v->any_port = any_port;
	if (dr->off)
		return destrules_none(dr);
	for (i = 0; i < DESTRULES_N; i++) {
		v->by[i] = destrules_ask(dr->set[i], dst, any_port);
		if (v->by[i] == RULESET_DENY)
			return destrules_reason[i];
	}
	return NULL;
}

/*
 * Why an address of a name, of which destrules_check gave this verdict, is
 * refused, or NULL.
 */
const char *
destrules_check_addr(const struct destrules *dr, const struct destverdict *v,
    const struct addr *a)
{
	int i;

	for (i = 0; i < DESTRULES_N; i++) {
		if (v->by[i] == RULESET_ASK_ADDR &&
		    destrules_ask(dr->set[i], a, v->any_port) !=
		    RULESET_PERMIT)
			return destrules_reason[i];
	}
	return NULL;
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

/*
 * May a datagram go to this address?  As quick as it must be for each one.  If
 * not, *fresh says whether the rules had to be asked for it.
 */
int
destrules_pass(struct destrules *dr, const struct addr *dst, int *fresh)
{
	struct destrules_cached key, *c;
	struct destverdict v;

	*fresh = 0;
	if (!dr->off && dr->set[DESTRULES_CONF] == NULL &&
	    dr->set[DESTRULES_KEY] == NULL)
		return 1;
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
	*fresh = 1;
	key.permitted = destrules_check(dr, dst, 0, &v) == NULL;
	*c = key;
	return key.permitted;
}
