/* SPDX-License-Identifier: ISC */
/*
 * Runs one test and answers for every process that it starts, daemons
 * included: what outlives the test is named and killed, and fails the test.
 *
 *	reap [-t seconds] command [argument ...]
 *
 * Exit status: the command's; 124 after a timeout; 125 when a process was
 * left over.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EXIT_TIMEOUT	124
#define EXIT_LEFTOVER	125
#define PROCS_MAX	65536
#define GRACE_MS	3000	/* for what ends by itself */
#define CLEANUP_MS	15000	/* for a test that is told to end */

struct proc {
	pid_t	pid;
	pid_t	ppid;
	int	ours;
};

static struct proc	 procs[PROCS_MAX];
static size_t		 nprocs;
static volatile sig_atomic_t ended;	/* the signal that ends us */

static void
on_signal(int sig)
{
	ended = sig;
}

static long long
now_ms(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

/* The parent of a process, or -1 when it is gone or a zombie. */
static pid_t
proc_parent(pid_t pid)
{
	char	 path[64], line[512], state, *p;
	int	 ppid;
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return (-1);
	p = fgets(line, sizeof(line), f);
	fclose(f);
	if (p == NULL || (p = strrchr(line, ')')) == NULL ||
	    sscanf(p + 1, " %c %d", &state, &ppid) != 2 || state == 'Z')
		return (-1);
	return (ppid);
}

/* Marks the living processes that descend from this one; how many. */
static size_t
find_descendants(void)
{
	struct dirent	*de;
	DIR		*dir;
	size_t		 i, j, n = 0, found;

	nprocs = 0;
	if ((dir = opendir("/proc")) == NULL)
		err(1, "/proc");
	while ((de = readdir(dir)) != NULL && nprocs < PROCS_MAX) {
		if (!isdigit((unsigned char)de->d_name[0]))
			continue;
		procs[nprocs].pid = atoi(de->d_name);
		procs[nprocs].ppid = proc_parent(procs[nprocs].pid);
		procs[nprocs].ours = procs[nprocs].ppid == getpid();
		n += (size_t)procs[nprocs].ours;
		nprocs++;
	}
	closedir(dir);
	do {
		found = 0;
		for (i = 0; i < nprocs; i++) {
			for (j = 0; !procs[i].ours && j < nprocs; j++)
				if (procs[j].ours &&
				    procs[j].pid == procs[i].ppid)
					found += (procs[i].ours = 1);
		}
		n += found;
	} while (found > 0);
	return (n);
}

static void
print_proc(pid_t pid)
{
	char	 path[64], args[200];
	size_t	 i, len = 0;
	FILE	*f;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if ((f = fopen(path, "r")) != NULL) {
		len = fread(args, 1, sizeof(args) - 1, f);
		fclose(f);
	}
	for (i = 0; i < len; i++)
		if (!isprint((unsigned char)args[i]))
			args[i] = ' ';
	args[len] = '\0';
	printf("left over: process %d: %s\n", (int)pid, args);
}

static void
reap_zombies(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void
signal_descendants(int sig)
{
	size_t	 i;

	find_descendants();
	for (i = 0; i < nprocs; i++)
		if (procs[i].ours)
			kill(procs[i].pid, sig);
}

/* Until there are no more descendants, or the time is over; how many. */
static size_t
wait_descendants(int ms)
{
	const struct timespec	 pause = { 0, 20 * 1000 * 1000 };
	long long		 deadline = now_ms() + ms;
	size_t			 n;

	while ((n = find_descendants()) > 0 && now_ms() < deadline) {
		nanosleep(&pause, NULL);
		reap_zombies();
	}
	return (n);
}

/* Waits for the command; its exit status, or how it was ended. */
static int
wait_command(pid_t pid, long long deadline)
{
	const struct timespec	 pause = { 0, 10 * 1000 * 1000 };
	pid_t			 got;
	int			 status;

	for (;;) {
		while ((got = waitpid(-1, &status, WNOHANG)) > 0) {
			if (got != pid)
				continue;
			if (WIFSIGNALED(status))
				return (128 + WTERMSIG(status));
			return (WEXITSTATUS(status));
		}
		if (ended || now_ms() > deadline) {
			printf("reap: %s\n", ended ? "interrupted" :
			    "the test took too long");
			signal_descendants(SIGTERM);
			wait_descendants(CLEANUP_MS);
			return (ended ? 128 + ended : EXIT_TIMEOUT);
		}
		nanosleep(&pause, NULL);
	}
}

/* Names what is still there after a grace period, and ends it. */
static size_t
sweep(void)
{
	size_t	 i, n;
	int	 tries;

	n = wait_descendants(GRACE_MS);
	for (i = 0; i < nprocs; i++)
		if (procs[i].ours)
			print_proc(procs[i].pid);
	for (tries = 0; tries < 50 && find_descendants() > 0; tries++) {
		signal_descendants(SIGKILL);
		wait_descendants(100);
	}
	return (n);
}

int
main(int argc, char *argv[])
{
	struct sigaction	 sa = { .sa_handler = on_signal };
	long			 seconds = 600;
	pid_t			 pid;
	int			 first = 1, status;

	if (argc > 2 && strcmp(argv[1], "-t") == 0) {
		seconds = atol(argv[2]);
		first = 3;
	}
	if (first >= argc || seconds <= 0)
		errx(1, "usage: reap [-t seconds] command [argument ...]");
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM) == -1)
		err(1, "prctl");
	setvbuf(stdout, NULL, _IOLBF, 0);
	switch (pid = fork()) {
	case -1:
		err(1, "fork");
	case 0:
		execvp(argv[first], argv + first);
		err(127, "%s", argv[first]);
	}
	status = wait_command(pid, now_ms() + seconds * 1000LL);
	if (sweep() > 0 && status == 0)
		status = EXIT_LEFTOVER;
	return (status);
}
