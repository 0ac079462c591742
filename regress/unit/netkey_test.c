/* SPDX-License-Identifier: ISC */
/* Host keys without a private half: libssh takes them, of every type. */
#include <sys/types.h>
#include <netinet/in.h>
#include <resolv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "netkey.h"

static void
test_types(void **state)
{
	static const struct {
		enum ssh_keytypes_e	type;
		int			bits;
	} t[] = {
		{ SSH_KEYTYPE_ED25519, 0 },
		{ SSH_KEYTYPE_ECDSA_P256, 256 },
		{ SSH_KEYTYPE_ECDSA_P384, 384 },
		{ SSH_KEYTYPE_ECDSA_P521, 521 },
		{ SSH_KEYTYPE_RSA, 2048 }
	};
	ssh_bind server = ssh_bind_new();
	ssh_key key, dummy, public;
	char *want, *got;
	u_char blob[2048];
	size_t i;
	int len;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(ssh_pki_generate(t[i].type, t[i].bits, &key),
		    SSH_OK);
		assert_int_equal(ssh_pki_export_pubkey_base64(key, &want),
		    SSH_OK);
		len = b64_pton(want, blob, sizeof(blob));
		assert_true(len > 0);
		dummy = netkey_new(blob, len);
		assert_non_null(dummy);
		assert_true(ssh_key_is_private(dummy));
		assert_int_equal(ssh_pki_export_privkey_to_pubkey(dummy,
		    &public), SSH_OK);
		assert_int_equal(ssh_pki_export_pubkey_base64(public, &got),
		    SSH_OK);
		assert_string_equal(got, want);
		assert_int_equal(ssh_bind_options_set(server,
		    SSH_BIND_OPTIONS_IMPORT_KEY, dummy), 0);
		assert_null(netkey_new(blob, len - 1));
		ssh_string_free_char(want);
		ssh_string_free_char(got);
		ssh_key_free(public);
		ssh_key_free(key);
	}
	ssh_bind_free(server);
}

static void
test_bad(void **state)
{
	assert_null(netkey_new(NULL, 0));
	assert_null(netkey_new((const u_char *)"\0\0\0\7ssh-dss", 11));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_bad)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
