/* SPDX-License-Identifier: ISC */
/*
 * How MaxStartups, PerSourceMaxStartups and PerSourceNetBlockSize are read and
 * written.  The listener holds connections to them (startups.c).
 */
#include <sys/types.h>

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servlimits.h"
#include "xmalloc.h"

/* Bits of the IPv6 network that one customer of a provider usually has. */
#define SERVLIMITS_BITS6	64

/*
 * Reads at most max numbers, with colons between them, each within its range.
 * Returns how many there are, or -1.
 */
static int
servlimits_split(const char *arg, int *n, const struct conf_range *range,
    int max)
{
	const char *errstr = NULL;
	char *copy, *next, *word;
	int i = 0;

	next = copy = xstrdup(arg);
	while (errstr == NULL && i < max &&
	    (word = strsep(&next, ":")) != NULL) {
		n[i] = (int)strtonum(word, range[i].min, range[i].max,
		    &errstr);
		i++;
	}
	if (errstr != NULL || next != NULL)
		i = -1;
	free(copy);
	return i;
}

/* "start:rate:full", or one number for start and full. */
static int
servlimits_parse_startups(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	static const struct conf_range range[] = {
		{ 1, INT_MAX }, { 1, 100 }, { 1, INT_MAX }
	};
	int n[3], count;

	count = servlimits_split(arg, n, range, 3);
	if (count == 1) {
		n[1] = 100;
		n[2] = n[0];
	} else if (count != 3 || n[0] > n[2]) {
		strlcpy(err, "expected start:rate:full", errlen);
		return -1;
	}
	*(struct servlimits_startups *)value =
	    (struct servlimits_startups){ n[0], n[1], n[2] };
	return 0;
}

static int
servlimits_format_startups(const struct conf_keyword *kw, const void *value,
    size_t i, char *buf, size_t size)
{
	const struct servlimits_startups *s = value;

	if (i > 0 || !conf_int_isset(value))
		return -1;
	snprintf(buf, size, "%d:%d:%d", s->begin, s->rate, s->max);
	return 0;
}

/* A number, or "none". */
static int
servlimits_parse_source(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	static const struct conf_range range = { 1, INT_MAX };
	int n = 0;

	if (strcasecmp(arg, "none") != 0 &&
	    servlimits_split(arg, &n, &range, 1) != 1) {
		strlcpy(err, "expected a number or \"none\"", errlen);
		return -1;
	}
	*(int *)value = n;
	return 0;
}

static int
servlimits_format_source(const struct conf_keyword *kw, const void *value,
    size_t i, char *buf, size_t size)
{
	int n = *(const int *)value;

	if (i > 0 || !conf_int_isset(value))
		return -1;
	snprintf(buf, size, n == 0 ? "none" : "%d", n);
	return 0;
}

/* "bits" of an IPv4 network, perhaps with ":bits" of an IPv6 one. */
static int
servlimits_parse_bits(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	static const struct conf_range range[] = { { 0, 32 }, { 0, 128 } };
	int n[2] = { 0, SERVLIMITS_BITS6 };

	if (servlimits_split(arg, n, range, 2) < 1) {
		strlcpy(err, "expected 0 to 32, perhaps with :0 to :128",
		    errlen);
		return -1;
	}
	*(struct servlimits_bits *)value =
	    (struct servlimits_bits){ n[0], n[1] };
	return 0;
}

static int
servlimits_format_bits(const struct conf_keyword *kw, const void *value,
    size_t i, char *buf, size_t size)
{
	const struct servlimits_bits *b = value;

	if (i > 0 || !conf_int_isset(value))
		return -1;
	snprintf(buf, size, "%d:%d", b->ipv4, b->ipv6);
	return 0;
}

const struct conf_type servlimits_type_startups =
    CONF_TYPE_INT(servlimits_parse_startups, servlimits_format_startups);
const struct conf_type servlimits_type_source =
    CONF_TYPE_INT(servlimits_parse_source, servlimits_format_source);
const struct conf_type servlimits_type_bits =
    CONF_TYPE_INT(servlimits_parse_bits, servlimits_format_bits);
