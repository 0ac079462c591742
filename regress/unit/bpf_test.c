/* SPDX-License-Identifier: ISC */
/* Filters of system calls: what is not whole is not loaded. */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpf.h"

static struct bpf p;

static int
is_filtered(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

/* Rules until there is no room: nothing was written behind the end. */
static void
test_full(void **state)
{
	const struct bpf_arg args[BPF_ARGS_MAX + 1] = {
		{ 0, UINT64_MAX - 1, 2 }, { 1, UINT64_MAX - 1, 2 },
		{ 2, UINT64_MAX - 1, 2 }, { 3, 0, 0 }
	};
	int i, before = is_filtered();

	for (i = 0; i < BPF_INSNS_MAX; i++) {
		bpf_init(&p, SECCOMP_RET_ALLOW);
		while (!p.full && p.n < (size_t)i)
			bpf_add(&p, SECCOMP_RET_ALLOW, 1, NULL, 0);
		while (!p.full)
			bpf_add(&p, SECCOMP_RET_ALLOW, 1, args, BPF_ARGS_MAX);
		assert_in_range(p.n, 0, BPF_INSNS_MAX - 1);
		errno = 0;
		assert_int_equal(bpf_load(&p), -1);
		assert_int_equal(errno, E2BIG);
	}
	bpf_init(&p, SECCOMP_RET_ALLOW);
	bpf_add(&p, SECCOMP_RET_ALLOW, 1, args, BPF_ARGS_MAX + 1);
	assert_int_equal(bpf_load(&p), -1);
	assert_int_equal(is_filtered(), before);
}

/* A call that is not of this architecture adds nothing. */
static void
test_unknown_call(void **state)
{
	size_t n;

	bpf_init(&p, SECCOMP_RET_ALLOW);
	n = p.n;
	bpf_add(&p, SECCOMP_RET_KILL_PROCESS, -10001, NULL, 0);
	assert_int_equal(p.n, n);
	assert_int_equal(bpf_finish(&p), 0);
	assert_int_equal(p.n, n + 1);
}

/* What the kernel does not take is told, and the process has no filter. */
static int
refused(void)
{
	bpf_init(&p, SECCOMP_RET_ALLOW);
	p.insn[0].code = 0xffff;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    bpf_load(&p) == -1 && errno == EINVAL;
}

/* The first rule that fits counts; what fits none is as told. */
static int
loaded(void)
{
	const struct bpf_arg arg = { 0, UINT32_MAX, 7 };

	bpf_init(&p, SECCOMP_RET_ALLOW);
	bpf_add(&p, SECCOMP_RET_ERRNO | EDOM, SYS_close, &arg, 1);
	bpf_add(&p, SECCOMP_RET_ERRNO | ERANGE, SYS_close, NULL, 0);
	bpf_add(&p, SECCOMP_RET_ALLOW, SYS_close, NULL, 0);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    bpf_load(&p) == 0 && close(7) == -1 && errno == EDOM &&
	    close(8) == -1 && errno == ERANGE && getppid() > 0;
}

static void
apart(int (*what)(void))
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0)
		_exit(what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void
test_load(void **state)
{
	apart(refused);
	apart(loaded);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_unknown_call),
		cmocka_unit_test(test_load)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
