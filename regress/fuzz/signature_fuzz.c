/* SPDX-License-Identifier: ISC */
/*
 * A user's request as the monitor passes it on: algorithm, key and signature
 * are whatever a client sends.  A key that is taken is of a known type.
 */
#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pubkey.h"
#include "signature.h"
#include "sshbytes.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const u_char sid[32] = { 1, 2, 3 };
	struct signature_request q = {
		.session_id = { sid, sizeof(sid) }, .user = "alice"
	};
	struct pubkey key;
	struct sshread r;

	sshread_init(&r, data, size);
	q.algorithm = sshread_string(&r);
	q.key = sshread_string(&r);
	q.signature = sshread_string(&r);
	q.flags = sshread_u32(&r);
	q.counter = sshread_u32(&r);
	signature_verify(&q);
	if (pubkey_decode(&key, q.key) == -1)
		return 0;
	if (key.pkey == NULL || key.type == NULL)
		abort();
	pubkey_clear(&key);
	return 0;
}
