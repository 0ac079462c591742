/* SPDX-License-Identifier: ISC */
/*
 * Which destinations may be dialed.  A rule is about names or about addresses,
 * never both: a pattern meant for addresses ("10.0.0.*") must not permit a
 * name that somebody else chose to look like one.  Nothing is resolved here:
 * the caller asks with the name, then, if told to, with each address.
 */
#include <sys/types.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "match.h"
#include "ruleset.h"

#define RULESET_TEXT_MAX	512	/* bytes of one rule */

enum rule_kind {
	RULE_NONE,		/* "none": nothing at all */
	RULE_ANY,		/* "*": every name and address */
	RULE_NAME,		/* a name, or a pattern of names */
	RULE_NET,		/* an address or a network */
	RULE_ADDR_PATTERN	/* a pattern over the text of addresses */
};

struct rule {
	enum rule_kind	 kind;
	char		*text;		/* as it was added */
	char		*host;		/* without brackets */
	struct addr	 net;		/* RULE_NET */
	u_int		 bits;		/* of an address that it fixes */
	uint16_t	 port_min;
	uint16_t	 port_max;
};

struct ruleset {
	struct rule	*rules;
	size_t		 n;
};

/* An empty set, which permits everything; NULL when memory is out. */
struct ruleset *
ruleset_new(void)
{
	return calloc(1, sizeof(struct ruleset));
}

static void
rule_clear(struct rule *r)
{
	free(r->text);
	free(r->host);
}

/* Frees the set and what ruleset_get returned; NULL is none. */
void
ruleset_free(struct ruleset *rs)
{
	size_t i;

	if (rs == NULL)
		return;
	for (i = 0; i < rs->n; i++)
		rule_clear(&rs->rules[i]);
	free(rs->rules);
	free(rs);
}

/* Reads "*", "N" or "N-M", N from 1 on. */
static int
rule_parse_ports(struct rule *r, const char *text)
{
	char first[sizeof("65535")];
	size_t n = strcspn(text, "-");

	if (strcmp(text, "*") == 0) {
		r->port_min = 0;
		r->port_max = UINT16_MAX;
		return 0;
	}
	if (n >= sizeof(first))
		return -1;
	memcpy(first, text, n);
	first[n] = '\0';
	if (addr_parse_port(&r->port_min, first) == -1)
		return -1;
	r->port_max = r->port_min;
	if (text[n] == '-' && addr_parse_port(&r->port_max, text + n + 1) == -1)
		return -1;
	return r->port_min != 0 && r->port_min <= r->port_max ? 0 : -1;
}

/* A pattern with digits and no letter is about addresses. */
static enum rule_kind
rule_pattern_kind(const char *host)
{
	size_t n = strspn(host, "0123456789.*?");

	if (host[n] == '\0' && strpbrk(host, "0123456789") != NULL)
		return RULE_ADDR_PATTERN;
	return RULE_NAME;
}

/* How many bits of an address a pattern fixes before its first wildcard. */
static u_int
rule_pattern_bits(const char *host, int bracketed)
{
	u_int bits = 0;

	for (; strchr("*?", *host) == NULL; host++) {
		if (*host == (bracketed ? ':' : '.'))
			bits += bracketed ? 16 : 8;
	}
	return bits;
}

/* Finds out what the host part of a rule is.  Returns -1 if it is not valid. */
static int
rule_set_kind(struct rule *r, int bracketed)
{
	const char *host = r->host;
	struct addr a;

	if (bracketed != (strchr(host, ':') != NULL) ||
	    strpbrk(host, "!,[]") != NULL)
		return -1;
	if (strcmp(host, "*") == 0)
		r->kind = RULE_ANY;
	else if (match_parse_cidr(host, &r->net, &r->bits) == 0)
		r->kind = RULE_NET;
	else if (strchr(host, '/') != NULL)
		return -1;
	else if (bracketed) {
		if (strpbrk(host, "*?") == NULL ||
		    host[strspn(host, "0123456789abcdefABCDEF:.*?")] != '\0')
			return -1;
		r->kind = RULE_ADDR_PATTERN;
	} else if (addr_parse_host(&a, host, 0) == -1)
		return -1;
	else if (strpbrk(host, "*?") != NULL)
		r->kind = rule_pattern_kind(host);
	else
		r->kind = RULE_NAME;
	if (r->kind == RULE_ADDR_PATTERN)
		r->bits = rule_pattern_bits(host, bracketed);
	return 0;
}

static int
rule_parse(struct rule *r, const char *text)
{
	char copy[RULESET_TEXT_MAX + 1], *host, *port;

	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy))
		return -1;
	host = addr_split_hostport(copy, &port);
	if (host == NULL || port == NULL || rule_parse_ports(r, port) == -1)
		return -1;
	r->host = strdup(host);
	if (r->host == NULL)
		return -1;
	return rule_set_kind(r, *text == '[');
}

/* Appends a rule, which is the set's then; on failure it is cleared. */
static int
ruleset_append(struct ruleset *rs, struct rule *r, const char *text)
{
	struct rule *rules;

	if ((r->text = strdup(text)) == NULL)
		goto fail;
	rules = recallocarray(rs->rules, rs->n, rs->n + 1, sizeof(*rules));
	if (rules == NULL)
		goto fail;
	rules[rs->n++] = *r;
	rs->rules = rules;
	return 0;
 fail:
	rule_clear(r);
	return -1;
}

/*
 * Adds "host:port": host is *, a name, a pattern with * and ?, an address or a
 * network like 10.0.0.0/8, and stands in brackets when it has a colon; port is
 * *, a number or a range N-M.  Returns 0, or -1 with EINVAL or ENOMEM and
 * nothing added.
 */
int
ruleset_add(struct ruleset *rs, const char *text)
{
	struct rule r = { .kind = RULE_NONE };

	errno = 0;
	if (rule_parse(&r, text) == -1) {
		if (errno != ENOMEM)
			errno = EINVAL;
		rule_clear(&r);
		return -1;
	}
	return ruleset_append(rs, &r, text);
}

/* Adds "none": with it the set denies everything.  Returns 0, or -1. */
int
ruleset_add_none(struct ruleset *rs)
{
	struct rule r = { .kind = RULE_NONE };

	return ruleset_append(rs, &r, "none");
}

/* The number of rules, "none" counted. */
size_t
ruleset_count(const struct ruleset *rs)
{
	return rs->n;
}

/* The i-th rule as it was added, owned by the set; NULL if there is none. */
const char *
ruleset_get(const struct ruleset *rs, size_t i)
{
	return i < rs->n ? rs->rules[i].text : NULL;
}

/* What one rule, whose port fits, says about a destination. */
static enum ruleset_verdict
rule_check(const struct rule *r, const struct addr *dst, const char *host)
{
	int is_name = dst->type == ADDR_NAME;

	if (dst->type == ADDR_NONE)
		return r->kind == RULE_ANY ? RULESET_PERMIT : RULESET_DENY;
	switch (r->kind) {
	case RULE_ANY:
		return RULESET_PERMIT;
	case RULE_NAME:
		/* An address with a zone (%eth0) only looks like a name. */
		if (is_name && strchr(host, '%') == NULL &&
		    match_hostname(host, r->host) == 1)
			return RULESET_PERMIT;
		break;
	case RULE_NET:
		if (is_name)
			return RULESET_ASK_ADDR;
		if (dst->type == r->net.type &&
		    match_prefix((const u_char *)&dst->u,
		    (const u_char *)&r->net.u, r->bits))
			return RULESET_PERMIT;
		break;
	case RULE_ADDR_PATTERN:
		if (is_name)
			return RULESET_ASK_ADDR;
		if (dst->type == ADDR_IPV6 && strchr(r->host, ':') == NULL)
			break;
		if (match_hostname(host, r->host) == 1)
			return RULESET_PERMIT;
		break;
	case RULE_NONE:
		break;
	}
	return RULESET_DENY;
}

static int
rule_has_port(const struct rule *r, uint16_t port)
{
	return port >= r->port_min && port <= r->port_max;
}

static enum ruleset_verdict
ruleset_judge(const struct ruleset *rs, const struct addr *dst, int any_port)
{
	enum ruleset_verdict v, best = RULESET_DENY;
	char host[ADDR_STRLEN];
	struct addr a = *dst;
	size_t i;

	if (rs->n == 0)
		return RULESET_PERMIT;
	addr_unmap(&a);
	addr_format_host(&a, host, sizeof(host));
	for (i = 0; i < rs->n; i++) {
		if (rs->rules[i].kind == RULE_NONE)
			return RULESET_DENY;
		if (best == RULESET_PERMIT ||
		    (!any_port && !rule_has_port(&rs->rules[i], a.port)))
			continue;
		v = rule_check(&rs->rules[i], &a, host);
		if (v != RULESET_DENY)
			best = v;
	}
	return best;
}

/*
 * May this be dialed?  An empty set permits everything, one with "none"
 * nothing.  A name is permitted by a rule about names alone; when only rules
 * about addresses have its port, RULESET_ASK_ADDR says to resolve it and ask
 * with each address.  An address gets RULESET_PERMIT or RULESET_DENY.
 */
enum ruleset_verdict
ruleset_check(const struct ruleset *rs, const struct addr *dst)
{
	return dst->type == ADDR_NONE ? RULESET_DENY :
	    ruleset_judge(rs, dst, 0);
}

/*
 * The same for a host, whatever the port.  ADDR_NONE stands for any host at
 * all, which only a rule with the host "*" permits.
 */
enum ruleset_verdict
ruleset_check_host(const struct ruleset *rs, const struct addr *host)
{
	return ruleset_judge(rs, host, 1);
}

/*
 * Does a rule speak of this destination?  A name is looked for in the rules
 * about names alone, with and without the dot at its end.  If a port is not
 * known (any_port), a rule must speak of every port; ADDR_NONE is any host.
 */
int
ruleset_covers(const struct ruleset *rs, const struct addr *dst, int any_port)
{
	char host[ADDR_STRLEN], dotted[ADDR_STRLEN + 1];
	struct addr a = *dst;
	const struct rule *r;
	size_t i, n;

	addr_unmap(&a);
	addr_format_host(&a, host, sizeof(host));
	if ((n = strlen(host)) > 1 && host[n - 1] == '.')
		host[n - 1] = '\0';
	snprintf(dotted, sizeof(dotted), "%s.", host);
	for (i = 0; i < rs->n; i++) {
		r = &rs->rules[i];
		if (any_port ? r->port_min != 0 : !rule_has_port(r, a.port))
			continue;
		if (rule_check(r, &a, host) == RULESET_PERMIT ||
		    (r->kind == RULE_NAME &&
		    rule_check(r, &a, dotted) == RULESET_PERMIT))
			return 1;
	}
	return 0;
}

static int
rule_names(const struct rule *r, const struct addr *dst, const char *host,
    u_int bits)
{
	if (rule_check(r, dst, host) != RULESET_PERMIT)
		return 0;
	if (dst->type == ADDR_NAME)
		return r->kind == RULE_NAME && strcasecmp(host, r->host) == 0;
	return r->bits >= bits;
}

/*
 * Does a rule name this destination: an address by a network or a pattern that
 * fixes at least so many of its bits (1 or more), a name by itself?  With
 * any_port the rule's port does not matter.
 */
int
ruleset_names(const struct ruleset *rs, const struct addr *dst, u_int bits,
    int any_port)
{
	char host[ADDR_STRLEN];
	struct addr a = *dst;
	size_t i;

	addr_unmap(&a);
	addr_format_host(&a, host, sizeof(host));
	for (i = 0; i < rs->n; i++) {
		if ((any_port || rule_has_port(&rs->rules[i], a.port)) &&
		    rule_names(&rs->rules[i], &a, host, bits))
			return 1;
	}
	return 0;
}
