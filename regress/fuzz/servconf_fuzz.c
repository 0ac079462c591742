/* SPDX-License-Identifier: ISC */
/*
 * sockstund_config(5) as a whole: what can be read and finished must be
 * written, read and finished again without change, as processes do it.
 */
#include <unistd.h>

#include "fuzz.h"
#include "servconf.h"
#include "xmalloc.h"

#define SEEN	65536

static struct servconf unset;

/* No file is there, so that the input alone decides. */
int
access(const char *path, int mode)
{
	return -1;
}

static void
check_again(const char *text)
{
	struct servconf conf = unset;
	char why[CONF_ERR_MAX], *again;

	check(servconf_read_text(&conf, text, "dump", why, sizeof(why)) == 0);
	servconf_finish(&conf);
	check((again = servconf_dump(&conf)) != NULL);
	check(strcmp(text, again) == 0);
	free(again);
	servconf_clear(&conf);
}

/* What was read, written as text: was the same looked at before? */
static int
is_known(const struct servconf *conf)
{
	static uint64_t seen[SEEN];
	uint64_t hash = 14695981039346656037U, *entry;
	char *text, *s;
	int known;

	if ((text = servconf_dump(conf)) == NULL)
		return 1;
	for (s = text; *s != '\0'; s++)
		hash = (hash ^ (u_char)*s) * 1099511628211U;
	free(text);
	entry = &seen[hash % SEEN];
	known = *entry == hash;
	*entry = hash;
	return known;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct servconf conf;
	char why[CONF_ERR_MAX], *text, *dump;

	if (unset.max_flows == 0)
		servconf_init(&unset);
	conf = unset;
	text = xstrndup((const char *)data, len);
	if (servconf_read_text(&conf, text, "fuzz", why, sizeof(why)) == 0 &&
	    !is_known(&conf)) {
		servconf_finish(&conf);
		if ((dump = servconf_dump(&conf)) != NULL)
			check_again(dump);
		free(dump);
	}
	servconf_clear(&conf);
	free(text);
	return 0;
}
