/* SPDX-License-Identifier: ISC */
/*
 * Rules and destinations: the first line is a destination, the others are
 * rules, and also address lists for match_addr_list.
 */
#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "addrclass.h"
#include "match.h"
#include "ruleset.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(int ok)
{
	if (!ok)
		abort();
}

/* One set more may permit more, never less. */
static void
check_set(struct ruleset *rs, const struct addr *dst, char *rule)
{
	enum ruleset_verdict before, after;
	size_t n = ruleset_count(rs);

	before = n == 0 ? RULESET_DENY : ruleset_check(rs, dst);
	if (ruleset_add(rs, rule) == -1) {
		check(ruleset_count(rs) == n);
		return;
	}
	check(strcmp(ruleset_get(rs, n), rule) == 0);
	after = ruleset_check(rs, dst);
	check(before != RULESET_PERMIT || after == RULESET_PERMIT);
	check(before == RULESET_DENY || after != RULESET_DENY);
	check(dst->type == ADDR_NAME || after != RULESET_ASK_ADDR);
	/* What is named or covered, with a port or without, is permitted. */
	check(!ruleset_names(rs, dst, 1, 0) || after == RULESET_PERMIT);
	check(!ruleset_names(rs, dst, 129, 1) || dst->type == ADDR_NAME);
	check(!ruleset_covers(rs, dst, 1) || ruleset_covers(rs, dst, 0));
	check(ruleset_covers(rs, dst, 0) || after != RULESET_PERMIT);
}

/* An endpoint from "host:port". */
static int
parse_dst(struct addr *dst, char *text)
{
	char *host, *port;
	uint16_t n;

	if ((host = addr_split_hostport(text, &port)) == NULL ||
	    port == NULL || addr_parse_port(&n, port) == -1)
		return -1;
	return addr_parse_host(dst, host, n);
}

static void
check_dst(const struct addr *dst)
{
	char text[ADDR_STRLEN];
	struct addr again;
	u_int bits;

	addr_format(dst, text, sizeof(text));
	check(parse_dst(&again, text) == 0);
	check(addr_equal(dst, &again));
	check((addrclass_of(dst, &bits) == ADDRCLASS_PLAIN) == (bits == 0));
	check(bits <= 128);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, *next, *line;
	struct ruleset *rs = ruleset_new();
	struct addr dst;

	if (rs == NULL || (text = strndup((const char *)data, size)) == NULL)
		abort();
	next = text;
	line = strsep(&next, "\n");
	if (parse_dst(&dst, line) == -1)
		addr_parse_host(&dst, "name", 22);
	check_dst(&dst);
	while ((line = strsep(&next, "\n")) != NULL) {
		check_set(rs, &dst, line);
		match_addr_list(&dst, "name", line);
		match_user("user", line, NULL, &dst);
	}
	check(ruleset_add_none(rs) == 0);
	check(ruleset_check(rs, &dst) == RULESET_DENY);
	free(text);
	ruleset_free(rs);
	return 0;
}
