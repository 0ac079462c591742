/* SPDX-License-Identifier: ISC */
/* Lines of authorized_keys files, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "authkeys.h"

#define ED25519 \
	"AAAAC3NzaC1lZDI1NTE5AAAAIKPCRHI4GhrWG3WJGS15v+3ixMGVfdTjPs8cRVnS73M8"
#define PRINT	"SHA256:2UUED4l5kF//521gRVcKpb9P0jhyWXfGLROcod9TxO4"
#define KEY	"ssh-ed25519 " ED25519

static struct authkey	 key;
static char		 err[96];

static enum authkeys_result
parse(const char *line)
{
	authkeys_clear(&key);
	return authkeys_parse_line(&key, line, err, sizeof(err));
}

static int
teardown(void **state)
{
	authkeys_clear(&key);
	return 0;
}

static void
assert_bad(const char *line, const char *reason)
{
	assert_int_equal(parse(line), AUTHKEYS_BAD);
	assert_string_equal(err, reason);
}

static void
test_plain(void **state)
{
	assert_int_equal(parse(KEY " a comment"), AUTHKEYS_KEY);
	assert_string_equal(key.type, "ssh-ed25519");
	assert_int_equal(key.bloblen, 51);
	assert_null(key.from);
	assert_int_equal(key.expires, 0);
	assert_int_equal(key.no_forwarding, 0);
	assert_int_equal(key.permit_open.n, 0);
	assert_int_equal(parse("\t " KEY), AUTHKEYS_KEY);
	assert_int_equal(parse("ssh-ed25519\t \t" ED25519 "\r\n"),
	    AUTHKEYS_KEY);
}

static void
test_nothing(void **state)
{
	assert_int_equal(parse(""), AUTHKEYS_NONE);
	assert_int_equal(parse(" \t"), AUTHKEYS_NONE);
	assert_int_equal(parse("\r\n"), AUTHKEYS_NONE);
	assert_int_equal(parse("# " KEY), AUTHKEYS_NONE);
	assert_int_equal(parse("  #"), AUTHKEYS_NONE);
}

static void
test_no_key(void **state)
{
	assert_bad("ssh-ed25519", "no valid key");
	assert_bad("ssh-ed25519 ", "no valid key");
	assert_bad("ssh-ed25519 !!!!", "no valid key");
	assert_bad("ssh-ed25519 AAAA", "no valid key");
	assert_bad("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "no valid key");
	assert_bad("ssh-rsa " ED25519, "no valid key");
	assert_bad("restrict", "no valid key");
	assert_bad("restrict,pty \"" KEY, "no valid key");
	assert_bad(ED25519, "no valid key");
	assert_bad("from=\"10.0.0.1 " KEY, "no valid key");
}

static void
test_options(void **state)
{
	assert_int_equal(parse("from=\"10.0.0.0/8,!10.1.1.1\","
	    "permitopen=\"example.com:80\",no-pty,no-X11-forwarding,"
	    "no-agent-forwarding,no-user-rc,permitOPEN=\"[::1]:*\" " KEY " c"),
	    AUTHKEYS_KEY);
	assert_string_equal(key.from, "10.0.0.0/8,!10.1.1.1");
	assert_int_equal(key.permit_open.n, 2);
	assert_string_equal(key.permit_open.word[0], "example.com:80");
	assert_string_equal(key.permit_open.word[1], "[::1]:*");
	assert_int_equal(key.no_forwarding, 0);
	assert_int_equal(parse("command=\"echo \\\"a b\\\", c\","
	    "environment=\"A=b\" " KEY), AUTHKEYS_KEY);
	assert_int_equal(parse("from=\"a\\\"b\" " KEY), AUTHKEYS_KEY);
	assert_string_equal(key.from, "a\"b");
}

static void
test_forwarding(void **state)
{
	assert_int_equal(parse("no-port-forwarding " KEY), AUTHKEYS_KEY);
	assert_int_equal(key.no_forwarding, 1);
	assert_int_equal(parse("restrict " KEY), AUTHKEYS_KEY);
	assert_int_equal(key.no_forwarding, 1);
	assert_int_equal(parse("RESTRICT,port-forwarding " KEY), AUTHKEYS_KEY);
	assert_int_equal(key.no_forwarding, 0);
	assert_int_equal(parse("port-forwarding,restrict,pty " KEY),
	    AUTHKEYS_KEY);
	assert_int_equal(key.no_forwarding, 1);
	assert_int_equal(parse("restrict,permitopen=\"a:1\" " KEY),
	    AUTHKEYS_KEY);
	assert_int_equal(key.no_forwarding, 1);
}

/* Of FIDO keys: a touch is required unless it is not, a PIN if it is. */
static void
test_sk(void **state)
{
	assert_true(authkeys_is_sk("sk-ssh-ed25519@openssh.com"));
	assert_false(authkeys_is_sk("ssh-ed25519"));
	assert_int_equal(parse(KEY), AUTHKEYS_KEY);
	assert_int_equal(key.no_touch, 0);
	assert_int_equal(key.verify, 0);
	assert_int_equal(parse("no-touch-required,verify-required " KEY),
	    AUTHKEYS_KEY);
	assert_int_equal(key.no_touch, 1);
	assert_int_equal(key.verify, 1);
	assert_int_equal(parse("no-touch-required,touch-required " KEY),
	    AUTHKEYS_KEY);
	assert_int_equal(key.no_touch, 0);
	assert_bad("verify-required=\"x\" " KEY,
	    "garbage after key option");
}

/* Whatever we cannot hold makes the key useless; the log can still name it. */
static void
test_unknown(void **state)
{
	const char *const names[] = {
		"cert-authority", "no-restrict", "no-from", "frob", "fro", "fromm", "no-"
	};
	char line[256], want[64];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(line, sizeof(line), "%s %s", names[i], KEY);
		snprintf(want, sizeof(want), "unknown key option \"%s\"",
		    names[i]);
		assert_bad(line, want);
		assert_int_equal(key.bloblen, 51);
	}
	assert_bad("principals=\"a\" " KEY,
	    "unknown key option \"principals\"");
	assert_bad("tunnel=\"0\" " KEY, "unknown key option \"tunnel\"");
	assert_bad("pty,permitlisten=\"1\" " KEY,
	    "unknown key option \"permitlisten\"");
	assert_bad(",pty " KEY, "unknown key option \"\"");
	assert_bad("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa " KEY,
	    "unknown key option \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"");
}

static void
test_bad_options(void **state)
{
	assert_bad("from=10.0.0.1 " KEY, "missing start quote");
	assert_bad("from " KEY, "missing value of key option");
	assert_bad("from= " KEY, "missing start quote");
	assert_bad("pty=\"x\" " KEY, "garbage after key option");
	assert_bad("from=\"a\"pty " KEY, "garbage after key option");
	assert_bad("pty, " KEY, "unexpected end-of-options");
	assert_bad("from=\"a\",from=\"b\" " KEY, "multiple \"from\" clauses");
	assert_bad("command=\"a\",command=\"a\" " KEY,
	    "multiple \"command\" clauses");
	assert_bad("permitopen=\"example.com\" " KEY,
	    "invalid permitopen destination");
	assert_bad("permitopen=\"none\" " KEY,
	    "invalid permitopen destination");
	assert_bad("permitopen=\"\" " KEY, "invalid permitopen destination");
	assert_bad("permitopen=\"a:65536\" " KEY,
	    "invalid permitopen destination");
}

static void
test_expiry(void **state)
{
	const char *const bad[] = {
		"", "2026", "202613", "20261301", "20260230", "2026010", "Z",
		"202601012460", "20260101T0000", "2026-01-01", "20260101ZZ",
		"202601012400", "00000101", "+0260101", "20260101235961"
	};
	char line[256];
	time_t local;
	size_t i;

	assert_int_equal(parse("expiry-time=\"20260102Z\" " KEY),
	    AUTHKEYS_KEY);
	assert_int_equal(key.expires, 1767312000);
	assert_int_equal(parse("expiry-time=\"202601020304utc\" " KEY),
	    AUTHKEYS_KEY);
	assert_int_equal(key.expires, 1767312000 + 3 * 3600 + 4 * 60);
	assert_int_equal(parse("expiry-time=\"20260102030405Z\","
	    "expiry-time=\"20270102Z\" " KEY), AUTHKEYS_KEY);
	assert_int_equal(key.expires, 1767312000 + 3 * 3600 + 4 * 60 + 5);
	setenv("TZ", "UTC-2", 1);
	tzset();
	assert_int_equal(parse("expiry-time=\"20260102\" " KEY), AUTHKEYS_KEY);
	local = key.expires;
	unsetenv("TZ");
	tzset();
	assert_int_equal(local, 1767312000 - 2 * 3600);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "expiry-time=\"%s\" %s", bad[i],
		    KEY);
		assert_bad(line, "invalid expires time");
	}
}

static void
test_long(void **state)
{
	char *line;
	size_t len = AUTHKEYS_LINE_MAX;

	line = calloc(1, len + 2);
	memset(line, 'a', len + 1);
	assert_bad(line, "line too long");
	memset(line, ' ', len + 1);
	memcpy(line, KEY, sizeof(KEY) - 1);
	assert_bad(line, "line too long");
	line[len] = '\0';
	assert_int_equal(parse(line), AUTHKEYS_KEY);
	memset(line, '=', len);
	assert_int_equal(parse(line), AUTHKEYS_BAD);
	memset(line, '"', len);
	assert_int_equal(parse(line), AUTHKEYS_BAD);
	free(line);
}

static void
test_blob(void **state)
{
	u_char *blob;
	char print[AUTHKEYS_PRINT_MAX];
	size_t len;

	assert_int_equal(authkeys_decode_blob("ssh-ed25519", ED25519, &blob,
	    &len), 0);
	assert_int_equal(parse(KEY), AUTHKEYS_KEY);
	assert_true(authkeys_equal(&key, blob, len));
	assert_false(authkeys_equal(&key, blob, len - 1));
	blob[len - 1] ^= 1;
	assert_false(authkeys_equal(&key, blob, len));
	blob[len - 1] ^= 1;
	assert_string_equal(authkeys_format_print(blob, len, print,
	    sizeof(print)), PRINT);
	assert_string_equal(authkeys_format_print(blob, len, print, 10), "");
	free(blob);
	assert_int_equal(authkeys_decode_blob("ssh-ed2551", ED25519, &blob,
	    &len), -1);
	assert_int_equal(authkeys_decode_blob("", "AAAAAA==", &blob, &len),
	    -1);
	assert_int_equal(authkeys_decode_blob("", "", &blob, &len), -1);
	assert_string_equal(authkeys_type_name("ssh-rsa"), "RSA");
	assert_string_equal(authkeys_type_name("ssh-new"), "ssh-new");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_plain, teardown),
		cmocka_unit_test_teardown(test_nothing, teardown),
		cmocka_unit_test_teardown(test_no_key, teardown),
		cmocka_unit_test_teardown(test_options, teardown),
		cmocka_unit_test_teardown(test_forwarding, teardown),
		cmocka_unit_test_teardown(test_sk, teardown),
		cmocka_unit_test_teardown(test_unknown, teardown),
		cmocka_unit_test_teardown(test_bad_options, teardown),
		cmocka_unit_test_teardown(test_expiry, teardown),
		cmocka_unit_test_teardown(test_long, teardown),
		cmocka_unit_test_teardown(test_blob, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
