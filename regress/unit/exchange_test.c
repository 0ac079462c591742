/* SPDX-License-Identifier: ISC */
/* What may be the hash of a key exchange with sockstund, and what may not. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "exchange.h"
#include "sshbytes.h"

/* An exchange; NULL is what is right. */
struct parts {
	const char	*client;
	const char	*server;
	int		 kexinit;	/* number of the message */
	int		 numbers;
	int		 strings;
	int		 extra;		/* a byte at the end */
};

static int
decode(const struct parts *p, struct exchange *x, struct sshwrite *w)
{
	u_char kexinit[62] = { p->kexinit };
	int i;

	memset(w, 0, sizeof(*w));
	sshwrite_text(w, p->client != NULL ? p->client : "SSH-2.0-OpenSSH_9");
	sshwrite_text(w, p->server != NULL ? p->server :
	    "SSH-2.0-sockstund_0.1");
	sshwrite_string(w, kexinit, sizeof(kexinit));
	sshwrite_string(w, kexinit, sizeof(kexinit));
	sshwrite_text(w, "the host key");
	for (i = 0; i < p->numbers; i++)
		sshwrite_u32(w, 2048);
	for (i = 0; i < p->strings; i++)
		sshwrite_text(w, "value");
	if (p->extra)
		sshwrite_u8(w, 0);
	return exchange_decode(x, w->data, w->len);
}

static void
test_good(void **state)
{
	static const struct parts good[] = {
		{ NULL, NULL, 20, 0, 3, 0 },
		{ NULL, NULL, 20, 3, 5, 0 },
		{ "SSH-1.99-old", "SSH-2.0-sockstund_9.9 text", 20, 0, 3, 0 }
	};
	struct sshwrite w;
	struct exchange x;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(decode(&good[i], &x, &w), 0);
		assert_true(sshstring_is(x.host_key, "the host key"));
		sshwrite_clear(&w);
	}
}

static void
test_bad(void **state)
{
	static const struct parts bad[] = {
		{ NULL, "SSH-2.0-OpenSSH_9.2p1", 20, 0, 3, 0 },
		{ NULL, "SSH-2.0-sockstund_", 20, 0, 3, 0 },
		{ NULL, "SSH-2.0-sockstund_0.1\n", 20, 0, 3, 0 },
		{ "SSH-1.5-x", NULL, 20, 0, 3, 0 },
		{ "SSH-2.0-", NULL, 20, 0, 3, 0 },
		{ NULL, NULL, 21, 0, 3, 0 },
		{ NULL, NULL, 20, 0, 2, 0 },
		{ NULL, NULL, 20, 0, 4, 0 },
		{ NULL, NULL, 20, 3, 4, 0 },
		{ NULL, NULL, 20, 0, 3, 1 }
	};
	struct sshwrite w;
	struct exchange x;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(decode(&bad[i], &x, &w), -1);
		sshwrite_clear(&w);
	}
	assert_int_equal(exchange_decode(&x, NULL, 0), -1);
}

/* Cut off anywhere it is none, and a hash is none either. */
static void
test_short(void **state)
{
	static const struct parts good = { NULL, NULL, 20, 0, 3, 0 };
	u_char hash[32] = { 0 };
	struct sshwrite w;
	struct exchange x;
	size_t i;

	assert_int_equal(decode(&good, &x, &w), 0);
	for (i = 0; i < w.len; i++)
		assert_int_equal(exchange_decode(&x, w.data, i), -1);
	sshwrite_clear(&w);
	assert_int_equal(exchange_decode(&x, hash, sizeof(hash)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_short)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
