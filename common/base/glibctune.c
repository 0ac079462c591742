/* SPDX-License-Identifier: ISC */
/*
 * glibc copies more than a few KiB with "rep movsb", which on AMD's Zen 3 and
 * Zen 4 runs at a tenth of its speed when source and destination lie badly
 * (glibc bug 30994).  libssh copies every byte three times: measured on such
 * a machine, this was 0.6 of 1.0 seconds of CPU for a gigabyte.  The
 * threshold is read from the environment at exec and cannot be set later.
 */
#include <sys/types.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "glibctune.h"

#define TUNABLES	"GLIBC_TUNABLES"
#define SETTING		"glibc.cpu.x86_rep_movsb_threshold=0x40000000"

static int
glibctune_is_needed(void)
{
#if defined(__x86_64__) && defined(__GLIBC__)
	__builtin_cpu_init();
	return __builtin_cpu_is("amdfam19h");
#else
	return 0;
#endif
}

/* "NAME=value" for the environment of a program to be executed, or NULL. */
const char *
glibctune_variable(void)
{
	return glibctune_is_needed() ? TUNABLES "=" SETTING : NULL;
}

/*
 * Executes this program again with the setting, if it is of use here and the
 * user has set nothing; returns otherwise.  The children of the process do
 * not inherit it.
 */
void
glibctune_reexec(char *const argv[])
{
	const char *now = getenv(TUNABLES);
	char path[PATH_MAX];
	ssize_t n;

	if (now != NULL && strcmp(now, SETTING) == 0)
		unsetenv(TUNABLES);
	else if (now == NULL && glibctune_is_needed() &&
	    (n = readlink("/proc/self/exe", path, sizeof(path) - 1)) > 0 &&
	    setenv(TUNABLES, SETTING, 1) == 0) {
		path[n] = '\0';
		execv(path, argv);
		unsetenv(TUNABLES);
	}
}
