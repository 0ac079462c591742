/* SPDX-License-Identifier: ISC */
/*
 * Owns the form of the configuration files: lines, words, quotes, and the
 * kinds of values.  What the keywords mean is known to the tables of the
 * programs alone; errors are texts for the caller, who knows file and line.
 */
#include <sys/types.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "conf.h"

#define CONF_BLANK	" \t"
#define CONF_SHOWN	100	/* bytes of a bad word that an error shows */
#define CONF_NAME_MAX	64	/* bytes of a keyword */

/* Words behind each other, each ended by a NUL. */
struct conf_words {
	const char	*text;
	size_t		 n;
};

/* Starts to take lines from the text, which must outlive the iteration. */
void
conf_text_init(struct conf_text *text, const void *data, size_t len)
{
	text->data = data;
	text->len = len;
	text->line = 0;
}

/* Gives the reason of an error; returns -1. */
static int __attribute__((format(printf, 3, 4)))
conf_error(char *err, size_t errlen, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, errlen, fmt, ap);
	va_end(ap);
	return -1;
}

static int
conf_check_length(size_t len, char *err, size_t errlen)
{
	if (len <= CONF_LINE_MAX)
		return 0;
	return conf_error(err, errlen, "line longer than %d bytes",
	    CONF_LINE_MAX);
}

/*
 * Copies the next line, without its end, to a buffer of CONF_LINE_MAX + 1
 * bytes.  Returns 1, 0 after the last line, or -1 with a reason.
 */
int
conf_text_next(struct conf_text *text, char *line, char *err, size_t errlen)
{
	const char *end;
	size_t len;

	if (text->len == 0)
		return 0;
	text->line++;
	end = memchr(text->data, '\n', text->len);
	len = end == NULL ? text->len : (size_t)(end - text->data);
	if (conf_check_length(len, err, errlen) == -1)
		return -1;
	if (memchr(text->data, '\0', len) != NULL)
		return conf_error(err, errlen, "NUL byte in line");
	memcpy(line, text->data, len);
	line[len] = '\0';
	len += end != NULL;
	text->data += len;
	text->len -= len;
	return 1;
}

/* Refuses control bytes, which no editor writes and no dump writes back. */
static int
conf_check_text(const char *s, char *err, size_t errlen)
{
	while ((u_char)*s >= ' ' ? *s != '\177' : *s == '\t')
		s++;
	if (*s == '\0')
		return 0;
	return conf_error(err, errlen, "control character 0x%02x in line",
	    (u_char)*s);
}

/*
 * Copies a line without leading and trailing white space (CR, LF and FF
 * count as such at the end) to a buffer of CONF_LINE_MAX + 1 bytes.
 */
static int
conf_trim(const char *line, char *buf, char *err, size_t errlen)
{
	size_t len;

	line += strspn(line, CONF_BLANK);
	len = strlen(line);
	while (len > 0 && strchr(" \t\r\n\f", line[len - 1]) != NULL)
		len--;
	if (conf_check_length(len, err, errlen) == -1)
		return -1;
	memcpy(buf, line, len);
	buf[len] = '\0';
	return conf_check_text(buf, err, errlen);
}

/*
 * Ends the keyword that a trimmed line begins with.  Returns what follows
 * it and one "=", or NULL if there is no keyword (blank line, comment).
 */
static char *
conf_cut_keyword(char *line)
{
	size_t len;
	char *rest;

	if (*line == '\0' || *line == '#')
		return NULL;
	len = strcspn(line, CONF_BLANK "=");
	rest = line + len + strspn(line + len, CONF_BLANK);
	if (*rest == '=')
		rest++;
	rest += strspn(rest, CONF_BLANK);
	line[len] = '\0';
	return rest;
}

/* Copies the line's keyword.  Returns 1, or 0 if there is none. */
int
conf_line_keyword(const char *line, char *name, size_t size)
{
	size_t len;

	line += strspn(line, CONF_BLANK "\r\f");
	if (*line == '\0' || *line == '#')
		return 0;
	len = strcspn(line, CONF_BLANK "=\r\f");
	snprintf(name, size, "%.*s", (int)len, line);
	return 1;
}

/* Is the backslash before c, inside this kind of quote, an escape? */
static int
conf_is_escape(char c, char quote)
{
	return c == '\'' || c == '"' || c == '\\' || (c == ' ' && !quote);
}

/*
 * Moves one word to *out, without quotes and escapes.  Returns what follows
 * it, or NULL if a quote is not closed.
 */
static const char *
conf_cut_word(const char *s, char **out)
{
	char quote = '\0';

	for (; *s != '\0'; s++) {
		if (*s == '\\' && conf_is_escape(s[1], quote))
			*(*out)++ = *++s;
		else if (quote == '\0' && (*s == ' ' || *s == '\t'))
			break;
		else if (quote == '\0' && (*s == '"' || *s == '\''))
			quote = *s;
		else if (quote != '\0' && *s == quote)
			quote = '\0';
		else
			*(*out)++ = *s;
	}
	return quote == '\0' ? s : NULL;
}

/*
 * Cuts a text into its words, in place: up to its end or a comment.  A word
 * is never longer than what it was made from, so there is room for its NUL.
 */
static int
conf_cut_words(char *text, struct conf_words *words, char *err, size_t errlen)
{
	const char *s = text;
	int more = 1;

	*words = (struct conf_words){ text, 0 };
	while (more) {
		s += strspn(s, CONF_BLANK);
		if (*s == '\0' || *s == '#')
			return 0;
		if ((s = conf_cut_word(s, &text)) == NULL)
			return conf_error(err, errlen, "invalid quotes");
		if (words->n++ >= CONF_LIST_MAX)
			return conf_error(err, errlen, "too many words");
		/* The NUL may fall on the blank behind the word. */
		more = *s++ != '\0';
		*text++ = '\0';
	}
	return 0;
}

/*
 * Takes "Keyword value ..." or "Keyword=value ..." apart; the list need not
 * be initialised and is empty for a comment, a blank line and an error.
 */
int
conf_split(const char *line, struct conf_list *list, char *err,
    size_t errlen)
{
	char buf[CONF_LINE_MAX + 1], *rest;
	struct conf_words words;
	const char *word;

	memset(list, 0, sizeof(*list));
	if (conf_trim(line, buf, err, errlen) == -1)
		return -1;
	if ((rest = conf_cut_keyword(buf)) == NULL)
		return 0;
	if (conf_cut_words(rest, &words, err, errlen) == -1)
		return -1;
	conf_list_add(list, buf);
	for (word = words.text; words.n > 0; words.n--) {
		conf_list_add(list, word);
		word += strlen(word) + 1;
	}
	return 0;
}

/* The first entry from this one on that has a field of its own, or NULL. */
static const struct conf_keyword *
conf_field(const struct conf_keyword *kw)
{
	while (kw->flags & (CONF_FILE | CONF_ALIAS))
		kw++;
	return kw->name == NULL || (kw->flags & CONF_NO_FIELD) ? NULL : kw;
}

/* Frees what the fields own and makes them unset; all bytes may be zero. */
void
conf_clear(const struct conf_keyword *table, void *conf)
{
	const struct conf_keyword *kw;

	for (kw = table; (kw = conf_field(kw)) != NULL; kw++)
		kw->type->clear((char *)conf + kw->offset);
}

/* The keyword's entry, whatever its case, or NULL. */
const struct conf_keyword *
conf_find(const struct conf_keyword *table, const char *name)
{
	const struct conf_keyword *kw;
	int first = tolower((u_char)*name);

	for (kw = table; kw->name != NULL; kw++)
		if (tolower((u_char)*kw->name) == first &&
		    strcasecmp(kw->name, name) == 0)
			return kw;
	return NULL;
}

/* The keyword as messages and dumps write it. */
static const char *
conf_lower(const char *name, char *buf, size_t size)
{
	char *p;

	strlcpy(buf, name, size);
	for (p = buf; *p != '\0'; p++)
		*p = tolower((u_char)*p);
	return buf;
}

/*
 * May this keyword be set?  Returns 1, 0 if it is to be passed over, or -1
 * with a reason.
 */
static int
conf_check_keyword(const struct conf_keyword *kw, const char *name, char *err,
    size_t errlen)
{
	if (kw == NULL)
		return conf_error(err, errlen, "Bad configuration option: %.*s",
		    CONF_SHOWN, name);
	if (kw->flags & CONF_UNSUPPORTED)
		return conf_error(err, errlen, "unsupported option \"%s\"",
		    kw->name);
	if (kw->flags & CONF_FILE)
		return conf_error(err, errlen, "%s directive not supported as "
		    "a command-line option", kw->name);
	return (kw->flags & CONF_IGNORED) == 0;
}

/* Are there as many words as the keyword takes, and none of them empty? */
static int
conf_check_words(const struct conf_keyword *kw,
    const struct conf_words *words, char *err, size_t errlen)
{
	char name[CONF_NAME_MAX];
	const char *word = words->text;
	size_t i;

	if (words->n == 0)
		return conf_error(err, errlen, "no argument after keyword "
		    "\"%s\"", conf_lower(kw->name, name, sizeof(name)));
	for (i = 0; i < words->n; i++, word += strlen(word) + 1)
		if (*word == '\0')
			return conf_error(err, errlen, "%s: missing argument",
			    conf_lower(kw->name, name, sizeof(name)));
	if ((kw->flags & CONF_WORDS) == 0 && words->n > 1)
		return conf_error(err, errlen, "%s: garbage at end of line: "
		    "\"%.*s\"", conf_lower(kw->name, name, sizeof(name)),
		    CONF_SHOWN, words->text + strlen(words->text) + 1);
	return 0;
}

/* Has one word read by the keyword's type. */
static int
conf_parse_word(const struct conf_keyword *kw, void *conf, const char *word,
    char *err, size_t errlen)
{
	char name[CONF_NAME_MAX], why[256] = "";

	if (kw->type->parse(kw, (char *)conf + kw->offset, word, why,
	    sizeof(why)) == 0)
		return 0;
	return conf_error(err, errlen, "%s: bad value \"%.*s\"%s%s",
	    conf_lower(kw->name, name, sizeof(name)), CONF_SHOWN, word,
	    *why != '\0' ? ": " : "", why);
}

/*
 * Sets a field from the words after the keyword.  One that has its value
 * already is left alone, unless the keyword is CONF_APPEND; then, and if conf
 * is NULL, the words are checked in scratch, unless that is NULL.
 */
static int
conf_set(const struct conf_keyword *kw, void *conf, void *scratch,
    const struct conf_words *words, char *err, size_t errlen)
{
	const char *word = words->text;
	size_t i;
	int ret;

	ret = conf_check_words(kw, words, err, errlen);
	if (conf == NULL || ((kw->flags & CONF_APPEND) == 0 &&
	    kw->type->isset((char *)conf + kw->offset)))
		conf = scratch;
	if (conf == NULL)
		return ret;
	for (i = 0; ret == 0 && i < words->n; i++, word += strlen(word) + 1)
		ret = conf_parse_word(kw, conf, word, err, errlen);
	if (conf == scratch)
		kw->type->clear((char *)conf + kw->offset);
	return ret;
}

/* Sets a field from one argument that is taken as it is, without quotes. */
int
conf_set_value(const struct conf_keyword *table, void *conf,
    const char *name, const char *value, char *err, size_t errlen)
{
	const struct conf_keyword *kw = conf_find(table, name);
	struct conf_words words = { value, 1 };
	int ret;

	if ((ret = conf_check_keyword(kw, name, err, errlen)) != 1)
		return ret;
	if (conf_check_text(value, err, errlen) == -1)
		return -1;
	return conf_set(kw, conf, NULL, &words, err, errlen);
}

/*
 * Sets a field from a line of a file.  A line that has no effect, as an
 * earlier one holds or as conf is NULL, is checked in scratch, where all
 * fields are unset before and after.
 */
int
conf_take_line(const struct conf_keyword *table, void *conf, void *scratch,
    const char *line, char *err, size_t errlen)
{
	const struct conf_keyword *kw;
	struct conf_words words;
	char buf[CONF_LINE_MAX + 1], *rest;
	int ret;

	if (conf_trim(line, buf, err, errlen) == -1)
		return -1;
	if ((rest = conf_cut_keyword(buf)) == NULL)
		return 0;
	kw = conf_find(table, buf);
	if ((ret = conf_check_keyword(kw, buf, err, errlen)) != 1)
		return ret;
	if (kw->flags & CONF_REST)
		words = (struct conf_words){ rest, *rest != '\0' };
	else if (conf_cut_words(rest, &words, err, errlen) == -1)
		return -1;
	return conf_set(kw, conf, scratch, &words, err, errlen);
}

/* Sets a field from a line, as -o has it, unless it has its value already. */
int
conf_set_line(const struct conf_keyword *table, void *conf, const char *line,
    char *err, size_t errlen)
{
	return conf_take_line(table, conf, NULL, line, err, errlen);
}

/* Gives every field that is still unset the default of its keyword. */
void
conf_fill_defaults(const struct conf_keyword *table, void *conf)
{
	const struct conf_keyword *kw;
	struct conf_words words;
	char buf[CONF_LINE_MAX + 1], why[CONF_ERR_MAX];

	for (kw = table; (kw = conf_field(kw)) != NULL; kw++) {
		if (kw->dflt == NULL ||
		    kw->type->isset((char *)conf + kw->offset))
			continue;
		words = (struct conf_words){ kw->dflt, 1 };
		if (kw->flags & CONF_WORDS) {
			strlcpy(buf, kw->dflt, sizeof(buf));
			conf_cut_words(buf, &words, why, sizeof(why));
		}
		conf_set(kw, conf, NULL, &words, why, sizeof(why));
	}
}

/*
 * Writes the lines of one field.  -1: one is longer than can be read back, or
 * memory is out.
 */
static int
conf_dump_field(const struct conf_keyword *kw, const void *conf,
    struct buf *text)
{
	const void *field = (const char *)conf + kw->offset;
	char line[CONF_NAME_MAX + CONF_LINE_MAX + 1];
	size_t i, len, name = strlen(kw->name) + 1;

	for (i = 0; kw->type->format(kw, field, i, line + name,
	    CONF_LINE_MAX + 1) == 0; i++) {
		conf_lower(kw->name, line, CONF_NAME_MAX);
		line[name - 1] = ' ';
		len = name + strlen(line + name);
		if (len >= CONF_LINE_MAX)
			return -1;
		line[len++] = '\n';
		if (buf_append(text, line, len) == -1)
			return -1;
	}
	return 0;
}

/*
 * Every field as a line "keyword value" in the table's order: a text to be
 * freed, or NULL if a line would be longer than one that can be read back.
 */
char *
conf_dump(const struct conf_keyword *table, const void *conf)
{
	const struct conf_keyword *kw;
	struct buf text;
	int ret = 0;

	buf_init(&text, SIZE_MAX);
	for (kw = table; ret == 0 && (kw = conf_field(kw)) != NULL; kw++)
		ret = conf_dump_field(kw, conf, &text);
	if (ret == 0 && buf_append(&text, "", 1) == 0)
		return (char *)text.base;
	buf_clear(&text);
	return NULL;
}
