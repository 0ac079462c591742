/* SPDX-License-Identifier: ISC */
/*
 * The lines of sockstun_config(5) through the client's table: no line may
 * crash, and what was read must be written and read back as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cliconf.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
read_lines(struct cliconf *conf, const char *data, size_t len, int strict)
{
	char line[CONF_LINE_MAX + 1], why[CONF_ERR_MAX];
	struct conf_text text;
	int r;

	conf_text_init(&text, data, len);
	while ((r = conf_text_next(&text, line, why, sizeof(why))) == 1) {
		r = conf_set_line(cliconf_keywords, conf, line, why,
		    sizeof(why));
		if (r == -1 && strict)
			abort();
	}
	if (r == -1 && strict)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct cliconf unset;
	struct cliconf one, two;
	char *a, *b;

	if (unset.port == 0)
		cliconf_init(&unset);
	one = two = unset;
	read_lines(&one, (const char *)data, len, 0);
	if ((a = cliconf_dump(&one)) != NULL && *a != '\0') {
		read_lines(&two, a, strlen(a), 1);
		if ((b = cliconf_dump(&two)) == NULL || strcmp(a, b) != 0)
			abort();
		free(b);
		cliconf_clear(&two);
	}
	free(a);
	cliconf_clear(&one);
	return 0;
}
