/* SPDX-License-Identifier: ISC */
/*
 * The patterns of ssh_config(5) and the address lists of from= and
 * AllowUsers.  Matching takes time at most the product of both lengths,
 * whatever the pattern.  Nothing is resolved here.
 */
#include <sys/types.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "match.h"

/* One entry of a comma list, its '!' taken off. */
struct match_entry {
	const char	*text;
	size_t		 len;
	int		 negated;
};

static int
match_equal(char a, char b, int fold)
{
	if (fold)
		return tolower((u_char)a) == tolower((u_char)b);
	return a == b;
}

/*
 * Does s match the n bytes of a pattern?  Only the last '*' seen can ever need
 * to take more, so one place to go back to is enough.
 */
static int
match_bytes(const char *s, const char *pat, size_t n, int fold)
{
	const char *retry = NULL;
	size_t i = 0, star = 0;

	while (*s != '\0') {
		if (i < n && pat[i] == '*') {
			star = ++i;
			retry = s;
		} else if (i < n &&
		    (pat[i] == '?' || match_equal(pat[i], *s, fold))) {
			i++;
			s++;
		} else if (retry != NULL) {
			i = star;
			s = ++retry;
		} else
			return 0;
	}
	while (i < n && pat[i] == '*')
		i++;
	return i == n;
}

/* Takes the next entry off a comma list; returns 0 when there is none. */
static int
match_next(const char **list, struct match_entry *e)
{
	const char *p = *list;

	if (p == NULL)
		return 0;
	e->negated = *p == '!';
	if (e->negated)
		p++;
	e->text = p;
	e->len = strcspn(p, ",");
	p += e->len;
	*list = *p == ',' ? p + 1 : NULL;
	return 1;
}

/* Does s match a pattern with '*' and '?'?  Case counts. */
int
match_pattern(const char *s, const char *pattern)
{
	return match_bytes(s, pattern, strlen(pattern), 0);
}

/*
 * Matches a comma-separated list of patterns, without regard to case if fold.
 * Returns 1 for a match, -1 if an entry with '!' matches, wherever it stands,
 * and 0 for neither; an empty list matches nothing.
 */
int
match_pattern_list(const char *s, const char *list, int fold)
{
	struct match_entry e;
	int found = 0;

	if (*list == '\0')
		return 0;
	while (match_next(&list, &e)) {
		if (!match_bytes(s, e.text, e.len, fold))
			continue;
		if (e.negated)
			return -1;
		found = 1;
	}
	return found;
}

/* match_pattern_list for host names: case does not count. */
int
match_hostname(const char *host, const char *list)
{
	return match_pattern_list(host, list, 1);
}

/* Are the bits of n bytes zero from this one on? */
static int
match_zero_after(const u_char *p, size_t n, unsigned int bit)
{
	for (; bit < n * 8; bit++) {
		if (p[bit / 8] & (0x80 >> bit % 8))
			return 0;
	}
	return 1;
}

/* Are the first bits of two strings of bytes the same? */
int
match_prefix(const u_char *a, const u_char *b, unsigned int bits)
{
	size_t n = bits / 8;
	u_char mask;

	if (memcmp(a, b, n) != 0)
		return 0;
	if (bits % 8 == 0)
		return 1;
	mask = (u_char)(0xff << (8 - bits % 8));
	return (a[n] & mask) == (b[n] & mask);
}

/*
 * Reads an address with or without "/bits"; an IPv4-mapped one becomes IPv4.
 * Returns 0, or -1 if it is no address, does not have so many bits, or has
 * others set after them.
 */
int
match_parse_cidr(const char *text, struct addr *net, unsigned int *bits)
{
	char host[64];
	const char *errstr, *slash = strchr(text, '/');
	size_t n = slash == NULL ? strlen(text) : (size_t)(slash - text);
	unsigned int max;

	if (n >= sizeof(host) || text[0] == '[')
		return -1;
	memcpy(host, text, n);
	host[n] = '\0';
	if (addr_parse_host(net, host, 0) == -1 || net->type == ADDR_NAME)
		return -1;
	max = net->type == ADDR_IPV4 ? 32 : 128;
	*bits = max;
	if (slash != NULL) {
		n = strlen(slash + 1);
		if (n == 0 || n > 3 || strspn(slash + 1, "0123456789") != n)
			return -1;
		*bits = (unsigned int)strtonum(slash + 1, 0, max, &errstr);
		if (errstr != NULL)
			return -1;
	}
	if (!match_zero_after((const u_char *)&net->u, max / 8, *bits))
		return -1;
	if (net->type == ADDR_IPV6 && *bits >= 96) {
		addr_unmap(net);
		if (net->type == ADDR_IPV4)
			*bits -= 96;
	}
	return 0;
}

/*
 * Is the address in a network like "10.0.0.0/8", or equal to one without
 * "/bits"?  IPv4-mapped addresses count as IPv4; names are in no network.
 * Returns 1, 0, or -1 if the network is not valid (bits set after its end
 * included).
 */
int
match_cidr(const struct addr *addr, const char *text)
{
	struct addr a = *addr, net;
	unsigned int bits;

	if (match_parse_cidr(text, &net, &bits) == -1)
		return -1;
	addr_unmap(&a);
	if (a.type != net.type)
		return 0;
	return match_prefix((const u_char *)&a.u, (const u_char *)&net.u,
	    bits);
}

/* One entry: 1, 0, or -1 if it is not valid. */
static int
match_addr_entry(const struct addr *addr, const char *host, const char *name,
    const struct match_entry *e)
{
	char text[ADDR_STRLEN];
	struct addr none = { .type = ADDR_NONE };
	int r;

	if (e->len == 0)
		return -1;
	if (e->len < sizeof(text)) {
		memcpy(text, e->text, e->len);
		text[e->len] = '\0';
		r = match_cidr(addr == NULL ? &none : addr, text);
		if (r != -1)
			return r;
	}
	if (memchr(e->text, '/', e->len) != NULL)
		return -1;
	if (addr != NULL && match_bytes(host, e->text, e->len, 1))
		return 1;
	return name != NULL && match_bytes(name, e->text, e->len, 1);
}

/*
 * Matches an address, and its name unless NULL, against a list like from=:
 * networks, addresses and patterns, '!' before those to be refused.  Returns 1
 * for a match, -1 if an entry with '!' matches, 0 for neither, and -2 if any
 * entry is empty or no proper network: nothing may be concluded from the others
 * then.  With addr NULL the list is only checked: 0 or -2.
 */
int
match_addr_list(const struct addr *addr, const char *name, const char *list)
{
	char host[ADDR_STRLEN] = "";
	struct match_entry e;
	struct addr a;
	int r, found = 0, refused = 0;

	if (addr != NULL) {
		a = *addr;
		addr_unmap(&a);
		addr = &a;
		addr_format_host(addr, host, sizeof(host));
	} else
		name = NULL;
	while (match_next(&list, &e)) {
		if ((r = match_addr_entry(addr, host, name, &e)) == -1)
			return -2;
		if (r == 1 && e.negated)
			refused = 1;
		else if (r == 1)
			found = 1;
	}
	return refused ? -1 : found;
}

/*
 * Matches a user who comes from an address (its name may be NULL) against an
 * entry of AllowUsers: a pattern, or pattern@list with a list as above.
 * Returns 1, 0, or -1 if the list is not valid.
 */
int
match_user(const char *user, const char *pattern, const char *name,
    const struct addr *addr)
{
	const char *at = strrchr(pattern, '@');
	int r;

	if (at == NULL)
		return match_pattern(user, pattern);
	r = match_addr_list(addr, name, at + 1);
	if (r == -2)
		return -1;
	return r == 1 && match_bytes(user, pattern, (size_t)(at - pattern), 0);
}
