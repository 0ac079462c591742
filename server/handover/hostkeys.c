/* SPDX-License-Identifier: ISC */
/*
 * The files of the host keys: read once by the listener, which may read them,
 * and handed by way of each monitor to its sockstund-signer, which alone knows
 * what the bytes mean; they are wiped wherever they were.
 */
#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "hostkeys.h"
#include "log.h"
#include "slurp.h"
#include "sshbytes.h"
#include "xmalloc.h"

/* Like ssh(1): a key that is this user's own must not be readable by others. */
static int
hostkeys_check_modes(const char *path, const struct stat *st)
{
	if (!S_ISREG(st->st_mode)) {
		log_warnx("\"%s\" is not a regular file", path);
		return -1;
	}
	if (st->st_uid == getuid() && (st->st_mode & 077) != 0) {
		log_warnx("Permissions 0%3.3o for '%s' are too open.",
		    (u_int)st->st_mode & 0777, path);
		log_warnx("It is required that your private key files are "
		    "NOT accessible by others.");
		log_warnx("This private key will be ignored.");
		return -1;
	}
	return 0;
}

static int
hostkeys_load_file(struct hostkey *key, const char *path)
{
	struct stat st;
	int fd, ret = -1;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1) {
		log_warn("Unable to load host key \"%s\"", path);
		goto out;
	}
	if (hostkeys_check_modes(path, &st) == -1) {
		log_warnx("Unable to load host key: %s", path);
		goto out;
	}
	key->data = slurp(fd, HOSTKEYS_FILE_MAX, &key->len);
	if (key->data == NULL) {
		log_warn("Unable to load host key \"%s\"", path);
		goto out;
	}
	key->path = xstrdup(path);
	ret = 0;
 out:
	if (fd != -1)
		close(fd);
	return ret;
}

/*
 * Loads the files whose modes and sizes permit it; the log says why another is
 * left out.  The caller clears the keys.
 */
void
hostkeys_load(struct hostkeys *keys, const struct conf_list *paths)
{
	struct hostkey *key;
	size_t i, total = 0;

	memset(keys, 0, sizeof(*keys));
	for (i = 0; i < paths->n; i++) {
		if (keys->n == HOSTKEYS_MAX) {
			log_warnx("Unable to load host key \"%s\": more than "
			    "%d", paths->word[i], HOSTKEYS_MAX);
			continue;
		}
		key = &keys->key[keys->n];
		if (hostkeys_load_file(key, paths->word[i]) == -1)
			continue;
		keys->n++;
		if (total + key->len > HOSTKEYS_TOTAL_MAX) {
			log_warnx("Unable to load host key \"%s\": all keys "
			    "together are too large", paths->word[i]);
			hostkeys_remove(keys, keys->n - 1);
			continue;
		}
		total += key->len;
	}
}

static void
hostkeys_clear_key(struct hostkey *key)
{
	free(key->path);
	freezero(key->data, key->len);
	memset(key, 0, sizeof(*key));
}

/* Takes the i-th key out; the order of the others stays. */
void
hostkeys_remove(struct hostkeys *keys, size_t i)
{
	hostkeys_clear_key(&keys->key[i]);
	keys->n--;
	memmove(&keys->key[i], &keys->key[i + 1],
	    (keys->n - i) * sizeof(keys->key[0]));
	memset(&keys->key[keys->n], 0, sizeof(keys->key[0]));
}

/* Wipes and frees all keys. */
void
hostkeys_clear(struct hostkeys *keys)
{
	while (keys->n > 0)
		hostkeys_clear_key(&keys->key[--keys->n]);
}

/*
 * All keys, each as a string of SSH's, in memory that the caller wipes with
 * freezero(3); the paths stay behind.
 */
u_char *
hostkeys_pack(const struct hostkeys *keys, size_t *lenp)
{
	struct sshwrite w = { 0 };
	size_t i;

	for (i = 0; i < keys->n; i++)
		sshwrite_string(&w, keys->key[i].data, keys->key[i].len);
	if (w.bad)
		fatalx("out of memory");
	*lenp = w.len;
	return w.data;
}
