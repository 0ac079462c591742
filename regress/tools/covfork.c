/* SPDX-License-Identifier: ISC */
/*
 * Linked into all that "make coverage" runs.  clang counts one way out of a
 * condition and computes the other, so a process that counts together with its
 * child would seem to have gone one way from fork(2) where two went two.  Here
 * the child goes on with a copy of the counts, in a file of its own.
 */
#include <sys/types.h>
#include <sys/mman.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Puts a copy of what is mapped there, of that file, in its place. */
static void
covfork_copy(const char *file, char *start, size_t len)
{
	char path[1024];
	int fd;

	snprintf(path, sizeof(path), "%.*s/%ld-XXXXXX.profraw",
	    (int)(strrchr(file, '/') - file), file, (long)getpid());
	if ((fd = mkstemps(path, 8)) == -1)
		return;
	if (write(fd, start, len) == (ssize_t)len)
		mmap(start, len, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, 0);
	close(fd);
}

static void
covfork_child(void)
{
	unsigned long start, end;
	char line[1024], *file;
	FILE *f;

	if ((f = fopen("/proc/self/maps", "re")) == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strstr(line, ".profraw") == NULL ||
		    (file = strchr(line, '/')) == NULL ||
		    sscanf(line, "%lx-%lx rw-s", &start, &end) != 2)
			continue;
		covfork_copy(file, (char *)start, end - start);
		break;
	}
	fclose(f);
}

static void __attribute__((constructor))
covfork_init(void)
{
	pthread_atfork(NULL, NULL, covfork_child);
}
