/* SPDX-License-Identifier: ISC */
/*
 * sockstund_config(5) as a whole: what can be read and finished must be
 * written, read and finished again without change, as processes do it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "servconf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct servconf unset;

static void
check_again(const char *text)
{
	struct servconf conf = unset;
	char why[CONF_ERR_MAX], *again;

	if (servconf_read_text(&conf, text, "dump", why, sizeof(why)) == -1)
		abort();
	if (servconf_finish(&conf, why, sizeof(why)) == -1 ||
	    (again = servconf_dump(&conf)) == NULL ||
	    strcmp(text, again) != 0)
		abort();
	free(again);
	servconf_clear(&conf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct servconf conf;
	char why[CONF_ERR_MAX], *text, *dump;

	if ((text = strndup((const char *)data, len)) == NULL)
		return 0;
	if (unset.max_flows == 0)
		servconf_init(&unset);
	conf = unset;
	if (servconf_read_text(&conf, text, "fuzz", why, sizeof(why)) == 0 &&
	    servconf_finish(&conf, why, sizeof(why)) == 0) {
		if ((dump = servconf_dump(&conf)) == NULL)
			abort();
		check_again(dump);
		free(dump);
	}
	servconf_clear(&conf);
	free(text);
	return 0;
}
