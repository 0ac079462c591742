/* SPDX-License-Identifier: ISC */
/*
 * Owns the file of RevokedHostKeys: public keys, a line each, in the form of
 * the .pub files.  A list in the other form that ssh(1) takes, a KRL of
 * ssh-keygen(1), is not understood.  Whatever is not understood is an error,
 * lest a key be taken for good that the file revokes.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libssh/libssh.h>

#include "revoked.h"

#define REVOKED_BLANK	" \t\r\n"
#define REVOKED_BASE64	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" \
			"0123456789+/="
#define REVOKED_KRL	"SSHKRL"	/* how the other form begins */

/* Is the line this key (1), or another, or none (0)?  -1: not understood. */
static int
revoked_line(char *line, const char *b64)
{
	char *next = line + strspn(line, REVOKED_BLANK), *key;

	if (*next == '\0' || *next == '#')
		return 0;
	strsep(&next, REVOKED_BLANK);
	if (next == NULL)
		return -1;
	next += strspn(next, REVOKED_BLANK);
	key = strsep(&next, REVOKED_BLANK);
	/* All keys begin with the length of the name of their type. */
	if (strncmp(key, "AAAA", 4) != 0 ||
	    key[strspn(key, REVOKED_BASE64)] != '\0')
		return -1;
	return strcmp(key, b64) == 0;
}

static int
revoked_scan(FILE *fp, const char *b64, char *why, size_t size)
{
	char *line = NULL;
	size_t room = 0;
	u_long number = 0;
	int ret = 0;

	while (ret == 0 && getline(&line, &room, fp) != -1) {
		number++;
		ret = revoked_line(line, b64);
		if (ret == -1 && strncmp(line, REVOKED_KRL,
		    strlen(REVOKED_KRL)) == 0)
			strlcpy(why, "a KRL is not served, only a list of "
			    "keys", size);
		else if (ret == -1)
			snprintf(why, size, "line %lu is no key", number);
	}
	if (ret == 0 && ferror(fp)) {
		strlcpy(why, strerror(errno), size);
		ret = -1;
	}
	free(line);
	return ret;
}

/*
 * Does the file revoke the key?  1, 0, or -1 with a reason: then the key must
 * not be trusted either.
 */
int
revoked_find(const char *file, ssh_key key, char *why, size_t size)
{
	char *b64 = NULL;
	FILE *fp;
	int ret = -1;

	if (ssh_pki_export_pubkey_base64(key, &b64) != SSH_OK)
		strlcpy(why, "the key cannot be exported", size);
	else if ((fp = fopen(file, "re")) == NULL)
		strlcpy(why, strerror(errno), size);
	else {
		ret = revoked_scan(fp, b64, why, size);
		fclose(fp);
	}
	ssh_string_free_char(b64);
	return ret;
}
