/* SPDX-License-Identifier: ISC */
/* A filter of system calls, made of rules, for seccomp(2). */
#ifndef BPF_H
#define BPF_H

#include <sys/types.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>

#define BPF_INSNS_MAX	1024	/* instructions of one filter */
#define BPF_ARGS_MAX	3	/* conditions of one rule */

struct bpf {
	uint32_t		otherwise;
	size_t			n;
	int			full;
	struct sock_filter	insn[BPF_INSNS_MAX];
};

/* Of the mask's bits, the argument has exactly these set. */
struct bpf_arg {
	unsigned int	number;
	uint64_t	mask;
	uint64_t	bits;
};

void	 bpf_init(struct bpf *, uint32_t);
void	 bpf_add(struct bpf *, uint32_t, int, const struct bpf_arg *, size_t);
int	 bpf_finish(struct bpf *);
int	 bpf_load(struct bpf *);

#endif
