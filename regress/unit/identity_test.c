/* SPDX-License-Identifier: ISC */
/* Identity files: what is found without a passphrase, and what is refused. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <libssh/libssh.h>

#include "cliconf.h"
#include "identity.h"
#include "log.h"

static char dir[] = "/tmp/identity.XXXXXX", file[64], pub[64];
static char logged[1024];

static void
sink(enum log_level level, const char *text, void *arg)
{
	strlcat(logged, text, sizeof(logged));
	strlcat(logged, "\n", sizeof(logged));
}

static int
setup(void **state)
{
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(file, sizeof(file), "%s/key", dir);
	snprintf(pub, sizeof(pub), "%s/key.pub", dir);
	log_set_sink(sink, NULL);
	return 0;
}

static int
teardown(void **state)
{
	unlink(file);
	unlink(pub);
	return rmdir(dir);
}

/* Writes a new key, encrypted if there is a passphrase, and its .pub. */
static void
make_key(const char *passphrase)
{
	ssh_key	key = NULL;

	assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key),
	    SSH_OK);
	assert_int_equal(ssh_pki_export_privkey_file(key, passphrase, NULL,
	    NULL, file), SSH_OK);
	assert_int_equal(ssh_pki_export_pubkey_file(key, pub), SSH_OK);
	assert_int_equal(chmod(file, 0600), 0);
	ssh_key_free(key);
	logged[0] = '\0';
}

/* Loads both halves; 1 when the private one came. */
static int
load(struct cliconf *conf)
{
	struct identity	id;
	ssh_key		key;
	int		interrupted;

	assert_int_equal(identity_load(&id, file), 0);
	key = identity_load_private(&id, conf, &interrupted);
	assert_int_equal(interrupted, 0);
	ssh_key_free(key);
	identity_clear(&id);
	return key != NULL;
}

static void
test_plain(void **state)
{
	struct cliconf	conf = { .batch_mode = 1, .password_prompts = 3 };

	make_key(NULL);
	assert_int_equal(load(&conf), 1);
	assert_string_equal(logged, "");
}

/* The public half comes from file.pub, or from the file itself. */
static void
test_public(void **state)
{
	struct identity	id;
	char		*b64;

	make_key("secret");
	assert_int_equal(identity_load(&id, file), 0);
	assert_non_null(id.pub);
	assert_null(id.cert);
	b64 = strdup(id.pub64);
	identity_clear(&id);
	unlink(pub);
	assert_int_equal(identity_load(&id, file), 0);
	assert_non_null(id.pub64);
	assert_string_equal(id.pub64, b64);
	identity_clear(&id);
	free(b64);
	unlink(file);
	assert_int_equal(identity_load(&id, file), -1);
}

/* echo(1) answers with the question: the key of the second half has that. */
static void
test_encrypted(void **state)
{
	struct cliconf	conf = { .batch_mode = 1, .password_prompts = 2 };
	char		question[128];

	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	setenv("SSH_ASKPASS", "/bin/echo", 1);
	make_key("secret");
	assert_int_equal(load(&conf), 0);
	conf.batch_mode = 0;
	assert_int_equal(load(&conf), 0);
	snprintf(question, sizeof(question),
	    "Enter passphrase for key '%s': ", file);
	make_key(question);
	assert_int_equal(load(&conf), 1);
	setenv("SSH_ASKPASS", "/bin/false", 1);
	assert_int_equal(load(&conf), 0);
}

static void
test_open_to_others(void **state)
{
	struct cliconf	conf = { .batch_mode = 1 };

	make_key(NULL);
	assert_int_equal(chmod(file, 0640), 0);
	assert_int_equal(load(&conf), 0);
	assert_non_null(strstr(logged, "UNPROTECTED PRIVATE KEY FILE"));
	assert_non_null(strstr(logged, "Permissions 0640 for"));
}

static void
test_bad_files(void **state)
{
	struct cliconf	conf = { .batch_mode = 1 };
	FILE		*fp;

	make_key(NULL);
	assert_int_equal(truncate(file, 100), 0);
	assert_int_equal(load(&conf), 0);
	assert_non_null(strstr(logged, "invalid format"));
	make_key(NULL);
	assert_non_null(fp = fopen(file, "w"));
	fputs("ssh-ed25519 AAAA\n", fp);
	fclose(fp);
	assert_int_equal(load(&conf), 0);
	assert_int_equal(truncate(file, 2 * 1024 * 1024), 0);
	logged[0] = '\0';
	assert_int_equal(load(&conf), 0);
	assert_non_null(strstr(logged, "File too large"));
	assert_int_equal(truncate(file, 0), 0);
	assert_int_equal(load(&conf), 0);
	unlink(file);
	logged[0] = '\0';
	assert_int_equal(load(&conf), 0);
	assert_non_null(strstr(logged, "No such file or directory"));
	assert_int_equal(mkdir(file, 0700), 0);
	assert_int_equal(load(&conf), 0);
	assert_int_equal(rmdir(file), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_encrypted),
		cmocka_unit_test(test_open_to_others),
		cmocka_unit_test(test_bad_files),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
