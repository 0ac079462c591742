/* SPDX-License-Identifier: ISC */
/* Any bytes as an agent's list of keys; every key lies inside them. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct agent_key	*keys;
	size_t			 i, n;

	if (agent_parse_keys(data, size, &keys, &n) == -1) {
		assert(keys == NULL && n == 0);
		return 0;
	}
	for (i = 0; i < n; i++) {
		assert(keys[i].blob >= data && keys[i].blob +
		    keys[i].blob_len <= keys[i].comment);
		assert(keys[i].comment + keys[i].comment_len <= data + size);
		assert(strlen(keys[i].b64) ==
		    (keys[i].blob_len + 2) / 3 * 4);
	}
	agent_free_keys(keys, n);
	return 0;
}
