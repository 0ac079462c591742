/* SPDX-License-Identifier: ISC */
/* Refusals of a stock sshd, as SOCKS replies. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "refusal.h"
#include "sshchan.h"

static void
test_texts(void **state)
{
	static const struct {
		const char	*text;
		enum socks_rep	 rep;
	} t[] = {
		{ "Connection refused", SOCKS_REP_REFUSED },
		{ "connect failed: Connection refused", SOCKS_REP_REFUSED },
		{ "No route to host", SOCKS_REP_HOST },
		{ "Network is unreachable", SOCKS_REP_NET },
		{ "Connection timed out", SOCKS_REP_TTL },
		{ "Name or service not known", SOCKS_REP_HOST },
		{ "Temporary failure in name resolution", SOCKS_REP_HOST },
		{ "No address associated with hostname", SOCKS_REP_HOST },
		{ "dial tcp 127.0.0.1:9: connect: connection refused",
		    SOCKS_REP_REFUSED },
		{ "dial tcp: lookup nosuch.invalid: no such host",
		    SOCKS_REP_HOST },
		{ "lookup x on 127.0.0.53:53: server misbehaving",
		    SOCKS_REP_HOST },
		{ "dial tcp 10.3.0.1:80: i/o timeout", SOCKS_REP_TTL },
		{ "connect: network is unreachable", SOCKS_REP_NET },
		{ "connect: no route to host", SOCKS_REP_HOST },
		{ "[Errno 111] Connect call failed ('127.0.0.1', 9)",
		    SOCKS_REP_REFUSED },
		{ "Multiple exceptions: [Errno 111] Connect call failed "
		    "('::1', 9, 0, 0), [Errno 111] Connect call failed",
		    SOCKS_REP_REFUSED },
		{ "[Errno 113] Connect call failed", SOCKS_REP_HOST },
		{ "[Errno 101] Network is unreachable", SOCKS_REP_NET },
		{ "[Errno 110] Connect call failed", SOCKS_REP_TTL },
		{ "[Errno -2] Name or service not known", SOCKS_REP_HOST },
		{ "open failed", SOCKS_REP_GENERAL },
		{ "", SOCKS_REP_GENERAL },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(refusal_rep(SSHCHAN_CONNECT_FAILED,
		    t[i].text), t[i].rep);
}

static void
test_codes(void **state)
{
	assert_int_equal(refusal_rep(SSHCHAN_PROHIBITED, "open failed"),
	    SOCKS_REP_RULESET);
	assert_int_equal(refusal_rep(SSHCHAN_UNKNOWN_TYPE,
	    "Connection refused"), SOCKS_REP_GENERAL);
	assert_int_equal(refusal_rep(SSHCHAN_RESOURCE_SHORTAGE, ""),
	    SOCKS_REP_GENERAL);
	assert_int_equal(refusal_rep(SSHCHAN_SESSION_LOST, ""),
	    SOCKS_REP_GENERAL);
	assert_int_equal(refusal_rep(12345, ""), SOCKS_REP_GENERAL);
}

static void
test_hints(void **state)
{
	assert_non_null(refusal_hint(SSHCHAN_PROHIBITED));
	assert_true(refusal_hint(SSHCHAN_PROHIBITED)[0] != '\0');
	assert_string_equal(refusal_hint(SSHCHAN_CONNECT_FAILED), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_hints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
