/* SPDX-License-Identifier: ISC */
/* What the sandboxes of our processes are made of; each has its own table. */
#ifndef FILTER_H
#define FILTER_H

#include <sys/types.h>
#include <seccomp.h>		/* SCMP_SYS, the numbers of calls */
#include <stdint.h>

#include "bpf.h"

#ifndef __has_feature
#define __has_feature(x)	0
#endif
/* The sanitizers read files, start a task at the end and trace us from it. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define FILTER_SANITIZED	1
#else
#define FILTER_SANITIZED	0
#endif

#define FILTER_NELEM(a)	(sizeof(a) / sizeof((a)[0]))

void	 filter_hide(void);
int	 filter_limit(size_t, size_t);
int	 filter_raise_memory(void);
void	 filter_add_calls(struct bpf *, uint32_t, const int *, size_t);
struct bpf_arg filter_bits(unsigned int, uint64_t, uint64_t);
void	 filter_allow_memory(struct bpf *);
void	 filter_allow_limit(struct bpf *, int);

#endif
