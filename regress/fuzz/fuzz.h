/* SPDX-License-Identifier: ISC */
/*
 * What fuzzers of whole conversations share: a script of steps that is taken
 * from the input, and checks of what must hold besides.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <sys/types.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

struct script {
	const uint8_t	*p;
	size_t		 len;
};

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static inline void
check(int ok)
{
	if (!ok)
		abort();
}

/* The next byte, or 0 after the last. */
static inline unsigned int
script_byte(struct script *s)
{
	if (s->len == 0)
		return 0;
	s->len--;
	return *s->p++;
}

/* The next bytes, at most n; *n is set to how many there are. */
static inline const uint8_t *
script_bytes(struct script *s, size_t *n)
{
	const uint8_t *p = s->p;

	if (*n > s->len)
		*n = s->len;
	s->p += *n;
	s->len -= *n;
	return p;
}

/* A line is printable, whatever it was made from. */
static inline void
fuzz_log_sink(enum log_level level, const char *text, void *arg)
{
	for (; *text != '\0'; text++)
		check(*text == '\t' || isprint((unsigned char)*text));
}

/* All lines are made, and looked at. */
static inline void
fuzz_watch_log(void)
{
	log_init("fuzz", LOG_LEVEL_DEBUG2, 0);
	log_set_sink(fuzz_log_sink, NULL);
}

/* The number that the next descriptor gets: it grows when one is left. */
static inline int
fuzz_next_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

#endif
