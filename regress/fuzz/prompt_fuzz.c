/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a server's banner, instructions or question.  What is shown of
 * them controls no terminal, each line begins with who says it and is short,
 * there is an end to them, and what is safe already stays as it is.
 */
#include <stdio.h>

static FILE *shown;

#undef stderr
#define stderr	shown
#include "prompt.c"

#include "fuzz.h"

#define WHO	"(me@host) "

/* Neither a control byte nor half a character. */
static void
check_safe(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	for (; *p != '\0'; p++) {
		check(*p == '\n' || *p == '\t' || (*p >= ' ' && *p != 0x7f));
		check(*p != 0xc2 || p[1] >= 0xa0);
		check(*p < 0xc0 || (p[1] & 0xc0) == 0x80);
	}
}

/* All lines are a server's, and none is long. */
static void
check_lines(char *s)
{
	char *line;

	check_safe(s);
	while ((line = strsep(&s, "\n")) != NULL && s != NULL) {
		check(strncmp(line, WHO, strlen(WHO)) == 0);
		check(strlen(line) <= strlen(WHO) + PROMPT_LINE);
	}
	check(line == NULL || *line == '\0');
}

static void
check_log(const char *text, size_t size)
{
	char *buf = malloc(size % 64 + 1);

	check(buf != NULL);
	log_safe(text, size, buf, size % 64 + 1);
	check(strlen(buf) <= size % 64);
	fuzz_log_sink(LOG_LEVEL_INFO, buf, NULL);
	free(buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char lines[16384];
	char *text, *safe, *again;
	size_t left = size == 0 ? 0 : data[0] * 16, most = left;

	check((text = strndup((const char *)data, size)) != NULL);
	safe = prompt_safe(text);
	check_safe(safe);
	again = prompt_safe(safe);
	check(strcmp(safe, again) == 0);
	free(again);
	free(safe);
	memset(lines, 0, sizeof(lines));
	check((shown = fmemopen(lines, sizeof(lines), "w")) != NULL);
	prompt_show("me@host", text, &left);
	check(fclose(shown) == 0 && left <= most);
	check(strlen(lines) < sizeof(lines) - 1);
	check_lines(lines);
	check_log((const char *)data, size);
	free(text);
	return 0;
}
