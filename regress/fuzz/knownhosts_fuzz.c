/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a line of known_hosts.  What comes out lies inside the line,
 * and asking whether it is about a host never crashes.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "knownhosts.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct knownhosts_line	 kl;
	char			*line;

	if ((line = malloc(size + 1)) == NULL)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	if (knownhosts_parse_line(line, &kl)) {
		assert(kl.hosts >= line && kl.hosts < line + size);
		assert(kl.type > kl.hosts && kl.key > kl.type);
		assert(kl.key + strlen(kl.key) <= line + size);
		knownhosts_match(&kl, "host.example.com");
		knownhosts_match(&kl, "[::1]:2222");
	}
	free(line);
	return 0;
}
