/* SPDX-License-Identifier: ISC */
/*
 * Secrets lie in pages that are locked, are in no core dump and in no child,
 * and have nothing left in them when they are given up.
 */
#include <sys/types.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libssh/libssh.h>

#include "remembered.h"

static const u_char *pages;		/* that were locked last */
static size_t size;
static int no_lock, given_up;

int	__real_mlock(const void *, size_t);
int	__wrap_mlock(const void *, size_t);
int	__real_munmap(void *, size_t);
int	__wrap_munmap(void *, size_t);

int
__wrap_mlock(const void *p, size_t len)
{
	if (no_lock) {
		errno = ENOMEM;
		return -1;
	}
	pages = p;
	size = len;
	return __real_mlock(p, len);
}

/* Of what was locked nothing is left. */
int
__wrap_munmap(void *p, size_t len)
{
	size_t i;

	if (p == pages) {
		assert_int_equal(len, size);
		for (i = 0; i < size; i++)
			assert_int_equal(pages[i], 0);
		pages = NULL;
		given_up++;
	}
	return __real_munmap(p, len);
}

/* The kernel's flags of the pages, " lo dd wf " and others. */
static void
read_flags(char *flags, size_t len)
{
	uintptr_t first, end;
	int inside = 0;
	FILE *f;

	f = fopen("/proc/self/smaps", "r");
	assert_non_null(f);
	*flags = '\0';
	while (fgets(flags, (int)len, f) != NULL) {
		if (sscanf(flags, "%" SCNxPTR "-%" SCNxPTR " ", &first,
		    &end) == 2)
			inside = (uintptr_t)pages >= first &&
			    (uintptr_t)pages < end;
		else if (inside && strncmp(flags, "VmFlags:", 8) == 0)
			break;
	}
	fclose(f);
}

static void
check_pages(void)
{
	char flags[256];
	int status;
	pid_t pid;

	read_flags(flags, sizeof(flags));
	assert_non_null(strstr(flags, " dd "));
	assert_non_null(strstr(flags, " wf "));
#ifndef __SANITIZE_ADDRESS__
	assert_non_null(strstr(flags, " lo "));
#endif
	assert_int_not_equal(*pages, 0);
	if ((pid = fork()) == 0)
		_exit(*pages);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_password(void **state)
{
	struct remembered *r = remembered_new();

	given_up = 0;
	assert_null(remembered_password(r));
	remembered_set_password(r, "open sesame");
	assert_string_equal(remembered_password(r), "open sesame");
	assert_null(remembered_key(r));
	check_pages();
	remembered_set_password(r, "another");
	assert_int_equal(given_up, 1);
	assert_string_equal(remembered_password(r), "another");
	remembered_free(r);
	assert_int_equal(given_up, 2);
	remembered_free(NULL);
}

static void
test_key(void **state)
{
	struct remembered *r = remembered_new();
	ssh_key key, copy;

	given_up = 0;
	assert_int_equal(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key), 0);
	remembered_set_key(r, key, NULL);
	check_pages();
	assert_null(remembered_password(r));
	copy = remembered_key(r);
	assert_non_null(copy);
	assert_int_equal(ssh_key_cmp(key, copy, SSH_KEY_CMP_PRIVATE), 0);
	ssh_key_free(copy);
	/* The agent's key takes the place of a file's. */
	remembered_set_agent_key(r, "AAAA");
	assert_int_equal(given_up, 1);
	assert_string_equal(remembered_agent_key(r), "AAAA");
	assert_null(remembered_key(r));
	remembered_set_key(r, key, NULL);
	assert_null(remembered_agent_key(r));
	remembered_free(r);
	assert_int_equal(given_up, 2);
	ssh_key_free(key);
}

/* What cannot be kept safely is not kept. */
static void
test_not_kept(void **state)
{
	struct remembered *r = remembered_new();
	char *huge;

	given_up = 0;
	remembered_set_password(r, "old");
	no_lock = 1;
	remembered_set_password(r, "open sesame");
	no_lock = 0;
	assert_null(remembered_password(r));
	assert_int_equal(given_up, 1);
	huge = malloc(100001);
	memset(huge, 'x', 100000);
	huge[100000] = '\0';
	remembered_set_password(r, huge);
	free(huge);
	assert_null(remembered_password(r));
	assert_int_equal(given_up, 2);
	remembered_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
