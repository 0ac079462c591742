/* SPDX-License-Identifier: ISC */
/*
 * Is a key in a user's authorized_keys files?  They are found and read once,
 * with that user's rights; all keys of a connection are looked for in what was
 * read then.  What a line of them means is authkeys' to know; of SSH nothing is
 * known here.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "accounts.h"
#include "authkeys.h"
#include "log.h"
#include "match.h"
#include "servconf.h"
#include "slurp.h"
#include "strictopen.h"
#include "userkeys.h"
#include "xmalloc.h"

#define USERKEYS_FILE_MAX	(1024 * 1024)

/* A key looked for in one user's files. */
struct userkeys_search {
	const struct account	*account;
	const struct peer	*peer;
	const u_char			*blob;
	size_t				 len;
	struct authkey			*found;
	char				*where;
	size_t				 wherelen;
};

/*
 * Expands %h, %u, %U and %% of AuthorizedKeysFile; a relative path is under
 * the home.  Returns 0, or -1 for a path too long or an unknown %.
 */
static int
userkeys_expand_path(const struct account *account,
    const char *pattern, char *path, size_t size)
{
	char one[2] = "", uid[16], expanded[PATH_MAX] = "";
	const char *piece;

	snprintf(uid, sizeof(uid), "%u", (u_int)account->uid);
	for (; *pattern != '\0'; pattern++) {
		one[0] = *pattern;
		piece = one;
		if (*pattern == '%') {
			switch (*++pattern) {
			case 'h':
				piece = account->home;
				break;
			case 'u':
				piece = account->name;
				break;
			case 'U':
				piece = uid;
				break;
			case '%':
				break;
			default:
				return -1;
			}
		}
		if (strlcat(expanded, piece, sizeof(expanded)) >=
		    sizeof(expanded))
			return -1;
	}
	return (size_t)snprintf(path, size, "%s%s%s",
	    expanded[0] == '/' ? "" : account->home,
	    expanded[0] == '/' ? "" : "/", expanded) < size ? 0 : -1;
}

/* Opens one of the user's files; -1 with errno and the reason in err. */
static int
userkeys_open(const struct account *account, const char *path, int strict,
    char *err, size_t errlen)
{
	int fd;

	if (strict)
		return strictopen(path, account->home, account->uid, err,
		    errlen);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
	return fd;
}

/*
 * Reads one of the user's files with the rights the process has now.  Returns
 * its text, which the caller frees, or NULL; the reason is logged unless the
 * file is just not there.
 */
static char *
userkeys_read_file(const struct account *account, const char *path,
    int strict, size_t *lenp)
{
	char err[PATH_MAX + 64], *text = NULL;
	struct stat st;
	int fd;

	fd = userkeys_open(account, path, strict, err, sizeof(err));
	if (fd == -1) {
		if (errno != ENOENT && errno != ENOTDIR)
			log_info("Authentication refused: %s", err);
		return NULL;
	}
	if (fstat(fd, &st) == -1)
		log_warn("%s", path);
	else if (!S_ISREG(st.st_mode))
		log_info("User '%s' authorized keys '%s' is not a regular "
		    "file", account->name, path);
	else if ((text = slurp(fd, USERKEYS_FILE_MAX, lenp)) == NULL)
		log_warn("User '%s' authorized keys '%s'", account->name,
		    path);
	close(fd);
	return text;
}

/* May a key with these options be used now and from there? */
static int
userkeys_check_options(const struct userkeys_search *s,
    const struct authkey *key, const char *where)
{
	if (key->expires != 0 && key->expires < time(NULL)) {
		log_info("%s: key of %s has expired", where,
		    s->account->name);
		return 0;
	}
	if (key->from == NULL)
		return 1;
	switch (match_addr_list(&s->peer->addr, NULL, key->from)) {
	case 1:
		return 1;
	case -2:
		log_info("%s: invalid from criteria", where);
		break;
	}
	log_info("%s: Authentication tried for %s with correct key but not "
	    "from a permitted host (%s)", where, s->account->name,
	    s->peer->text);
	return 0;
}

/* Is this line the key, and may it be used?  Then it becomes s->found. */
static int
userkeys_try_line(struct userkeys_search *s, const char *line,
    const char *where)
{
	struct authkey key = { .type = NULL };
	char err[96];

	switch (authkeys_parse_line(&key, line, err, sizeof(err))) {
	case AUTHKEYS_NONE:
		break;
	case AUTHKEYS_BAD:
		if (authkeys_equal(&key, s->blob, s->len))
			log_info("%s: key of %s cannot be used: %s", where,
			    s->account->name, err);
		else
			log_verbose("%s: %s", where, err);
		break;
	case AUTHKEYS_KEY:
		if (authkeys_equal(&key, s->blob, s->len) &&
		    userkeys_check_options(s, &key, where)) {
			*s->found = key;
			return 1;
		}
		break;
	}
	authkeys_clear(&key);
	return 0;
}

static int
userkeys_search_file(struct userkeys_search *s,
    const struct userkeys_file *file)
{
	const char *p = file->text, *end = p + file->len, *eol;
	char *line;
	u_int num;
	int found = 0;

	for (num = 1; p < end && !found; num++, p = eol + 1) {
		if ((eol = memchr(p, '\n', end - p)) == NULL)
			eol = end;
		snprintf(s->where, s->wherelen, "%s:%u", file->path, num);
		line = xstrndup(p, eol - p);
		if (strlen(line) != (size_t)(eol - p))
			log_verbose("%s: NUL in line", s->where);
		else
			found = userkeys_try_line(s, line, s->where);
		free(line);
	}
	return found;
}

static void
userkeys_load_file(struct userkeys *keys, const struct account *account,
    const char *pattern, int strict)
{
	struct userkeys_file *file;
	char path[PATH_MAX], *text;
	size_t len;

	if (strcasecmp(pattern, "none") == 0)
		return;
	if (userkeys_expand_path(account, pattern, path, sizeof(path)) == -1) {
		log_warnx("AuthorizedKeysFile %s: bad path for user %s",
		    pattern, account->name);
		return;
	}
	text = userkeys_read_file(account, path, strict, &len);
	if (text == NULL)
		return;
	file = &keys->file[keys->n++];
	file->path = xstrdup(path);
	file->text = text;
	file->len = len;
}

/* Reads the files of a user.  The caller clears the keys. */
void
userkeys_load(struct userkeys *keys, const struct servconf *conf,
    const struct account *account)
{
	const struct conf_list *list = &conf->authorized_keys;
	struct account_saved saved;
	size_t i;

	keys->n = 0;
	keys->file = xcalloc(list->n + 1, sizeof(*keys->file));
	account_enter(account, &saved);
	for (i = 0; i < list->n; i++)
		userkeys_load_file(keys, account, list->word[i],
		    conf->strict_modes);
	account_leave(&saved);
}

/* Frees what was read; all zero or cleared keys may come again. */
void
userkeys_clear(struct userkeys *keys)
{
	while (keys->n > 0) {
		keys->n--;
		free(keys->file[keys->n].path);
		free(keys->file[keys->n].text);
	}
	free(keys->file);
	keys->file = NULL;
}

/*
 * Looks for a key in what was read of the user's files.  Returns 1, the line's
 * meaning (which the caller clears) and "FILE:LINE" in where; or 0, when a key
 * that is there but may not be used was logged.
 */
int
userkeys_find(const struct userkeys *keys, const struct account *account,
    const struct peer *peer, const u_char *blob, size_t len,
    struct authkey *found, char *where, size_t wherelen)
{
	struct userkeys_search s = {
		account, peer, blob, len, found, where, wherelen
	};
	size_t i;
	int ret = 0;

	for (i = 0; i < keys->n && ret == 0; i++)
		ret = userkeys_search_file(&s, &keys->file[i]);
	return ret;
}
