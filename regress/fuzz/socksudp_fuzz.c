/* SPDX-License-Identifier: ISC */
/*
 * The decoders of SOCKS5's UDP header: a datagram and a frame of the same
 * bytes.  What decodes is asked for from each shorter beginning, has the size
 * that its beginning tells, and decodes again after it was encoded.
 */
#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "socks.h"
#include "socksudp.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(int ok)
{
	if (!ok)
		abort();
}

static void
check_again(const struct socksudp *d)
{
	u_char header[SOCKSUDP_HEADER_MAX];
	struct socksudp again;
	size_t n;

	n = socksudp_encode_header(header, sizeof(header), d->rsv, &d->addr);
	check(n >= 8);
	check(socksudp_decode(&again, header, n) == (ssize_t)n);
	check(again.rsv == d->rsv && again.frag == 0 && again.len == 0);
	check(addr_equal(&again.addr, &d->addr));
}

static void
check_frame(const uint8_t *data, size_t size)
{
	struct socksudp d, e;
	ssize_t n;
	size_t i;

	if ((n = socksudp_decode_frame(&d, data, size)) < 0) {
		check(n >= SOCKS_ENAME);
		return;
	}
	for (i = n == 0 ? size : (size_t)n - 1; i > 0; i = i / 2) {
		check(socksudp_decode_frame(&e, data, i) == 0);
		check(socksudp_frame_size(data, i) > i);
	}
	if (n == 0)
		return;
	check((size_t)n <= size && d.frag == 0 && d.len == d.rsv);
	check(d.data + d.len == data + n);
	check(socksudp_frame_size(data, size) == (size_t)n);
	check_again(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct socksudp d;
	ssize_t n;

	check_frame(data, size);
	n = socksudp_decode(&d, data, size);
	check(n != 0 && n >= SOCKS_ECUT && n <= (ssize_t)size);
	if (n < 0)
		return 0;
	check(d.data == data + n && d.len == size - (size_t)n);
	check_again(&d);
	return 0;
}
