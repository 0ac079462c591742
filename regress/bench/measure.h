/* SPDX-License-Identifier: ISC */
/* The clock, samples and their percentiles, and what processes use. */
#ifndef MEASURE_H
#define MEASURE_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

#define MEASURE_PIDS	16

/* Processes that are watched, and the CPU time they had at a moment. */
struct usage {
	int	 npids;
	pid_t	 pids[MEASURE_PIDS];
	double	 cpu[MEASURE_PIDS];	/* seconds */
};

struct samples {
	double	*ms;
	size_t	 n, size;
};

int64_t	 measure_now(void);
double	 measure_since(int64_t);
void	 measure_sleep(double);
void	 usage_parse(struct usage *, const char *);
void	 usage_mark(struct usage *);
void	 usage_print_cpu(const struct usage *);
void	 usage_print_rss(const struct usage *, const char *);
void	 samples_add(struct samples *, double);
double	 samples_percentile(struct samples *, double);
void	 samples_clear(struct samples *);

#endif
