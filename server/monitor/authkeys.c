/* SPDX-License-Identifier: ISC */
/*
 * The lines of authorized_keys files, as sshd(8) has them: options, key type,
 * key in base64, comment.  An option that is not known here makes its key
 * unusable.  No file, user or address is known here; userkeys has those.
 */
#include <sys/types.h>
#include <netinet/in.h>

#include <resolv.h>
#include <sha2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authkeys.h"
#include "ruleset.h"
#include "xmalloc.h"

/* Options being read: where they go and what was seen before. */
struct authkeys_options {
	struct authkey	*key;
	int		 seen_command;
	char		*err;
	size_t		 errlen;
};

typedef int authkeys_set(struct authkeys_options *, const char *);

#define OPTION_VALUE	0x01	/* name="value" */
#define OPTION_NEGATES	0x02	/* may have "no-" before it */

struct authkeys_option {
	const char	*name;
	int		 flags;
	authkeys_set	*set;	/* its value, or what negates it, or NULL */
};

static const struct {
	const char	*type;
	const char	*name;
} authkeys_types[] = {
	{ "ssh-ed25519",			"ED25519" },
	{ "ssh-rsa",				"RSA" },
	{ "ecdsa-sha2-nistp256",		"ECDSA" },
	{ "ecdsa-sha2-nistp384",		"ECDSA" },
	{ "ecdsa-sha2-nistp521",		"ECDSA" },
	{ "sk-ssh-ed25519@openssh.com",		"ED25519-SK" },
	{ "sk-ecdsa-sha2-nistp256@openssh.com",	"ECDSA-SK" }
};

#define nitems(a)	(sizeof(a) / sizeof((a)[0]))

/* How logs name a key type: "ED25519"; the type itself if it is unknown. */
const char *
authkeys_type_name(const char *type)
{
	size_t i;

	for (i = 0; i < nitems(authkeys_types); i++) {
		if (strcmp(authkeys_types[i].type, type) == 0)
			return authkeys_types[i].name;
	}
	return type;
}

/* Does a FIDO authenticator have keys of that type? */
int
authkeys_is_sk(const char *type)
{
	return strncmp(type, "sk-", 3) == 0;
}

/* Does this word begin a key, so that the line has no options? */
static int
authkeys_is_type(const char *s)
{
	static const char *const prefixes[] = {
		"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"
	};
	size_t i;

	for (i = 0; i < nitems(prefixes); i++) {
		if (strncmp(s, prefixes[i], strlen(prefixes[i])) == 0)
			return 1;
	}
	return 0;
}

static const char *
authkeys_skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

/* The length of the field at s, which ends at a space outside of quotes. */
static size_t
authkeys_field_len(const char *s)
{
	const char *p;
	int quoted = 0;

	for (p = s; *p != '\0'; p++) {
		if (!quoted && (*p == ' ' || *p == '\t'))
			break;
		if (p[0] == '\\' && p[1] == '"')
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return p - s;
}

/*
 * Decodes a key and checks that it says of itself to be of that type.
 * Returns 0 and memory that the caller frees, or -1.
 */
int
authkeys_decode_blob(const char *type, const char *base64, u_char **blobp,
    size_t *lenp)
{
	size_t size = strlen(base64), typelen = strlen(type);
	u_char *blob;
	uint32_t n;
	int len;

	if (size > AUTHKEYS_LINE_MAX || (blob = malloc(size + 1)) == NULL)
		return -1;
	if ((len = b64_pton(base64, blob, size + 1)) < (int)sizeof(n))
		goto fail;
	memcpy(&n, blob, sizeof(n));
	if (ntohl(n) != typelen || (size_t)len <= sizeof(n) + typelen ||
	    memcmp(blob + sizeof(n), type, typelen) != 0)
		goto fail;
	*blobp = blob;
	*lenp = len;
	return 0;
 fail:
	free(blob);
	return -1;
}

/* Is this the key of the line? */
int
authkeys_equal(const struct authkey *key, const u_char *blob, size_t len)
{
	return key->blob != NULL && key->bloblen == len &&
	    memcmp(key->blob, blob, len) == 0;
}

/* The fingerprint as ssh-keygen(1) prints it; "" if buf is too small. */
char *
authkeys_format_print(const u_char *blob, size_t len, char *buf, size_t size)
{
	u_char digest[SHA256_DIGEST_LENGTH];
	char text[AUTHKEYS_PRINT_MAX];
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, blob, len);
	SHA256Final(digest, &ctx);
	if (b64_ntop(digest, sizeof(digest), text, sizeof(text)) == -1)
		text[0] = '\0';
	text[strcspn(text, "=")] = '\0';
	if (size > 0 &&
	    (size_t)snprintf(buf, size, "SHA256:%s", text) >= size)
		buf[0] = '\0';
	return buf;
}

static int
authkeys_fail(struct authkeys_options *o, const char *reason)
{
	strlcpy(o->err, reason, o->errlen);
	return -1;
}

static int
authkeys_set_ignored(struct authkeys_options *o, const char *value)
{
	return 0;
}

static int
authkeys_set_restrict(struct authkeys_options *o, const char *value)
{
	o->key->no_forwarding = 1;
	return 0;
}

static int
authkeys_set_forwarding(struct authkeys_options *o, const char *value)
{
	o->key->no_forwarding = value != NULL;
	return 0;
}

static int
authkeys_set_touch(struct authkeys_options *o, const char *value)
{
	o->key->no_touch = value != NULL;
	return 0;
}

static int
authkeys_set_verify(struct authkeys_options *o, const char *value)
{
	o->key->verify = value == NULL;
	return 0;
}

static int
authkeys_set_command(struct authkeys_options *o, const char *value)
{
	if (o->seen_command++)
		return authkeys_fail(o, "multiple \"command\" clauses");
	return 0;
}

static int
authkeys_set_from(struct authkeys_options *o, const char *value)
{
	if (o->key->from != NULL)
		return authkeys_fail(o, "multiple \"from\" clauses");
	o->key->from = xstrdup(value);
	return 0;
}

static int
authkeys_set_permitopen(struct authkeys_options *o, const char *value)
{
	struct ruleset *rules = ruleset_new();
	int error = rules == NULL || ruleset_add(rules, value) == -1;

	ruleset_free(rules);
	if (error)
		return authkeys_fail(o, "invalid permitopen destination");
	conf_list_add(&o->key->permit_open, value);
	return 0;
}

/*
 * YYYYMMDD[HHMM[SS]][Z|UTC] to a time; local time without a zone.  Returns 0,
 * or -1 for anything else.
 */
static int
authkeys_parse_time(const char *s, time_t *tp)
{
	static const char *const formats[] = {
		"%4d%2d%2d", "%4d%2d%2d%2d%2d", "%4d%2d%2d%2d%2d%2d"
	};
	static const size_t lengths[] = { 8, 12, 14 };
	size_t i, len = strspn(s, "0123456789");
	struct tm tm, given;
	int utc;

	utc = strcasecmp(s + len, "Z") == 0 || strcasecmp(s + len, "UTC") == 0;
	if (s[len] != '\0' && !utc)
		return -1;
	for (i = 0; i < nitems(lengths) && lengths[i] != len; i++)
		;
	if (i == nitems(lengths))
		return -1;
	memset(&tm, 0, sizeof(tm));
	sscanf(s, formats[i], &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
	    &tm.tm_hour, &tm.tm_min, &tm.tm_sec);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	tm.tm_isdst = -1;
	given = tm;
	*tp = utc ? timegm(&tm) : mktime(&tm);
	/* The 31st of a month of 30 days would become the 1st of the next. */
	if (given.tm_mon != tm.tm_mon || given.tm_mday != tm.tm_mday ||
	    given.tm_hour > 23 || given.tm_min > 59 || given.tm_sec > 60)
		return -1;
	return *tp > 0 ? 0 : -1;
}

static int
authkeys_set_expiry(struct authkeys_options *o, const char *value)
{
	time_t when;

	if (authkeys_parse_time(value, &when) == -1)
		return authkeys_fail(o, "invalid expires time");
	if (o->key->expires == 0 || when < o->key->expires)
		o->key->expires = when;
	return 0;
}

/*
 * command= needs nothing done: no command is ever run here.  Options about a
 * shell, a display or an agent are accepted and change nothing.
 */
static const struct authkeys_option authkeys_table[] = {
	{ "agent-forwarding",	OPTION_NEGATES,	authkeys_set_ignored },
	{ "command",		OPTION_VALUE,	authkeys_set_command },
	{ "environment",	OPTION_VALUE,	authkeys_set_ignored },
	{ "expiry-time",	OPTION_VALUE,	authkeys_set_expiry },
	{ "from",		OPTION_VALUE,	authkeys_set_from },
	{ "permitopen",		OPTION_VALUE,	authkeys_set_permitopen },
	{ "port-forwarding",	OPTION_NEGATES,	authkeys_set_forwarding },
	{ "pty",		OPTION_NEGATES,	authkeys_set_ignored },
	{ "restrict",		0,		authkeys_set_restrict },
	{ "touch-required",	OPTION_NEGATES,	authkeys_set_touch },
	{ "user-rc",		OPTION_NEGATES,	authkeys_set_ignored },
	{ "verify-required",	OPTION_NEGATES,	authkeys_set_verify },
	{ "x11-forwarding",	OPTION_NEGATES,	authkeys_set_ignored }
};

/* The option of that name, and whether "no-" stood before it; or NULL. */
static const struct authkeys_option *
authkeys_find_option(const char *name, int *negated)
{
	const struct authkeys_option *opt;
	size_t i;

	*negated = strncasecmp(name, "no-", 3) == 0;
	if (*negated)
		name += 3;
	for (i = 0; i < nitems(authkeys_table); i++) {
		opt = &authkeys_table[i];
		if (strcasecmp(opt->name, name) == 0 &&
		    (!*negated || (opt->flags & OPTION_NEGATES)))
			return opt;
	}
	return NULL;
}

/*
 * Takes a value in quotes from *sp, in place, with \" for a quote in it.
 * Returns it, or NULL with the reason in o->err.
 */
static char *
authkeys_dequote(struct authkeys_options *o, char **sp)
{
	char *from = *sp, *value, *to;

	if (*from++ != '"') {
		authkeys_fail(o, "missing start quote");
		return NULL;
	}
	value = to = from;
	while (*from != '\0' && *from != '"') {
		if (from[0] == '\\' && from[1] == '"')
			from++;
		*to++ = *from++;
	}
	if (*from == '\0') {
		authkeys_fail(o, "missing end quote");
		return NULL;
	}
	*sp = from + 1;
	*to = '\0';
	return value;
}

/* One option at *sp, which is moved to what follows it. */
static int
authkeys_parse_option(struct authkeys_options *o, char **sp)
{
	const struct authkeys_option *opt;
	char name[32], *value = NULL;
	size_t len = strcspn(*sp, "=,\"");
	int negated;

	snprintf(name, sizeof(name), "%.*s", (int)len, *sp);
	if (len >= sizeof(name) ||
	    (opt = authkeys_find_option(name, &negated)) == NULL) {
		snprintf(o->err, o->errlen, "unknown key option \"%s\"", name);
		return -1;
	}
	*sp += len;
	if (opt->flags & OPTION_VALUE) {
		if (*(*sp)++ != '=')
			return authkeys_fail(o, "missing value of key option");
		if ((value = authkeys_dequote(o, sp)) == NULL)
			return -1;
	} else if (negated)
		value = name;
	return opt->set(o, value);
}

static int
authkeys_parse_options(struct authkeys_options *o, char *s)
{
	for (;;) {
		if (authkeys_parse_option(o, &s) == -1)
			return -1;
		if (*s == '\0')
			return 0;
		if (*s++ != ',')
			return authkeys_fail(o, "garbage after key option");
		if (*s == '\0')
			return authkeys_fail(o, "unexpected end-of-options");
	}
}

/* Takes type and base64 at s; what follows is a comment. */
static int
authkeys_parse_key(struct authkey *key, const char *s, char *err,
    size_t errlen)
{
	char *base64;
	int ret;

	key->type = xstrndup(s, strcspn(s, " \t"));
	s = authkeys_skip_space(s + strlen(key->type));
	base64 = xstrndup(s, strcspn(s, " \t\r\n"));
	ret = authkeys_decode_blob(key->type, base64, &key->blob,
	    &key->bloblen);
	free(base64);
	if (ret == -1)
		strlcpy(err, "no valid key", errlen);
	return ret;
}

/*
 * Reads one line.  Of a line that is bad for its options alone the key is
 * there all the same, so that the log can tell why it did not serve.  The
 * caller clears key in any case.
 */
enum authkeys_result
authkeys_parse_line(struct authkey *key, const char *line, char *err,
    size_t errlen)
{
	struct authkeys_options o = { key, 0, err, errlen };
	char *options = NULL;
	size_t len;
	int ret;

	memset(key, 0, sizeof(*key));
	err[0] = '\0';
	line = authkeys_skip_space(line);
	if (line[strspn(line, "\r\n")] == '\0' || *line == '#')
		return AUTHKEYS_NONE;
	if (strlen(line) > AUTHKEYS_LINE_MAX) {
		strlcpy(err, "line too long", errlen);
		return AUTHKEYS_BAD;
	}
	if (!authkeys_is_type(line)) {
		len = authkeys_field_len(line);
		options = xstrndup(line, len);
		line = authkeys_skip_space(line + len);
	}
	ret = authkeys_parse_key(key, line, err, errlen);
	if (ret == 0 && options != NULL)
		ret = authkeys_parse_options(&o, options);
	free(options);
	return ret == -1 ? AUTHKEYS_BAD : AUTHKEYS_KEY;
}

/* Frees what authkeys_parse_line() put there. */
void
authkeys_clear(struct authkey *key)
{
	free(key->type);
	free(key->blob);
	free(key->from);
	conf_list_clear(&key->permit_open);
	memset(key, 0, sizeof(*key));
}
