/* SPDX-License-Identifier: ISC */
/*
 * Owns identity files: finds the public half without a passphrase, refuses
 * private keys that others can read, and asks for the passphrase when the
 * key is really needed.  Knows nothing of the session.
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <arpa/inet.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <libssh/libssh.h>

#include "cliconf.h"
#include "identity.h"
#include "log.h"
#include "prompt.h"
#include "slurp.h"
#include "xmalloc.h"

#define IDENTITY_FILE_MAX	(1024 * 1024)
#define IDENTITY_CERT		"-cert.pub"

static ssh_key
identity_import(const char *file, const char *suffix, int cert)
{
	char	*path;
	ssh_key	 key = NULL;
	int	 rc;

	xasprintf(&path, "%s%s", file, suffix);
	rc = cert ? ssh_pki_import_cert_file(path, &key) :
	    ssh_pki_import_pubkey_file(path, &key);
	if (rc == SSH_OK && cert && strstr(ssh_key_type_to_char(
	    ssh_key_type(key)), "-cert-v01@") == NULL) {
		ssh_key_free(key);
		rc = SSH_ERROR;
	}
	if (rc == SSH_OK)
		log_debug("identity file %s type %s", path,
		    ssh_key_type_to_char(ssh_key_type(key)));
	free(path);
	return rc == SSH_OK ? key : NULL;
}

static char *
identity_base64(ssh_key key)
{
	char	*b64 = NULL, *copy;

	if (key == NULL || ssh_pki_export_pubkey_base64(key, &b64) != SSH_OK)
		return NULL;
	copy = xstrdup(b64);
	ssh_string_free_char(b64);
	return copy;
}

/*
 * Finds the public half, in file.pub or in the file itself, and the
 * certificate in file-cert.pub, which may be given instead of the file.
 * Returns -1, with the reason logged, when there is neither.
 */
int
identity_load(struct identity *id, const char *file)
{
	struct stat	st;
	size_t		len = strlen(file), end = strlen(IDENTITY_CERT);

	memset(id, 0, sizeof(*id));
	if (len > end && strcmp(file + len - end, IDENTITY_CERT) == 0)
		len -= end;
	id->file = xstrndup(file, len);
	id->pub = identity_import(id->file, ".pub", 0);
	id->cert = identity_import(id->file, IDENTITY_CERT, 1);
	if (id->pub == NULL && id->cert == NULL &&
	    stat(id->file, &st) == -1) {
		log_verbose("no such identity: %s: %s", file, strerror(errno));
		identity_clear(id);
		return -1;
	}
	if (id->pub == NULL)
		id->pub = identity_import(id->file, "", 0);
	id->pub64 = identity_base64(id->pub);
	id->cert64 = identity_base64(id->cert);
	return 0;
}

/* Decodes base64 up to its padding; returns the bytes written to p. */
static size_t
identity_decode(const char *b64, u_char *p)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char		*digit;
	uint32_t		 v = 0;
	size_t			 n = 0;
	int			 bits = 0;

	for (; *b64 != '\0' && (digit = strchr(digits, *b64)) != NULL; b64++) {
		v = v << 6 | (digit - digits);
		if ((bits += 6) >= 8)
			p[n++] = v >> (bits -= 8);
	}
	return n;
}

/* Steps over an SSH string; *p becomes NULL if it is not all there. */
static void
identity_skip(const u_char **p, const u_char *end)
{
	uint32_t	len;

	if (*p == NULL || end - *p < 4) {
		*p = NULL;
		return;
	}
	memcpy(&len, *p, 4);
	len = ntohl(len);
	*p = (size_t)(end - *p - 4) < len ? NULL : *p + 4 + len;
}

/*
 * Is the certificate one for this key?  Both are in base64.  A certificate has
 * a nonce between the name of its type and the fields of the key.
 */
static int
identity_certifies(const char *cert64, const char *pub64)
{
	u_char		*cert, *pub;
	const u_char	*c, *p;
	size_t		 clen, plen;
	int		 ret;

	if (cert64 == NULL || pub64 == NULL)
		return 0;
	c = cert = xmalloc(strlen(cert64));
	p = pub = xmalloc(strlen(pub64));
	clen = identity_decode(cert64, cert);
	plen = identity_decode(pub64, pub);
	identity_skip(&c, cert + clen);
	identity_skip(&c, cert + clen);
	identity_skip(&p, pub + plen);
	ret = c != NULL && p != NULL && cert + clen - c >= pub + plen - p &&
	    memcmp(c, p, pub + plen - p) == 0;
	free(cert);
	free(pub);
	return ret;
}

/*
 * Takes the certificate in a file, for the one of the identities whose public
 * key it certifies.  Returns -1, with the reason logged, when there is none.
 */
int
identity_load_cert(struct identity *id, const char *file,
    const struct identity *ids, size_t nids)
{
	size_t	i;

	memset(id, 0, sizeof(*id));
	if ((id->cert = identity_import(file, "", 1)) == NULL) {
		log_warnx("CertificateFile %s: no certificate", file);
		return -1;
	}
	id->cert64 = identity_base64(id->cert);
	for (i = 0; i < nids; i++)
		if (identity_certifies(id->cert64, ids[i].pub64))
			break;
	if (i == nids) {
		log_warnx("CertificateFile %s: no IdentityFile has its key",
		    file);
		identity_clear(id);
		return -1;
	}
	id->file = xstrdup(ids[i].file);
	id->only_cert = 1;
	return 0;
}

/* Frees what the identity holds. */
void
identity_clear(struct identity *id)
{
	ssh_key_free(id->pub);
	ssh_key_free(id->cert);
	free(id->pub64);
	free(id->cert64);
	free(id->file);
	memset(id, 0, sizeof(*id));
}

/* Is it a file of the user's own that others may read? */
static int
identity_is_exposed(const struct stat *st)
{
	return st->st_uid == getuid() && (st->st_mode & 077) != 0;
}

/* Such a key is refused, as by ssh(1). */
static int
identity_check_mode(const char *file, const struct stat *st)
{
	static const char	 edge[] =
	    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";

	if (!identity_is_exposed(st))
		return 0;
	log_warnx("%s", edge);
	log_warnx("@%9sWARNING: UNPROTECTED PRIVATE KEY FILE!%10s@", "", "");
	log_warnx("%s", edge);
	log_warnx("Permissions 0%3.3o for '%s' are too open.",
	    (unsigned int)st->st_mode & 0777, file);
	log_warnx("It is required that your private key files are NOT "
	    "accessible by others.");
	log_warnx("This private key will be ignored.");
	return -1;
}

/* The text of a private key file, of *len bytes, or NULL. */
static char *
identity_read_file(const char *file, size_t *len)
{
	struct stat	 st;
	char		*buf = NULL;
	int		 fd;

	if ((fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1 ||
	    fstat(fd, &st) == -1) {
		log_warnx("Load key \"%s\": %s", file, strerror(errno));
		if (fd != -1)
			close(fd);
		return NULL;
	}
	if (identity_check_mode(file, &st) == 0 &&
	    (buf = slurp(fd, IDENTITY_FILE_MAX, len)) == NULL)
		log_warnx("Load key \"%s\": %s", file, strerror(errno));
	close(fd);
	return buf;
}

/* Called by libssh for a passphrase, which tells us that there is one. */
static int
identity_note_encrypted(const char *prompt, char *buf, size_t len, int echo,
    int verify, void *arg)
{
	int	*encrypted = arg;

	*encrypted = 1;
	return -1;
}

/*
 * The private key, to be freed with ssh_key_free(), if it can be had without a
 * word to the user; else NULL.
 */
ssh_key
identity_load_plain(const struct identity *id)
{
	struct stat	 st;
	ssh_key		 key = NULL;
	char		*text = NULL;
	size_t		 len;
	int		 fd, encrypted;

	if ((fd = open(id->file, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1)
		return NULL;
	if (fstat(fd, &st) == 0 && !identity_is_exposed(&st))
		text = slurp(fd, IDENTITY_FILE_MAX, &len);
	close(fd);
	if (text == NULL)
		return NULL;
	if (ssh_pki_import_privkey_base64(text, NULL, identity_note_encrypted,
	    &encrypted, &key) != SSH_OK)
		key = NULL;
	freezero(text, len);
	return key;
}

/* Asks until the passphrase fits; an empty one gives the key up. */
static ssh_key
identity_decrypt(const char *file, const char *text,
    const struct cliconf *conf, int *interrupted)
{
	ssh_key	 key = NULL;
	char	*prompt, *answer;
	int	 i, rc = SSH_ERROR;

	xasprintf(&prompt, "Enter passphrase for key '%.100s': ", file);
	for (i = 0; rc != SSH_OK && i < conf->password_prompts; i++) {
		if ((answer = prompt_read(prompt, 0)) == NULL) {
			*interrupted = errno == EINTR;
			break;
		}
		if (*answer == '\0') {
			log_debug("no passphrase given, try next key");
			prompt_free(answer);
			break;
		}
		rc = ssh_pki_import_privkey_base64(text, answer, NULL, NULL,
		    &key);
		if (rc != SSH_OK)
			log_debug("bad passphrase given, try again...");
		prompt_free(answer);
	}
	free(prompt);
	if (rc == SSH_OK && conf->add_keys != NULL &&
	    strcasecmp(conf->add_keys, "no") != 0)
		log_info("%s: not added to the agent (AddKeysToAgent is not "
		    "served): use ssh-add", file);
	return rc == SSH_OK ? key : NULL;
}

/*
 * The private key, to be freed with ssh_key_free(); NULL when it cannot be
 * had.  Asks for the passphrase unless BatchMode is set; *interrupted says
 * that the user interrupted.
 */
ssh_key
identity_load_private(const struct identity *id, const struct cliconf *conf,
    int *interrupted)
{
	ssh_key	 key = NULL;
	char	*text;
	size_t	 len;
	int	 encrypted = 0;

	*interrupted = 0;
	if ((text = identity_read_file(id->file, &len)) == NULL)
		return NULL;
	if (ssh_pki_import_privkey_base64(text, NULL, identity_note_encrypted,
	    &encrypted, &key) != SSH_OK) {
		key = NULL;
		if (!encrypted)
			log_warnx("Load key \"%s\": invalid format", id->file);
		else if (conf->batch_mode)
			log_verbose("%s: needs a passphrase", id->file);
		else
			key = identity_decrypt(id->file, text, conf,
			    interrupted);
	}
	freezero(text, len);
	return key;
}
