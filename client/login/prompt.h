/* SPDX-License-Identifier: ISC */
/* Questions to the user: on the terminal, or through an askpass program. */
#ifndef PROMPT_H
#define PROMPT_H

#include <sys/types.h>

#define PROMPT_ECHO	0x01	/* the answer is no secret */

char	*prompt_read(const char *, int);
void	 prompt_free(char *);
char	*prompt_safe(const char *);
void	 prompt_show(const char *, const char *, size_t *);

#endif
