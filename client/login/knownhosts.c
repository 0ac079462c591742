/* SPDX-License-Identifier: ISC */
/*
 * Owns the format of known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT):
 * several files, patterns with negation, hashed names, @revoked.  libssh's
 * own reader knows one file of each kind, no markers, no negation, and stops
 * at the first type it does not know; it is used for single keys and hashes.
 * What follows from a key that is new or has changed is decided in hostkey.c.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sha1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libssh/libssh.h>

#include "agent.h"
#include "conf.h"
#include "knownhosts.h"
#include "log.h"
#include "match.h"
#include "xmalloc.h"

typedef void knownhosts_visit(const struct knownhosts_line *, const char *,
    u_long, void *);

/* The name a host has in the files: lower case, [name]:port unless 22. */
char *
knownhosts_name(const char *host, int port)
{
	char	*name, *p;

	if (port == 0 || port == 22)
		name = xstrdup(host);
	else
		xasprintf(&name, "[%s]:%d", host, port);
	for (p = name; *p != '\0'; p++)
		*p = tolower((u_char)*p);
	return name;
}

/* HMAC-SHA1 of a text (RFC 2104), with a key of one digest's length. */
static void
knownhosts_hmac(const u_char *key, const char *text, u_char *digest)
{
	SHA1_CTX	ctx;
	u_char		pad[SHA1_BLOCK_LENGTH];
	size_t		i;

	memset(pad, 0x36, sizeof(pad));
	for (i = 0; i < SHA1_DIGEST_LENGTH; i++)
		pad[i] ^= key[i];
	SHA1Init(&ctx);
	SHA1Update(&ctx, pad, sizeof(pad));
	SHA1Update(&ctx, (const u_char *)text, strlen(text));
	SHA1Final(digest, &ctx);
	for (i = 0; i < sizeof(pad); i++)
		pad[i] ^= 0x36 ^ 0x5c;
	SHA1Init(&ctx);
	SHA1Update(&ctx, pad, sizeof(pad));
	SHA1Update(&ctx, digest, SHA1_DIGEST_LENGTH);
	SHA1Final(digest, &ctx);
}

/* A name in the form that does not show it, |1|salt|hash.  To be freed. */
char *
knownhosts_hash(const char *name)
{
	u_char	 salt[SHA1_DIGEST_LENGTH], digest[SHA1_DIGEST_LENGTH];
	char	*salt64, *digest64, *hashed;

	arc4random_buf(salt, sizeof(salt));
	knownhosts_hmac(salt, name, digest);
	salt64 = agent_base64(salt, sizeof(salt));
	digest64 = agent_base64(digest, sizeof(digest));
	xasprintf(&hashed, "|1|%s|%s", salt64, digest64);
	free(salt64);
	free(digest64);
	return hashed;
}

/* May the host be written to a file, without meaning something else there? */
int
knownhosts_valid_name(const char *host)
{
	const u_char	*p;

	if (*host == '\0')
		return 0;
	for (p = (const u_char *)host; *p != '\0'; p++)
		if (*p <= ' ' || *p == 0x7f ||
		    strchr("@?*#[]|,!'\"\\", *p) != NULL)
			return 0;
	return 1;
}

/* The next word of *sp, ended in place; NULL at the end. */
static char *
knownhosts_word(char **sp)
{
	char	*word;

	*sp += strspn(*sp, " \t");
	if (**sp == '\0')
		return NULL;
	word = *sp;
	*sp += strcspn(*sp, " \t");
	if (**sp != '\0')
		*(*sp)++ = '\0';
	return word;
}

/*
 * Takes a line apart in place.  Returns 1, or 0 when it holds no key: empty,
 * a comment, or malformed.
 */
int
knownhosts_parse_line(char *line, struct knownhosts_line *kl)
{
	char	*p = line;

	memset(kl, 0, sizeof(*kl));
	line[strcspn(line, "\r\n")] = '\0';
	kl->hosts = knownhosts_word(&p);
	if (kl->hosts == NULL || kl->hosts[0] == '#')
		return 0;
	if (kl->hosts[0] == '@') {
		if (strcmp(kl->hosts, "@cert-authority") == 0)
			kl->marker = KNOWNHOSTS_MARK_CA;
		else if (strcmp(kl->hosts, "@revoked") == 0)
			kl->marker = KNOWNHOSTS_MARK_REVOKED;
		else
			return 0;
		kl->hosts = knownhosts_word(&p);
	}
	kl->type = knownhosts_word(&p);
	kl->key = knownhosts_word(&p);
	return kl->key != NULL;
}

/* Is the line about the host of this name? */
int
knownhosts_match(const struct knownhosts_line *kl, const char *name)
{
	struct ssh_knownhosts_entry	*entry = NULL;
	char				*line;
	int				 rc;

	if (kl->hosts[0] != '|')
		return match_hostname(name, kl->hosts) == 1;
	xasprintf(&line, "%s %s %s", kl->hosts, kl->type, kl->key);
	rc = ssh_known_hosts_parse_line(name, line, &entry);
	free(line);
	if (rc == SSH_OK)
		ssh_knownhosts_entry_free(entry);
	return rc == SSH_OK;
}

/* Calls the function for each line of the file that is about the host. */
static void
knownhosts_scan(const char *file, const char *name, knownhosts_visit *visit,
    void *arg)
{
	struct knownhosts_line	 kl;
	FILE			*fp;
	char			*line = NULL;
	size_t			 size = 0;
	u_long			 number = 0;

	if ((fp = fopen(file, "re")) == NULL) {
		if (errno == ENOENT)
			log_debug2("%s: %s", file, strerror(errno));
		else
			log_verbose("%s: %s", file, strerror(errno));
		return;
	}
	while (getline(&line, &size, fp) != -1) {
		number++;
		if (knownhosts_parse_line(line, &kl) &&
		    knownhosts_match(&kl, name))
			visit(&kl, file, number, arg);
	}
	free(line);
	fclose(fp);
}

static void
knownhosts_scan_all(const struct conf_list *user,
    const struct conf_list *global, const char *name, knownhosts_visit *visit,
    void *arg)
{
	size_t	i;

	for (i = 0; i < user->n; i++)
		knownhosts_scan(user->word[i], name, visit, arg);
	for (i = 0; i < global->n; i++)
		knownhosts_scan(global->word[i], name, visit, arg);
}

/* The line's key, or NULL when libssh cannot make one of it. */
static ssh_key
knownhosts_import(const struct knownhosts_line *kl)
{
	enum ssh_keytypes_e	type;
	ssh_key			key = NULL;

	type = ssh_key_type_from_name(kl->type);
	if (type == SSH_KEYTYPE_UNKNOWN ||
	    ssh_pki_import_pubkey_base64(kl->key, type, &key) != SSH_OK)
		return NULL;
	return key;
}

struct knownhosts_search {
	ssh_key			 key;
	struct knownhosts_found	*found;
};

/*
 * One line about the host.  A line that revokes the key outweighs one that
 * knows it, and that outweighs lines with other keys.
 */
static void
knownhosts_visit_check(const struct knownhosts_line *kl, const char *file,
    u_long number, void *arg)
{
	struct knownhosts_search	*search = arg;
	struct knownhosts_found		*found = search->found;
	enum knownhosts_state		 state;
	ssh_key				 key;
	int				 equal;

	if (kl->marker == KNOWNHOSTS_MARK_CA) {
		found->ca_file = file;
		found->ca_line = number;
		return;
	}
	if ((key = knownhosts_import(kl)) == NULL) {
		log_debug("%s:%lu: cannot parse this key", file, number);
		return;
	}
	equal = ssh_key_cmp(search->key, key, SSH_KEY_CMP_PUBLIC) == 0;
	if (kl->marker == KNOWNHOSTS_MARK_REVOKED)
		state = equal ? KNOWNHOSTS_REVOKED : KNOWNHOSTS_NEW;
	else if (equal)
		state = KNOWNHOSTS_OK;
	else if (ssh_key_type(key) == ssh_key_type(search->key))
		state = KNOWNHOSTS_CHANGED;
	else
		state = KNOWNHOSTS_OTHER;
	if (state == KNOWNHOSTS_REVOKED || (state == KNOWNHOSTS_OK &&
	    found->state != KNOWNHOSTS_REVOKED) ||
	    (found->state != KNOWNHOSTS_OK && state > found->state)) {
		found->state = state;
		found->file = file;
		found->line = number;
		found->type = ssh_key_type_to_char(ssh_key_type(key));
	}
	ssh_key_free(key);
}

/*
 * What the files say of this key for the host of this name.  The file named
 * in the answer belongs to the lists.
 */
void
knownhosts_check(const struct conf_list *user, const struct conf_list *global,
    const char *name, ssh_key key, struct knownhosts_found *found)
{
	struct knownhosts_search	search = { key, found };

	memset(found, 0, sizeof(*found));
	found->state = KNOWNHOSTS_NEW;
	knownhosts_scan_all(user, global, name, knownhosts_visit_check,
	    &search);
}

static void
knownhosts_visit_type(const struct knownhosts_line *kl, const char *file,
    u_long number, void *arg)
{
	char	**types = arg, *more;
	ssh_key	  key;

	if (kl->marker != KNOWNHOSTS_PLAIN ||
	    (key = knownhosts_import(kl)) == NULL)
		return;
	xasprintf(&more, "%s%s%s", *types, **types == '\0' ? "" : ",",
	    ssh_key_type_to_char(ssh_key_type(key)));
	free(*types);
	*types = more;
	ssh_key_free(key);
}

/* The types of the keys known for the host, with commas.  To be freed. */
char *
knownhosts_types(const struct conf_list *user, const struct conf_list *global,
    const char *name)
{
	char	*types;

	types = xstrdup("");
	knownhosts_scan_all(user, global, name, knownhosts_visit_type, &types);
	return types;
}

/* Makes the folder that the file is in, but not those above it. */
static void
knownhosts_make_dir(const char *file)
{
	char	*dir, *slash;

	dir = xstrdup(file);
	if ((slash = strrchr(dir, '/')) != NULL && slash != dir) {
		*slash = '\0';
		if (mkdir(dir, 0700) == 0)
			log_info("Created directory '%s'.", dir);
		else if (errno != EEXIST)
			log_debug("mkdir %s: %s", dir, strerror(errno));
	}
	free(dir);
}

/* Does the file end in the middle of a line? */
static int
knownhosts_ends_open(int fd)
{
	struct stat	st;
	char		c;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    pread(fd, &c, 1, st.st_size - 1) == 1 && c != '\n';
}

/*
 * Appends a line for the host, whose name may be hashed, to the file, which is
 * made when missing.  Returns 0, or -1 with a reason.
 */
int
knownhosts_add(const char *file, const char *name, ssh_key key, char *errstr,
    size_t errsize)
{
	char	*b64 = NULL, *line = NULL;
	int	 fd, len, ret = -1;

	if (ssh_pki_export_pubkey_base64(key, &b64) != SSH_OK) {
		strlcpy(errstr, "the key cannot be exported", errsize);
		return -1;
	}
	knownhosts_make_dir(file);
	fd = open(file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd == -1) {
		strlcpy(errstr, strerror(errno), errsize);
		goto out;
	}
	len = xasprintf(&line, "%s%s %s %s\n",
	    knownhosts_ends_open(fd) ? "\n" : "", name,
	    ssh_key_type_to_char(ssh_key_type(key)), b64);
	if (write(fd, line, len) == len)
		ret = 0;
	else
		strlcpy(errstr, strerror(errno), errsize);
	close(fd);
 out:
	ssh_string_free_char(b64);
	free(line);
	return ret;
}
