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
#define ALL	1000	/* finished configurations that are all looked at */
#define SOME	16	/* and afterwards one of so many */

static struct servconf unset;

/* No file is there, so that the input alone decides. */
int
access(const char *path, int mode)
{
	return -1;
}

static uint64_t
hash_text(const char *s)
{
	uint64_t hash = 14695981039346656037U;

	for (; *s != '\0'; s++)
		hash = (hash ^ (u_char)*s) * 1099511628211U;
	return hash;
}

/* Was the same written before? */
static int
is_known(const char *text)
{
	static uint64_t seen[SEEN];
	uint64_t hash = hash_text(text), *entry = &seen[hash % SEEN];
	int known = *entry == hash;

	*entry = hash;
	return known;
}

/* What was written gives the same again: as it was read, or finished. */
static void
check_again(const char *text, int finished)
{
	struct servconf conf = unset;
	char why[CONF_ERR_MAX], *again;

	check(servconf_read_text(&conf, text, "dump", why, sizeof(why)) == 0);
	if (finished)
		servconf_finish(&conf);
	check((again = servconf_dump(&conf)) != NULL);
	check(strcmp(text, again) == 0);
	free(again);
	servconf_clear(&conf);
}

/*
 * A finished configuration has all keywords and costs ten times what the
 * few of an input do: of many, only some are looked at.
 */
static void
check_finished(struct servconf *conf)
{
	static unsigned int n;
	char *text;

	if (n++ >= ALL && n % SOME != 0)
		return;
	servconf_finish(conf);
	if ((text = servconf_dump(conf)) != NULL)
		check_again(text, 1);
	free(text);
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
	    (dump = servconf_dump(&conf)) != NULL) {
		if (!is_known(dump)) {
			check_again(dump, 0);
			check_finished(&conf);
		}
		free(dump);
	}
	servconf_clear(&conf);
	free(text);
	return 0;
}
