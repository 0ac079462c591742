/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a line of authorized_keys.  A key that comes out is the one in
 * the line, and every destination in it is one that the dialer can read.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "authkeys.h"
#include "ruleset.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_key(const struct authkey *key)
{
	char print[AUTHKEYS_PRINT_MAX];
	struct ruleset *rules = ruleset_new();
	size_t i;

	assert(key->type != NULL && key->blob != NULL);
	assert(authkeys_equal(key, key->blob, key->bloblen));
	assert(key->expires >= 0);
	authkeys_format_print(key->blob, key->bloblen, print, sizeof(print));
	assert(strlen(print) == 50);
	for (i = 0; i < key->permit_open.n; i++)
		assert(ruleset_add(rules, key->permit_open.word[i]) == 0);
	ruleset_free(rules);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct authkey key;
	char err[96], *line;

	if ((line = malloc(size + 1)) == NULL)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	switch (authkeys_parse_line(&key, line, err, sizeof(err))) {
	case AUTHKEYS_KEY:
		check_key(&key);
		break;
	case AUTHKEYS_BAD:
		assert(err[0] != '\0');
		break;
	case AUTHKEYS_NONE:
		assert(key.blob == NULL);
		break;
	}
	authkeys_clear(&key);
	free(line);
	return 0;
}
