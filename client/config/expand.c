/* SPDX-License-Identifier: ISC */
/*
 * Owns what replaces "~", "${NAME}" and the tokens in the values of the
 * configuration, and the rule that says which names of hosts and users may
 * become part of a shell command.  The caller says what a keyword may hold.
 */
#include <sys/types.h>
#include <ctype.h>
#include <netdb.h>
#include <pwd.h>
#include <sha1.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "buf.h"
#include "cliconf.h"
#include "conf.h"
#include "expand.h"
#include "xmalloc.h"

/* May the name of a host stand in a shell command?  The rule is ssh(1)'s. */
int
expand_safe_host(const char *s)
{
	if (*s == '-' || *s == '\0')
		return 0;
	for (; *s != '\0'; s++)
		if (strchr("'`\"$\\;&<>|(){},", *s) != NULL ||
		    isspace((u_char)*s) || iscntrl((u_char)*s))
			return 0;
	return 1;
}

/*
 * May the user's name?  Names of Windows domains hold backslashes and spaces,
 * so these are let through where they cannot begin an option or escape what
 * follows.
 */
int
expand_safe_user(const char *s)
{
	if (*s == '-' || *s == '\0')
		return 0;
	for (; *s != '\0'; s++) {
		if (strchr("'`\"$;&<>|(){}", *s) != NULL ||
		    iscntrl((u_char)*s))
			return 0;
		if (isspace((u_char)*s) && s[1] == '-')
			return 0;
		if (*s == '\\' && s[1] == '\0')
			return 0;
	}
	return 1;
}

/*
 * Are both names fit for a shell?  The user's may be NULL: not known yet.
 * Returns 0, or -1 with a reason.
 */
int
expand_check_names(const char *host, const char *user, char *err,
    size_t errlen)
{
	if (!expand_safe_host(host)) {
		snprintf(err, errlen, "hostname contains invalid characters");
		return -1;
	}
	if (user != NULL && !expand_safe_user(user)) {
		snprintf(err, errlen,
		    "remote username contains invalid characters");
		return -1;
	}
	return 0;
}

/* Several destinations with commas between them: [user@]host[:port]. */
static int
expand_safe_jump(const char *s)
{
	return expand_safe_user(s) && strpbrk(s, "\\ \t") == NULL;
}

/*
 * The user who runs the program, looked up once: name, home and number are
 * kept.  NULL with a reason.
 */
const struct passwd *
expand_passwd(char *err, size_t errlen)
{
	static struct passwd self;
	const struct passwd *pw;

	if (self.pw_name != NULL)
		return &self;
	if ((pw = getpwuid(getuid())) == NULL) {
		snprintf(err, errlen, "No user exists for uid %u",
		    (unsigned int)getuid());
		return NULL;
	}
	self.pw_uid = pw->pw_uid;
	self.pw_dir = xstrdup(pw->pw_dir);
	self.pw_name = xstrdup(pw->pw_name);
	return &self;
}

/* The name of this machine, up to the first dot if it is to be short. */
static const char *
expand_local_host(int is_short, char *buf, size_t size)
{
	if (gethostname(buf, size) == -1)
		return NULL;
	buf[size - 1] = '\0';
	if (is_short)
		buf[strcspn(buf, ".")] = '\0';
	return buf;
}

static const char *expand_token(const struct expand_names *,
    const struct passwd *, char, char *, size_t);

/* What is the same for connections that are: a hash, as ssh(1) makes it. */
static const char *
expand_hash(const struct expand_names *names, const struct passwd *pw,
    char *buf, size_t size)
{
	char value[256], hash[SHA1_DIGEST_STRING_LENGTH];
	const char *token, *text;
	SHA1_CTX ctx;

	SHA1Init(&ctx);
	for (token = "lhprj"; *token != '\0'; token++) {
		text = expand_token(names, pw, *token, value, sizeof(value));
		if (text != NULL)
			SHA1Update(&ctx, (const uint8_t *)text, strlen(text));
	}
	strlcpy(buf, SHA1End(&ctx, hash), size);
	return buf;
}

/* The value of one token, or NULL if there is no such token. */
static const char *
expand_token(const struct expand_names *names, const struct passwd *pw,
    char token, char *buf, size_t size)
{
	const struct cliconf *conf = names->conf;

	switch (token) {
	case '%':
		return "%";
	case 'C':
		return expand_hash(names, pw, buf, size);
	case 'd':
		return pw->pw_dir;
	case 'h':
		return names->hostname;
	case 'i':
		snprintf(buf, size, "%u", (unsigned int)pw->pw_uid);
		return buf;
	case 'j':
		return conf->proxy_jump == NULL ||
		    strcasecmp(conf->proxy_jump, "none") == 0 ? "" :
		    conf->proxy_jump;
	case 'k':
		return conf->hostkey_alias != NULL ? conf->hostkey_alias :
		    names->host;
	case 'L':
	case 'l':
		return expand_local_host(token == 'L', buf, size);
	case 'n':
		return names->host;
	case 'p':
		snprintf(buf, size, "%d", conf->port == CONF_UNSET ? 22 :
		    conf->port);
		return buf;
	case 'r':
		return conf->user != NULL ? conf->user : pw->pw_name;
	case 'u':
		return pw->pw_name;
	default:
		return NULL;
	}
}

/*
 * May the value of a token stand in a shell command?  Those are checked that
 * somebody else may have chosen: a link, a repository or a script can name the
 * host and the user.
 */
static int
expand_check_token(char token, const char *value, char *err, size_t errlen)
{
	if (*value == '\0')
		return 0;
	switch (token) {
	case 'h':
	case 'n':
	case 'k':
		return expand_check_names(value, NULL, err, errlen);
	case 'r':
		return expand_check_names("host", value, err, errlen);
	case 'j':
		if (expand_safe_jump(value))
			return 0;
		snprintf(err, errlen, "jump host contains invalid characters");
		return -1;
	default:
		return 0;
	}
}

static int
expand_put(struct buf *out, const char *s, size_t len, char *err,
    size_t errlen)
{
	if (buf_append(out, s, len) == 0)
		return 0;
	snprintf(err, errlen, "out of memory");
	return -1;
}

/* Writes the value of a token. */
static int
expand_put_token(const struct expand_names *names, char token, int flags,
    struct buf *out, char *err, size_t errlen)
{
	const struct passwd *pw;
	const char *value = NULL;
	char buf[NI_MAXHOST];

	if ((pw = expand_passwd(err, errlen)) == NULL)
		return -1;
	if ((flags & (EXPAND_TOKENS | EXPAND_SHELL)) || token == 'h' ||
	    token == '%')
		value = expand_token(names, pw, token, buf, sizeof(buf));
	if (value == NULL) {
		if (token == '\0')
			snprintf(err, errlen, "\"%%\" at the end");
		else
			snprintf(err, errlen, "unknown token %%%c", token);
		return -1;
	}
	if ((flags & EXPAND_SHELL) &&
	    expand_check_token(token, value, err, errlen) == -1)
		return -1;
	return expand_put(out, value, strlen(value), err, errlen);
}

/* Writes the value of the "${NAME}" that *s points at and steps over it. */
static int
expand_put_env(const char **s, struct buf *out, char *err, size_t errlen)
{
	const char *end, *value;
	char *name;
	int ret = -1;

	if ((end = strchr(*s, '}')) == NULL) {
		snprintf(err, errlen, "\"${\" without \"}\"");
		return -1;
	}
	name = xstrndup(*s + 2, end - *s - 2);
	if ((value = getenv(name)) == NULL)
		snprintf(err, errlen, "environment variable %.100s not set",
		    name);
	else
		ret = expand_put(out, value, strlen(value), err, errlen);
	free(name);
	*s = end;
	return ret;
}

/* Writes the home folder that "~" or "~user" stands for and steps over it. */
static int
expand_put_home(const char **s, struct buf *out, char *err, size_t errlen)
{
	const struct passwd *pw;
	size_t len = strcspn(*s, "/");
	char *name;

	if (len == 1)
		pw = expand_passwd(err, errlen);
	else {
		name = xstrndup(*s + 1, len - 1);
		if ((pw = getpwnam(name)) == NULL)
			snprintf(err, errlen, "no such user %.100s", name);
		free(name);
	}
	if (pw == NULL)
		return -1;
	*s += len;
	return expand_put(out, pw->pw_dir, strlen(pw->pw_dir), err, errlen);
}

/*
 * Expands what the flags EXPAND_* name.  Returns a string to be freed, or
 * NULL with a reason.
 */
char *
expand_text(const struct expand_names *names, const char *text, int flags,
    char *err, size_t errlen)
{
	struct buf out;
	int ret = 0;

	buf_init(&out, SIZE_MAX);
	if ((flags & EXPAND_TILDE) && *text == '~')
		ret = expand_put_home(&text, &out, err, errlen);
	for (; ret == 0 && *text != '\0'; text++) {
		if (*text == '%' && (flags & (EXPAND_TOKENS |
		    EXPAND_HOSTNAME | EXPAND_SHELL)))
			ret = expand_put_token(names, *++text, flags, &out,
			    err, errlen);
		else if ((flags & EXPAND_ENV) && *text == '$' &&
		    text[1] == '{')
			ret = expand_put_env(&text, &out, err, errlen);
		else
			ret = expand_put(&out, text, 1, err, errlen);
		if (ret != 0)
			break;
	}
	if (ret == 0 && expand_put(&out, "", 1, err, errlen) == 0)
		return (char *)out.base;
	buf_clear(&out);
	return NULL;
}

/*
 * Replaces the value of a keyword by its expansion, unless there is none or
 * it is the word "none".  Returns 0, or -1 with a reason.
 */
int
expand_string(const struct expand_names *names, const char *keyword,
    char **value, int flags, char *err, size_t errlen)
{
	char why[CONF_ERR_MAX], *text;

	if (*value == NULL || strcasecmp(*value, "none") == 0)
		return 0;
	if ((text = expand_text(names, *value, flags, why,
	    sizeof(why))) == NULL) {
		snprintf(err, errlen, "%s: cannot expand \"%.100s\": %s",
		    keyword, *value, why);
		return -1;
	}
	free(*value);
	*value = text;
	return 0;
}

/* The same for a list of paths, from which the word "none" vanishes. */
int
expand_list(const struct expand_names *names, const char *keyword,
    struct conf_list *list, int flags, char *err, size_t errlen)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++) {
		if (strcasecmp(list->word[i], "none") == 0)
			free(list->word[i]);
		else
			list->word[n++] = list->word[i];
	}
	list->n = n;
	for (i = 0; i < list->n; i++)
		if (expand_string(names, keyword, &list->word[i], flags, err,
		    errlen) == -1)
			return -1;
	return 0;
}

/*
 * The host to connect to, as the configuration stands now: HostName, or else
 * the host that the user gave.  To be freed; NULL with a reason.
 */
char *
expand_hostname(const struct cliconf *conf, const char *host, char *err,
    size_t errlen)
{
	struct expand_names names = { conf, host, host };
	char *name;

	name = xstrdup(conf->hostname != NULL ? conf->hostname : "%h");
	if (expand_string(&names, "hostname", &name, EXPAND_HOSTNAME, err,
	    errlen) == 0)
		return name;
	free(name);
	return NULL;
}
