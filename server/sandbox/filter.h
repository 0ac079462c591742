/* SPDX-License-Identifier: ISC */
/* What the sandboxes of our processes are made of; each has its own table. */
#ifndef FILTER_H
#define FILTER_H

#include <sys/types.h>
#include <seccomp.h>
#include <stdint.h>

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
scmp_filter_ctx filter_new(uint32_t);
int	 filter_add_calls(scmp_filter_ctx, uint32_t, const int *, size_t);
struct scmp_arg_cmp filter_bits(unsigned int, uint64_t, uint64_t);
int	 filter_allow_memory(scmp_filter_ctx);
int	 filter_allow_limit(scmp_filter_ctx, int);
int	 filter_load(scmp_filter_ctx, int);

#endif
