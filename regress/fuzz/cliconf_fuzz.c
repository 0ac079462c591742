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
	char line[CONF_LINE_MAX + 1], why[CONF_ERR_MAX], name[64];
	struct conf_list words;
	struct conf_text text;
	int r;

	conf_text_init(&text, data, len);
	while ((r = conf_text_next(&text, line, why, sizeof(why))) == 1) {
		conf_line_keyword(line, name, sizeof(name));
		if (conf_split(line, &words, why, sizeof(why)) == 0)
			conf_list_clear(&words);
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
	struct cliconf one, two;
	char why[CONF_ERR_MAX], *a, *b;

	cliconf_init(&one);
	cliconf_init(&two);
	read_lines(&one, (const char *)data, len, 0);
	if ((a = cliconf_dump(&one)) != NULL) {
		read_lines(&two, a, strlen(a), 1);
		if ((b = cliconf_dump(&two)) == NULL || strcmp(a, b) != 0)
			abort();
		free(a);
		free(b);
	}
	cliconf_finish(&one, "host.example", why, sizeof(why));
	cliconf_clear(&one);
	cliconf_clear(&two);
	return 0;
}
