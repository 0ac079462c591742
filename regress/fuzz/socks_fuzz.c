/* SPDX-License-Identifier: ISC */
/*
 * The SOCKS decoders: the first byte says which.  What decodes from all bytes
 * decodes the same from the message alone, from nothing less, and again after
 * it was encoded.
 */
#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "socks.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(int ok)
{
	if (!ok)
		abort();
}

static ssize_t
decode(int kind, const uint8_t *p, size_t len, struct addr *a, u_char *code)
{
	struct socks_greeting g;
	struct socks_request q = { .dst.type = ADDR_NONE };
	struct socks_reply r;
	ssize_t n;

	switch (kind) {
	case 0:
		n = socks_decode_greeting(&g, p, len);
		socks_greeting_offers(&g, SOCKS_METHOD_NONE);
		break;
	case 1:
		n = socks_decode_request4(&q, p, len);
		check(strnlen(q.user, sizeof(q.user)) < sizeof(q.user));
		break;
	case 2:
		n = socks_decode_request5(&q, p, len);
		break;
	default:
		n = socks_decode_reply5(&r, p, len);
		*a = r.bnd;
		*code = r.rep;
		return n;
	}
	*a = q.dst;
	*code = q.cmd;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u_char m[SOCKS5_MESSAGE_MAX], code, again;
	struct addr a, b;
	ssize_t n;
	size_t len;
	int kind;

	if (size == 0)
		return 0;
	kind = data[0] % 4;
	n = decode(kind, ++data, --size, &a, &code);
	check(n >= SOCKS_ENAME && n <= (ssize_t)size);
	if (n <= 0 || kind == 0)
		return 0;
	check(decode(kind, data, (size_t)n, &b, &again) == n);
	check(decode(kind, data, (size_t)n - 1, &b, &again) == 0);
	len = kind == 3 ? socks_encode_reply5(m, sizeof(m), code, &a) :
	    socks_encode_request5(m, sizeof(m), code, &a);
	check(len >= 8);
	check(decode(kind == 3 ? 3 : 2, m, len, &b, &again) == (ssize_t)len);
	check(code == again && addr_equal(&a, &b));
	return 0;
}
