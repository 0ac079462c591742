/* SPDX-License-Identifier: ISC */
/*
 * Host key files: each type as ssh-keygen(1) and openssl(1) write it, and
 * what is no key, locked or damaged.  The files are made by ssh-keygen.
 */
#include <sys/types.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "cryptotest.h"
#include "keyfile.h"
#include "pubkey.h"
#include "sshbytes.h"

#define FILE_MAX	16384

static char dir[] = "/tmp/keyfile_test.XXXXXX";
static char path[64], pub[64];

static int
setup(void **state)
{
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/key", dir);
	snprintf(pub, sizeof(pub), "%s/key.pub", dir);
	return 0;
}

static void
remove_files(void)
{
	unlink(path);
	unlink(pub);
}

static int
teardown(void **state)
{
	remove_files();
	return rmdir(dir);
}

static void
generate(const char *options, const char *passphrase)
{
	char command[256];

	remove_files();
	snprintf(command, sizeof(command),
	    "ssh-keygen -q %s -N '%s' -C comment -f %s >/dev/null", options,
	    passphrase, path);
	assert_int_equal(system(command), 0);
}

static size_t
slurp(const char *name, char *buf)
{
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, buf, FILE_MAX - 1);

	assert_true(n > 0);
	close(fd);
	buf[n] = '\0';
	return n;
}

/* Is the key that which ssh-keygen says? */
static void
check_public(EVP_PKEY *pkey)
{
	char text[FILE_MAX], type[64], base64[8192];
	u_char raw[8192];
	struct sshwrite w = { 0 };
	int n;

	slurp(pub, text);
	assert_int_equal(sscanf(text, "%63s %8191s", type, base64), 2);
	n = EVP_DecodeBlock(raw, (u_char *)base64, (int)strlen(base64));
	assert_int_equal(pubkey_encode(pkey, &w), 0);
	assert_true(n >= (int)w.len && n < (int)w.len + 3);
	assert_memory_equal(w.data, raw, w.len);
	sshwrite_clear(&w);
}

static void
test_types(void **state)
{
	static const char *const options[] = {
		"-t ed25519", "-t ecdsa -b 256", "-t ecdsa -b 384",
		"-t ecdsa -b 521", "-t rsa -b 2048", "-t rsa -b 1024",
		"-t ecdsa -m PEM", "-t rsa -b 2048 -m PEM",
		"-t rsa -b 2048 -m PKCS8", "-t ecdsa -b 384 -m PKCS8"
	};
	char text[FILE_MAX];
	EVP_PKEY *pkey;
	size_t i, len;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		generate(options[i], "");
		len = slurp(path, text);
		pkey = keyfile_parse((u_char *)text, len);
		assert_non_null(pkey);
		check_public(pkey);
		EVP_PKEY_free(pkey);
	}
}

static void
test_locked(void **state)
{
	static const char *const options[] = {
		"-t ed25519", "-t rsa -b 2048 -m PEM", "-t ecdsa -m PKCS8"
	};
	char text[FILE_MAX];
	size_t i, len;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		generate(options[i], "secret");
		len = slurp(path, text);
		assert_null(keyfile_parse((u_char *)text, len));
	}
}

/* Cut off anywhere it is no key; damaged anywhere it is none or another. */
static void
damage(const char *options)
{
	char text[FILE_MAX], copy[FILE_MAX];
	EVP_PKEY *pkey;
	size_t i, len;

	generate(options, "");
	len = slurp(path, text);
	for (i = 0; i < len - 40; i++)
		assert_null(keyfile_parse((u_char *)text, i));
	for (i = 0; i < len; i++) {
		memcpy(copy, text, len);
		copy[i] ^= 2;
		if ((pkey = keyfile_parse((u_char *)copy, len)) == NULL)
			continue;
		check_public(pkey);
		EVP_PKEY_free(pkey);
	}
	assert_null(keyfile_parse((const u_char *)"", 0));
	len = slurp(pub, text);
	assert_null(keyfile_parse((u_char *)text, len));
}

static void
test_damaged(void **state)
{
	damage("-t ed25519");
	damage("-t ecdsa -b 256");
	damage("-t rsa -b 1024");
}

/* It is the right key or none. */
static void
test_no_memory(void **state)
{
	static const char *const options[] = {
		"-t ed25519", "-t ecdsa", "-t rsa -b 1024",
		"-t rsa -b 1024 -m PEM"
	};
	char text[FILE_MAX];
	EVP_PKEY *pkey;
	size_t i, len;
	int n, keys;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		generate(options[i], "");
		len = slurp(path, text);
		keys = 0;
		for (n = 1; n == 1 || crypto_starved(); n++) {
			crypto_starve(n);
			pkey = keyfile_parse((u_char *)text, len);
			crypto_starve(0);
			if (pkey == NULL)
				continue;
			keys++;
			check_public(pkey);
			EVP_PKEY_free(pkey);
		}
		assert_true(keys > 0 && n > keys);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_no_memory)
	};

	if (crypto_prepare() == -1)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
