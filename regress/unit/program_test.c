/* SPDX-License-Identifier: ISC */
/* Whose a connection is, as a /proc made here says. */
#include <sys/types.h>
#include <sys/stat.h>

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "program.h"

#define HEAD	"  sl  local_address rem_address   st tx_queue rx_queue tr " \
		"tm->when retrnsmt   uid  timeout inode\n"
#define LINE(local, remote, inode) \
	"   0: " local " " remote " 01 00000000:00000000 02:00000544 00000000 " \
	"    0        0 " inode " 2 0000000000000000 20 4 30 10 -1\n"

static char root[] = "/tmp/program_test.XXXXXX";

static void
put(const char *name, const char *text)
{
	char path[256], *p;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	for (p = path + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	if (*(p = strrchr(path, '/') + 1) == '\0')
		return;
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
put_fd(const char *name, const char *target)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/", name);
	*(strrchr(path, '/')) = '\0';
	*(strrchr(path, '/') + 1) = '\0';
	put(path, "");
	snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(symlink(target, path), 0);
}

static int
remove_cb(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int
setup(void **state)
{
	if (mkdtemp(root) == NULL)
		return -1;
	put("net/tcp", HEAD
	    LINE("0100007F:0438", "00000000:0000", "1")
	    LINE("0100007F:1388", "0100007F:0438", "11")
	    LINE("0100007F:0438", "0100007F:1388", "12")
	    LINE("0100007F:1389", "0100007F:0438", "13")
	    LINE("0100007F:138A", "0100007F:0050", "14")
	    LINE("0100007F:138B", "0100007F:0438", "0")
	    "nonsense\n\n   0: 0100:1 0100:0438 01\n");
	put("net/tcp6", HEAD
	    LINE("00000000000000000000000001000000:1388",
	    "00000000000000000000000001000000:0438", "21")
	    LINE("0000000000000000FFFF00000100007F:138C",
	    "0000000000000000FFFF00000100007F:0438", "22"));
	put("100/comm", "curl\n");
	put_fd("100/fd/0", "/dev/null");
	put_fd("100/fd/5", "socket:[11]");
	put_fd("100/fd/6", "socket:[21]");
	put_fd("100/fd/7", "socket:[22]");
	put("102/comm", "a\033[31m\n");
	put_fd("102/fd/3", "socket:[13]");
	put_fd("103/fd/3", "socket:[14]");
	put("104/comm", "unix\n");
	put("self/comm", "none\n");
	put_fd("self/fd/1", "socket:[14]");
	return 0;
}

static int
teardown(void **state)
{
	return nftw(root, remove_cb, 16, FTW_DEPTH | FTW_PHYS);
}

static json_t *
answer(const char *flows)
{
	json_t *a = json_pack("{s:[s,s,s,s,n], s:o}", "listeners",
	    "127.0.0.1:1080", "/tmp/socket:80", "x", "[::1]:1080", "flows",
	    json_loads(flows, 0, NULL));

	assert_non_null(a);
	return a;
}

static void
expect(const json_t *a, size_t i, int pid, const char *name)
{
	const json_t *f = json_array_get(json_object_get(a, "flows"), i);
	const json_t *program = json_object_get(f, "program");

	if (pid == 0)
		assert_true(json_is_null(json_object_get(f, "pid")));
	else
		assert_int_equal(json_integer_value(json_object_get(f,
		    "pid")), pid);
	if (name == NULL)
		assert_true(json_is_null(program));
	else
		assert_string_equal(json_string_value(program), name);
}

static void
test_find(void **state)
{
	json_t *a = answer("[{\"client\":\"127.0.0.1:5000\"},"
	    "{\"client\":\"[::1]:5000\"}, {\"client\":\"127.0.0.1:5004\"},"
	    "{\"client\":\"127.0.0.1:5001\"}]");

	program_find(a, root);
	expect(a, 0, 100, "curl");
	expect(a, 1, 100, "curl");
	expect(a, 2, 100, "curl");
	expect(a, 3, 102, "a\\033[31m");
	json_decref(a);
}

/* Not to a listener, closed already, of another machine, of a Unix socket. */
static void
test_not_found(void **state)
{
	json_t *a = answer("[{\"client\":\"127.0.0.1:5002\"},"
	    "{\"client\":\"127.0.0.1:5003\"}, {\"client\":\"10.1.1.1:5000\"},"
	    "{\"client\":\"/tmp/socket\", \"pid\": 104},"
	    "{\"client\":\"/tmp/socket\", \"pid\": 999},"
	    "{\"client\":\"127.0.0.1:5000\", \"program\": null, \"pid\": 7},"
	    "{\"client\":\"\"}]");

	program_find(a, root);
	expect(a, 0, 0, NULL);
	expect(a, 1, 0, NULL);
	expect(a, 2, 0, NULL);
	expect(a, 3, 104, "unix");
	expect(a, 4, 999, NULL);
	expect(a, 5, 7, NULL);
	expect(a, 6, 0, NULL);
	json_decref(a);
}

/* What is no such answer, and a machine without /proc. */
static void
test_nonsense(void **state)
{
	static const char *const flows[] = {
		"[]", "{}", "[1,null,{},{\"client\":5},[]]"
	};
	json_t *a;
	size_t i;

	for (i = 0; i < sizeof(flows) / sizeof(flows[0]); i++) {
		a = answer(flows[i]);
		program_find(a, root);
		json_decref(a);
	}
	a = answer("[{\"client\":\"127.0.0.1:5000\"}]");
	program_find(a, "/nonexistent");
	expect(a, 0, 0, NULL);
	json_decref(a);
	program_find(NULL, root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
