/* SPDX-License-Identifier: ISC */
/* The clock, samples, and what /proc says of the processes of a tunnel. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

/* Nanoseconds of the monotonic clock. */
int64_t
measure_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* Seconds since then. */
double
measure_since(int64_t then)
{
	return (double)(measure_now() - then) / 1e9;
}

void
measure_sleep(double seconds)
{
	struct timespec ts;

	ts.tv_sec = (time_t)seconds;
	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	while (nanosleep(&ts, &ts) == -1)
		continue;
}

/* "12,34": the processes to watch. */
void
usage_parse(struct usage *u, const char *list)
{
	char *end;

	for (u->npids = 0; *list != '\0'; list = end) {
		if (u->npids == MEASURE_PIDS)
			errx(1, "more than %d processes", MEASURE_PIDS);
		u->pids[u->npids++] = (pid_t)strtol(list, &end, 10);
		if (end == list || (*end != '\0' && *end++ != ','))
			errx(1, "%s: not a list of processes", list);
	}
}

/* User and system time of all threads, in seconds; 0 if it is gone. */
static double
process_cpu(pid_t pid)
{
	char path[64], line[1024], *p;
	unsigned long user, sys;
	FILE *f;
	double cpu = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	/* The name, in parentheses, may hold anything. */
	if (fgets(line, sizeof(line), f) != NULL &&
	    (p = strrchr(line, ')')) != NULL &&
	    sscanf(p + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"
	    " %lu %lu", &user, &sys) == 2)
		cpu = (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
	fclose(f);
	return cpu;
}

static long
process_rss(pid_t pid)
{
	char path[64], line[256];
	long kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	fclose(f);
	return kb;
}

/* Notes the CPU time used up to now. */
void
usage_mark(struct usage *u)
{
	int i;

	for (i = 0; i < u->npids; i++)
		u->cpu[i] = process_cpu(u->pids[i]);
}

/* "cpu.PID seconds" since the mark. */
void
usage_print_cpu(const struct usage *u)
{
	int i;

	for (i = 0; i < u->npids; i++)
		printf("cpu.%d %.2f\n", (int)u->pids[i],
		    process_cpu(u->pids[i]) - u->cpu[i]);
}

/* "WHEN.PID kB" of resident memory. */
void
usage_print_rss(const struct usage *u, const char *when)
{
	int i;

	for (i = 0; i < u->npids; i++)
		printf("%s.%d %ld\n", when, (int)u->pids[i],
		    process_rss(u->pids[i]));
}

void
samples_add(struct samples *s, double ms)
{
	if (s->n == s->size) {
		s->size = s->size > 0 ? 2 * s->size : 1024;
		s->ms = reallocarray(s->ms, s->size, sizeof(*s->ms));
		if (s->ms == NULL)
			err(1, NULL);
	}
	s->ms[s->n++] = ms;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The sample that the part given (0.5: the median) does not exceed. */
double
samples_percentile(struct samples *s, double part)
{
	if (s->n == 0)
		errx(1, "no samples");
	qsort(s->ms, s->n, sizeof(*s->ms), compare);
	return s->ms[(size_t)((double)(s->n - 1) * part + 0.5)];
}

void
samples_clear(struct samples *s)
{
	free(s->ms);
	memset(s, 0, sizeof(*s));
}
