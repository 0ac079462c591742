/* SPDX-License-Identifier: ISC */
/*
 * Owns identity files: finds the public half without a passphrase, refuses
 * private keys that others can read, and asks for the passphrase when the
 * key is really needed.  Knows nothing of the session.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libssh/libssh.h>

#include "cliconf.h"
#include "identity.h"
#include "log.h"
#include "prompt.h"
#include "slurp.h"
#include "xmalloc.h"

#define IDENTITY_FILE_MAX	(1024 * 1024)

static ssh_key
identity_import(const char *file, const char *suffix, int cert)
{
	char	*path;
	ssh_key	 key = NULL;
	int	 rc;

	xasprintf(&path, "%s%s", file, suffix);
	rc = cert ? ssh_pki_import_cert_file(path, &key) :
	    ssh_pki_import_pubkey_file(path, &key);
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
 * certificate in file-cert.pub.  Returns -1 when there is no such file.
 */
int
identity_load(struct identity *id, const char *file)
{
	struct stat	st;

	memset(id, 0, sizeof(*id));
	id->pub = identity_import(file, ".pub", 0);
	if (id->pub == NULL && stat(file, &st) == -1) {
		log_verbose("no such identity: %s: %s", file, strerror(errno));
		return -1;
	}
	if (id->pub == NULL)
		id->pub = identity_import(file, "", 0);
	id->cert = identity_import(file, "-cert.pub", 1);
	id->pub64 = identity_base64(id->pub);
	id->cert64 = identity_base64(id->cert);
	id->file = xstrdup(file);
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

/* A key of the user's own that others may read is refused, as by ssh(1). */
static int
identity_check_mode(const char *file, const struct stat *st)
{
	static const char	 edge[] =
	    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";

	if (st->st_uid != getuid() || (st->st_mode & 077) == 0)
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
