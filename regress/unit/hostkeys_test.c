/* SPDX-License-Identifier: ISC */
/* Which files of host keys are loaded, and what the log says of others. */
#include <sys/types.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf.h"
#include "hostkeys.h"
#include "log.h"
#include "sshbytes.h"

#define FILES	(HOSTKEYS_MAX + 2)

static char dir[] = "/tmp/hostkeys_test.XXXXXX";
static char path[FILES][64];
static char *words[FILES];
static struct conf_list list = { words, 0 };
static struct hostkeys keys;
static char lines[4096];

static void
note_line(enum log_level level, const char *text, void *arg)
{
	strlcat(lines, text, sizeof(lines));
	strlcat(lines, "\n", sizeof(lines));
}

static int
setup(void **state)
{
	size_t i;

	if (mkdtemp(dir) == NULL)
		return -1;
	for (i = 0; i < FILES; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/%zu", dir, i);
		words[i] = path[i];
	}
	log_init("hostkeys_test", LOG_LEVEL_INFO, 1);
	log_set_sink(note_line, NULL);
	return 0;
}

static int
teardown(void **state)
{
	size_t i;

	for (i = 0; i < FILES; i++)
		unlink(path[i]);
	log_set_sink(NULL, NULL);
	return rmdir(dir);
}

/* The ith file, of so many bytes, which are its number. */
static void
put_file(size_t i, size_t len, mode_t mode)
{
	int fd = open(path[i], O_WRONLY | O_CREAT | O_TRUNC, 0600);
	char buf[1024];

	assert_int_not_equal(fd, -1);
	memset(buf, '0' + (int)i, sizeof(buf));
	while (len > 0) {
		assert_true(write(fd, buf, len < sizeof(buf) ? len :
		    sizeof(buf)) > 0);
		len -= len < sizeof(buf) ? len : sizeof(buf);
	}
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
load(size_t n)
{
	lines[0] = '\0';
	list.n = n;
	hostkeys_load(&keys, &list);
}

/* The ith key came from that file, whole. */
static void
assert_key(size_t i, size_t file, size_t len)
{
	assert_string_equal(keys.key[i].path, path[file]);
	assert_int_equal(keys.key[i].len, len);
	assert_int_equal(keys.key[i].data[0], '0' + file);
	assert_int_equal(keys.key[i].data[len - 1], '0' + file);
}

static void
test_loads(void **state)
{
	struct sshstring s;
	struct sshread r;
	u_char *data;
	size_t i, len;

	put_file(0, 10, 0600);
	put_file(1, 5000, 0400);
	put_file(2, 7, 0600);
	load(3);
	assert_int_equal(keys.n, 3);
	assert_key(1, 1, 5000);
	assert_string_equal(lines, "");
	hostkeys_remove(&keys, 1);
	assert_int_equal(keys.n, 2);
	assert_key(0, 0, 10);
	assert_key(1, 2, 7);
	data = hostkeys_pack(&keys, &len);
	sshread_init(&r, data, len);
	for (i = 0; i < 2; i++) {
		s = sshread_string(&r);
		assert_int_equal(s.len, keys.key[i].len);
		assert_memory_equal(s.data, keys.key[i].data, s.len);
	}
	assert_int_equal(sshread_end(&r), 0);
	freezero(data, len);
	hostkeys_clear(&keys);
}

/* Those that others can read, that are no files, or that are not there. */
static void
test_left_out(void **state)
{
	put_file(0, 10, 0640);
	unlink(path[1]);
	put_file(2, HOSTKEYS_FILE_MAX + 1, 0600);
	assert_int_equal(unlink(path[3]), -1);
	assert_int_equal(mkfifo(path[3], 0600), 0);
	put_file(4, 10, 0600);
	load(5);
	assert_int_equal(keys.n, 1);
	assert_key(0, 4, 10);
	hostkeys_clear(&keys);
	assert_non_null(strstr(lines, "Permissions 0640 for "));
	assert_non_null(strstr(lines, "/1\": No such file or directory\n"));
	assert_non_null(strstr(lines, "/2\": File too large\n"));
	assert_non_null(strstr(lines, "/3\" is not a regular file\n"));
	unlink(path[3]);
}

/* As many, and as large, as the next processes can take. */
static void
test_too_much(void **state)
{
	size_t i;

	for (i = 0; i < FILES; i++)
		put_file(i, 10, 0600);
	load(FILES);
	assert_int_equal(keys.n, HOSTKEYS_MAX);
	assert_key(HOSTKEYS_MAX - 1, HOSTKEYS_MAX - 1, 10);
	assert_non_null(strstr(lines, "/16\": more than 16\n"));
	hostkeys_clear(&keys);
	put_file(0, HOSTKEYS_TOTAL_MAX - 10, 0600);
	put_file(1, 11, 0600);
	load(3);
	assert_int_equal(keys.n, 2);
	assert_key(1, 2, 10);
	assert_non_null(strstr(lines, "/1\": all keys together are too "
	    "large\n"));
	hostkeys_clear(&keys);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
