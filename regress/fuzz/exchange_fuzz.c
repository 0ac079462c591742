/* SPDX-License-Identifier: ISC */
/*
 * What sockstund-net says that a key exchange was: whatever is taken must have
 * been made with this program, and the strings must lie inside.
 */
#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "version.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_inside(struct sshstring s, const uint8_t *data, size_t size)
{
	if (s.data < data || s.len > size || s.data + s.len > data + size)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exchange x;

	if (exchange_decode(&x, data, size) == -1)
		return 0;
	check_inside(x.client_version, data, size);
	check_inside(x.server_version, data, size);
	check_inside(x.host_key, data, size);
	if (memcmp(x.server_version.data, SOCKSTUN_BANNER_PREFIX,
	    strlen(SOCKSTUN_BANNER_PREFIX)) != 0)
		abort();
	return 0;
}
