/* SPDX-License-Identifier: ISC */
/*
 * The kinds of values that a keyword may have: how each is read from a word
 * and written back.  Which keyword has which kind is known to the tables.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"
#include "xmalloc.h"

#define CONF_SHOWN	100	/* bytes of a bad word that an error shows */

static const struct conf_choice conf_flags[] = {
	{ "yes", 1 }, { "no", 0 }, { "true", 1 }, { "false", 0 }, { NULL, 0 }
};

const struct conf_choice conf_families[] = {
	{ "any", AF_UNSPEC }, { "inet", AF_INET }, { "inet6", AF_INET6 },
	{ NULL, 0 }
};
/* The kernel's limit; its names have these characters. */
const struct conf_naming conf_congestion = {
	"abcdefghijklmnopqrstuvwxyz0123456789_-", 15
};
const struct conf_range conf_queue_delays = { 0, 10000 };
const struct conf_range conf_counts = { 0, INT_MAX };
const struct conf_range conf_positive = { 1, INT_MAX };

/* Appends a copy of the word. */
void
conf_list_add(struct conf_list *list, const char *word)
{
	list->word = xrecallocarray(list->word, list->n, list->n + 1,
	    sizeof(*list->word));
	list->word[list->n++] = xstrdup(word);
}

/* Frees the words; the list is empty afterwards. */
void
conf_list_clear(struct conf_list *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->word[i]);
	free(list->word);
	list->word = NULL;
	list->n = 0;
}

/* Appends a word so that conf_cut_word reads it back. */
static void
conf_quote(const char *word, char *buf, size_t size)
{
	char c[3] = "\\";
	size_t len;

	if (strpbrk(word, " \t\"'\\") == NULL && *word != '#' &&
	    *word != '=') {
		strlcat(buf, word, size);
		return;
	}
	strlcat(buf, "\"", size);
	for (len = strlen(buf); *word != '\0' && len < size; word++) {
		c[1] = *word;
		len += strlcpy(buf + len, *word == '"' || *word == '\\' ? c :
		    c + 1, size - len);
	}
	strlcat(buf, "\"", size);
}

/* These make a field unset, or tell whether it is set: see conf.h. */
void
conf_int_clear(void *value)
{
	*(int *)value = CONF_UNSET;
}

int
conf_int_isset(const void *value)
{
	return *(const int *)value != CONF_UNSET;
}

int
conf_pointer_isset(const void *value)
{
	return *(void *const *)value != NULL;
}

int
conf_list_isset(const void *value)
{
	return ((const struct conf_list *)value)->n > 0;
}

void
conf_list_clear_value(void *value)
{
	conf_list_clear(value);
}

void
conf_string_clear(void *value)
{
	free(*(char **)value);
	*(char **)value = NULL;
}

/* The table's choices in the words of an error. */
static void
conf_choices(const struct conf_choice *c, char *buf, size_t size)
{
	strlcpy(buf, "expected ", size);
	for (; c->name != NULL; c++) {
		strlcat(buf, c->name, size);
		if (c[1].name != NULL)
			strlcat(buf, c[2].name != NULL ? ", " : " or ", size);
	}
}

static const struct conf_choice *
conf_choice_table(const struct conf_keyword *kw)
{
	return kw->arg != NULL ? kw->arg : conf_flags;
}

static int
conf_choice_parse(const struct conf_keyword *kw, void *value, const char *arg,
    char *err, size_t errlen)
{
	const struct conf_choice *c;

	for (c = conf_choice_table(kw); c->name != NULL; c++) {
		if (strcasecmp(c->name, arg) == 0) {
			*(int *)value = c->value;
			return 0;
		}
	}
	conf_choices(conf_choice_table(kw), err, errlen);
	return -1;
}

static int
conf_choice_format(const struct conf_keyword *kw, const void *value, size_t i,
    char *buf, size_t size)
{
	const struct conf_choice *c;

	for (c = conf_choice_table(kw); i == 0 && c->name != NULL; c++) {
		if (c->value == *(const int *)value) {
			strlcpy(buf, c->name, size);
			return 0;
		}
	}
	return -1;
}

static int
conf_int_parse(const struct conf_keyword *kw, void *value, const char *arg,
    char *err, size_t errlen)
{
	const struct conf_range *r = kw->arg;
	const char *errstr;
	long long n;

	n = strtonum(arg, r->min, r->max, &errstr);
	if (errstr != NULL) {
		strlcpy(err, errstr, errlen);
		return -1;
	}
	*(int *)value = n;
	return 0;
}

static int
conf_int_format(const struct conf_keyword *kw, const void *value, size_t i,
    char *buf, size_t size)
{
	if (i > 0 || !conf_int_isset(value))
		return -1;
	snprintf(buf, size, "%d", *(const int *)value);
	return 0;
}

/* Seconds of 90, 90s, 1m30s, 2h, 1d or 1w; -1 for anything else. */
static long long
conf_seconds(const char *s)
{
	static const char units[] = "sSmMhHdDwW";
	static const int seconds[] = { 1, 60, 3600, 86400, 604800 };
	long long total = 0, n;
	const char *unit;

	do {
		if (!isdigit((u_char)*s))
			return -1;
		for (n = 0; isdigit((u_char)*s); s++)
			if ((n = n * 10 + (*s - '0')) > INT_MAX)
				return -1;
		if (*s != '\0') {
			if ((unit = strchr(units, *s++)) == NULL)
				return -1;
			n *= seconds[(unit - units) / 2];
		}
		if ((total += n) > INT_MAX)
			return -1;
	} while (*s != '\0');
	return total;
}

static int
conf_time_parse(const struct conf_keyword *kw, void *value, const char *arg,
    char *err, size_t errlen)
{
	const struct conf_range *r = kw->arg;
	long long n;

	n = strcasecmp(arg, "none") == 0 ? 0 : conf_seconds(arg);
	if (n < 0)
		strlcpy(err, "invalid time", errlen);
	else if (n < r->min || n > r->max)
		strlcpy(err, n < r->min ? "too small" : "too large", errlen);
	else {
		*(int *)value = n;
		return 0;
	}
	return -1;
}

static int
conf_level_parse(const struct conf_keyword *kw, void *value, const char *arg,
    char *err, size_t errlen)
{
	enum log_level level;

	if (log_parse_level(arg, &level) == -1) {
		strlcpy(err, "unsupported log level", errlen);
		return -1;
	}
	*(int *)value = level;
	return 0;
}

static int
conf_level_format(const struct conf_keyword *kw, const void *value, size_t i,
    char *buf, size_t size)
{
	if (i > 0 || !conf_int_isset(value))
		return -1;
	strlcpy(buf, log_level_name(*(const int *)value), size);
	return 0;
}

/* Keeps a copy of the argument. */
int
conf_string_parse(const struct conf_keyword *kw, void *value, const char *arg,
    char *err, size_t errlen)
{
	free(*(char **)value);
	*(char **)value = xstrdup(arg);
	return 0;
}

/* The string, quoted unless it is the rest of a line. */
int
conf_string_format(const struct conf_keyword *kw, const void *value, size_t i,
    char *buf, size_t size)
{
	const char *s = *(char *const *)value;

	if (i > 0 || s == NULL)
		return -1;
	*buf = '\0';
	if (kw->flags & CONF_REST)
		snprintf(buf, size, "%s%s", *s == '=' ? "= " : "", s);
	else
		conf_quote(s, buf, size);
	return 0;
}

/* Names of algorithms: commas between them, perhaps "+", "-" or "^" first. */
static int
conf_names_parse(const struct conf_keyword *kw, void *value, const char *arg,
    char *err, size_t errlen)
{
	const char *s = arg;
	size_t len;

	if (strchr("+-^", *s) != NULL)
		s++;
	for (;;) {
		len = strspn(s, "abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.-_/*?");
		if (len == 0 || (s[len] != '\0' && s[len] != ',')) {
			strlcpy(err, "not a list of names with commas",
			    errlen);
			return -1;
		}
		if (s[len] == '\0')
			break;
		s += len + 1;
	}
	return conf_string_parse(kw, value, arg, err, errlen);
}

/* Adds the argument to the list, once. */
int
conf_list_parse(const struct conf_keyword *kw, void *value, const char *arg,
    char *err, size_t errlen)
{
	struct conf_list *list = value;
	size_t i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->word[i], arg) == 0)
			return 0;
	if (list->n >= CONF_LIST_MAX) {
		snprintf(err, errlen, "more than %d values", CONF_LIST_MAX);
		return -1;
	}
	conf_list_add(list, arg);
	return 0;
}

/* A line for each word with CONF_APPEND, else one line with all of them. */
int
conf_list_format(const struct conf_keyword *kw, const void *value, size_t i,
    char *buf, size_t size)
{
	const struct conf_list *list = value;

	if (i >= list->n || (i > 0 && (kw->flags & CONF_APPEND) == 0))
		return -1;
	*buf = '\0';
	conf_quote(list->word[i], buf, size);
	if (kw->flags & CONF_APPEND)
		return 0;
	while (++i < list->n) {
		strlcat(buf, " ", size);
		conf_quote(list->word[i], buf, size);
	}
	return 0;
}

/* Names with commas between them; nothing is kept of a bad list. */
static int
conf_commas_parse(const struct conf_keyword *kw, void *value, const char *arg,
    char *err, size_t errlen)
{
	const struct conf_naming *naming = kw->arg;
	char *copy, *next, *word;
	int ret = 0;

	next = copy = xstrdup(arg);
	while (ret == 0 && (word = strsep(&next, ",")) != NULL) {
		ret = -1;
		if (*word == '\0' || word[strspn(word, naming->chars)] != '\0')
			strlcpy(err, "not a list of names with commas",
			    errlen);
		else if (strlen(word) > naming->max)
			snprintf(err, errlen, "a name has at most %zu "
			    "characters", naming->max);
		else
			ret = conf_list_parse(kw, value, word, err, errlen);
	}
	if (ret == -1)
		conf_list_clear(value);
	free(copy);
	return ret;
}

static int
conf_commas_format(const struct conf_keyword *kw, const void *value, size_t i,
    char *buf, size_t size)
{
	const struct conf_list *list = value;

	if (i > 0 || list->n == 0)
		return -1;
	strlcpy(buf, list->word[0], size);
	while (++i < list->n) {
		strlcat(buf, ",", size);
		strlcat(buf, list->word[i], size);
	}
	return 0;
}

const struct conf_type conf_type_flag =
    CONF_TYPE_INT(conf_choice_parse, conf_choice_format);
const struct conf_type conf_type_choice =
    CONF_TYPE_INT(conf_choice_parse, conf_choice_format);
const struct conf_type conf_type_int =
    CONF_TYPE_INT(conf_int_parse, conf_int_format);
const struct conf_type conf_type_time =
    CONF_TYPE_INT(conf_time_parse, conf_int_format);
const struct conf_type conf_type_level =
    CONF_TYPE_INT(conf_level_parse, conf_level_format);
const struct conf_type conf_type_string = CONF_TYPE_STRING(conf_string_parse);
const struct conf_type conf_type_names = CONF_TYPE_STRING(conf_names_parse);
const struct conf_type conf_type_list =
    CONF_TYPE_LIST(conf_list_parse, conf_list_format);
const struct conf_type conf_type_commas =
    CONF_TYPE_LIST(conf_commas_parse, conf_commas_format);
