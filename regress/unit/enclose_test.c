/* SPDX-License-Identifier: ISC */
/*
 * What holds a process that has got rid of its filter, or found a call that
 * the filter permits: each case runs in a child without one.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "enclose.h"
#include "filter.h"

#define MEMORY		(256UL * 1024 * 1024)
#define CANNOT_ENTER	100

static int listener;		/* TCP, on loopback */
static struct sockaddr_in address;
static int parent_dir;		/* the first folder of all */

static int
setup(void **state)
{
	socklen_t len = sizeof(address);

	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	parent_dir = open("/", O_RDONLY | O_DIRECTORY);
	if (listener == -1 || parent_dir == -1 || bind(listener,
	    (struct sockaddr *)&address, len) == -1 ||
	    listen(listener, 5) == -1)
		return -1;
	return getsockname(listener, (struct sockaddr *)&address, &len);
}

static int
teardown(void **state)
{
	close(listener);
	close(parent_dir);
	return 0;
}

static int
empty_root(void)
{
	char path[] = "/tmp/enclose_test.XXXXXX";
	int fd;

	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_not_equal(fd, -1);
	assert_int_equal(rmdir(path), 0);
	return fd;
}

/* What a child found that was enclosed: missing, or CANNOT_ENTER. */
static int
inside(int (*what)(int), int with_root)
{
	int missing = 0, root = with_root ? empty_root() : -1, status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		if (filter_limit(MEMORY, 2 * MEMORY) == -1 ||
		    enclose_enter(root, &missing) == -1)
			_exit(CANNOT_ENTER);
		_exit(what(missing));
	}
	assert_int_not_equal(pid, -1);
	if (root != -1)
		close(root);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
has_version(int version)
{
	return syscall(444, NULL, 0, 1) >= version;
}

/* Each returns 0 if it got nothing. */
static int
try_files(int missing)
{
	if (missing & ENCLOSE_NO_LANDLOCK)
		return 0;
	return open("/etc/passwd", O_RDONLY) != -1 ||
	    openat(parent_dir, "etc/passwd", O_RDONLY) != -1 ||
	    open("/tmp/enclose_test", O_WRONLY | O_CREAT, 0600) != -1 ||
	    openat(parent_dir, "tmp/enclose_test", O_WRONLY | O_CREAT,
	    0600) != -1;
}

/* Not even with landlock out of the way is there a name. */
static int
try_root(int missing)
{
	struct stat st;

	if (missing & ENCLOSE_NO_ROOT)
		return 0;
	return stat("/etc", &st) != -1 || errno != ENOENT ||
	    stat("/../..", &st) == -1 || st.st_nlink != 0 ||
	    mkdir("/x", 0700) != -1 || chroot("/") != -1;
}

static int
try_connect(int missing)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (!has_version(4))
		return 0;
	return fd == -1 || connect(fd, (struct sockaddr *)&address,
	    sizeof(address)) != -1 || errno != EACCES ||
	    bind(fd, (struct sockaddr *)&(struct sockaddr_in){
	    .sin_family = AF_INET }, sizeof(address)) != -1;
}

static int
try_signal(int missing)
{
	if (!has_version(6))
		return 0;
	return kill(getppid(), 0) != -1 || errno != EPERM ||
	    kill(getpid(), 0) == -1;
}

static int
try_limits(int missing)
{
	const struct rlimit more = { 4 * MEMORY, 4 * MEMORY };
	struct rlimit data;

	if (setrlimit(RLIMIT_DATA, &more) != -1 ||
	    malloc(MEMORY + MEMORY / 2) != NULL)
		return 1;
	if (filter_raise_memory() == -1 || getrlimit(RLIMIT_DATA, &data) == -1)
		return 2;
	/* The number of root's processes has no limit. */
	if (data.rlim_cur != 2 * MEMORY || (getuid() != 0 && fork() != -1))
		return 3;
	return malloc(MEMORY + MEMORY / 2) == NULL;
}

static int
try_capabilities(int missing)
{
	return (getuid() == 0 && setuid(1) != -1) ||
	    sethostname("x", 1) != -1 ||
	    prctl(PR_CAPBSET_DROP, 0, 0, 0, 0) != -1;
}

static void
test_gets_nothing(void **state)
{
	static int (*const tries[])(int) = {
		try_files, try_root, try_connect, try_signal, try_limits,
		try_capabilities
	};
	size_t i;

	if (FILTER_SANITIZED)
		skip();
	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		assert_int_equal(inside(tries[i], 1), 0);
		assert_int_equal(inside(tries[i], 0), 0);
	}
}

static int
tell_missing(int missing)
{
	return missing;
}

/* What must be there is. */
static void
test_missing(void **state)
{
	int r;

	if (FILTER_SANITIZED)
		skip();
	assert_true(inside(tell_missing, 0) & ENCLOSE_NO_ROOT);
	r = inside(tell_missing, 1);
	if (geteuid() == 0)
		assert_false(r & ENCLOSE_NO_ROOT);
	if (has_version(1))
		assert_false(r & ENCLOSE_NO_LANDLOCK);
}

static void
test_inherited(void **state)
{
	int fd = dup(0);

	assert_int_equal(enclose_inherited(fd), fd);
	close(fd);
	assert_int_equal(enclose_inherited(fd), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gets_nothing),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_inherited)
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
