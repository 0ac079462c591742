/* SPDX-License-Identifier: ISC */
/* The form of configuration files: lines, words, kinds of values, dumps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "log.h"

struct sample {
	int		 flag;
	int		 color;
	int		 port;
	int		 grace;
	int		 level;
	char		*name;
	char		*command;
	char		*ciphers;
	struct conf_list files;
	struct conf_list paths;
	struct conf_list methods;
};

#define F(field)	offsetof(struct sample, field)

static const struct conf_choice colors[] = {
	{ "red", 0 }, { "green", 1 }, { "rouge", 0 }, { NULL, 0 }
};
static const struct conf_range ports = { 1, 65535 };
static const struct conf_range times = { 0, 100000 };
static const struct conf_naming methods = { "abcm-", 5 };

static const struct conf_keyword table[] = {
	{ "Flag", &conf_type_flag, F(flag), 0, "no", NULL },
	{ "Color", &conf_type_choice, F(color), 0, "red", colors },
	{ "Port", &conf_type_int, F(port), 0, "22", &ports },
	{ "Grace", &conf_type_time, F(grace), 0, "2m", &times },
	{ "LogLevel", &conf_type_level, F(level), 0, "INFO", NULL },
	{ "Name", &conf_type_string, F(name), 0, NULL, NULL },
	{ "Command", &conf_type_string, F(command), CONF_REST, NULL, NULL },
	{ "Ciphers", &conf_type_names, F(ciphers), 0, NULL, NULL },
	{ "File", &conf_type_list, F(files), CONF_APPEND, NULL, NULL },
	{ "Paths", &conf_type_list, F(paths), CONF_WORDS, "a b", NULL },
	{ "Methods", &conf_type_commas, F(methods), 0, "b,c", &methods },
	{ "Banner", &conf_type_flag, F(flag), CONF_ALIAS, NULL, NULL },
	{ "Tunnel", NULL, 0, CONF_IGNORED, NULL, NULL },
	{ "Force", NULL, 0, CONF_UNSUPPORTED, NULL, NULL },
	{ "Match", NULL, 0, CONF_FILE, NULL, NULL },
	{ NULL, NULL, 0, 0, NULL, NULL }
};

static int
setup(void **state)
{
	static struct sample s;

	memset(&s, 0, sizeof(s));
	conf_clear(table, &s);
	*state = &s;
	return 0;
}

static int
teardown(void **state)
{
	conf_clear(table, *state);
	return 0;
}

static void
good(struct sample *s, const char *line)
{
	char err[CONF_ERR_MAX] = "";

	if (conf_set_line(table, s, line, err, sizeof(err)) != 0)
		fail_msg("%s: %s", line, err);
}

static void
bad(struct sample *s, const char *line, const char *want)
{
	char err[CONF_ERR_MAX] = "";

	assert_int_equal(conf_set_line(table, s, line, err, sizeof(err)), -1);
	assert_string_equal(err, want);
}

static void
check_split(const char *line, const char *want)
{
	char err[CONF_ERR_MAX], got[256] = "";
	struct conf_list words;
	size_t i;

	assert_int_equal(conf_split(line, &words, err, sizeof(err)), 0);
	for (i = 0; i < words.n; i++) {
		strlcat(got, words.word[i], sizeof(got));
		strlcat(got, "|", sizeof(got));
	}
	conf_list_clear(&words);
	assert_string_equal(got, want);
}

static void
test_split(void **state)
{
	check_split("Port 22", "Port|22|");
	check_split("  Port=22\r\n", "Port|22|");
	check_split("Port = 22 # comment", "Port|22|");
	check_split("Port\t=\t22\f", "Port|22|");
	check_split("Port 22#3", "Port|22#3|");
	check_split("", "");
	check_split("   ", "");
	check_split("# Port 22", "");
	check_split("Port", "Port|");
	check_split("Port=", "Port|");
	check_split("F \"a b\" 'c d' e\\ f", "F|a b|c d|e f|");
	check_split("F \"a\\\"b\" 'c\\'d' a\\b \"\\\\\"",
	    "F|a\"b|c'd|a\\b|\\|");
	check_split("F \"\" x", "F||x|");
	check_split("F a\"b c\"d", "F|ab cd|");
	check_split("F ==x", "F|=x|");
}

static void
test_split_bad(void **state)
{
	char err[CONF_ERR_MAX], *big;
	struct conf_list words;

	assert_int_equal(conf_split("F \"a", &words, err, sizeof(err)), -1);
	assert_string_equal(err, "invalid quotes");
	assert_int_equal(words.n, 0);
	assert_int_equal(conf_split("F 'a\"", &words, err, sizeof(err)), -1);
	assert_int_equal(conf_split("F a\033b", &words, err, sizeof(err)), -1);
	assert_string_equal(err, "control character 0x1b in line");
	assert_int_equal(conf_split("F a\nb", &words, err, sizeof(err)), -1);

	big = malloc(CONF_LINE_MAX + 2);
	memset(big, 'x', CONF_LINE_MAX + 1);
	big[CONF_LINE_MAX + 1] = '\0';
	assert_int_equal(conf_split(big, &words, err, sizeof(err)), -1);
	assert_string_equal(err, "line longer than 8192 bytes");
	big[CONF_LINE_MAX] = '\0';
	assert_int_equal(conf_split(big, &words, err, sizeof(err)), 0);
	conf_list_clear(&words);
	free(big);
}

static void
test_text(void **state)
{
	char line[CONF_LINE_MAX + 1], err[CONF_ERR_MAX], *big;
	struct conf_text t;

	conf_text_init(&t, "one\n\nthree\r\nfour", 16);
	assert_int_equal(conf_text_next(&t, line, err, sizeof(err)), 1);
	assert_string_equal(line, "one");
	assert_int_equal(conf_text_next(&t, line, err, sizeof(err)), 1);
	assert_string_equal(line, "");
	assert_int_equal(conf_text_next(&t, line, err, sizeof(err)), 1);
	assert_string_equal(line, "three\r");
	assert_int_equal(conf_text_next(&t, line, err, sizeof(err)), 1);
	assert_string_equal(line, "four");
	assert_int_equal(t.line, 4);
	assert_int_equal(conf_text_next(&t, line, err, sizeof(err)), 0);

	conf_text_init(&t, "a\nb\0c\n", 6);
	assert_int_equal(conf_text_next(&t, line, err, sizeof(err)), 1);
	assert_int_equal(conf_text_next(&t, line, err, sizeof(err)), -1);
	assert_int_equal(t.line, 2);
	assert_string_equal(err, "NUL byte in line");

	big = malloc(CONF_LINE_MAX + 1);
	memset(big, 'x', CONF_LINE_MAX + 1);
	conf_text_init(&t, big, CONF_LINE_MAX);
	assert_int_equal(conf_text_next(&t, line, err, sizeof(err)), 1);
	assert_int_equal(strlen(line), CONF_LINE_MAX);
	conf_text_init(&t, big, CONF_LINE_MAX + 1);
	assert_int_equal(conf_text_next(&t, line, err, sizeof(err)), -1);
	free(big);
}

static void
test_keyword(void **state)
{
	char name[8];

	assert_int_equal(conf_line_keyword(" Port=2", name, 8), 1);
	assert_string_equal(name, "Port");
	assert_int_equal(conf_line_keyword("Port", name, 8), 1);
	assert_string_equal(name, "Port");
	assert_int_equal(conf_line_keyword("Portabello 2", name, 8), 1);
	assert_string_equal(name, "Portabe");
	assert_int_equal(conf_line_keyword(" # x", name, 8), 0);
	assert_int_equal(conf_line_keyword(" \r", name, 8), 0);
	assert_ptr_equal(conf_find(table, "pORT"), &table[2]);
	assert_null(conf_find(table, "Por"));
}

static void
test_values(void **state)
{
	struct sample *s = *state;

	good(s, "flag TRUE");
	good(s, "Color rouge");
	good(s, "port=65535");
	good(s, "Grace 1h2m3");
	good(s, "LogLevel debug");
	good(s, "Name \"a b\"");
	good(s, "Command = sh -c 'x' # not a comment  ");
	good(s, "Ciphers ^aes128-ctr,chacha20-poly1305@openssh.com");
	good(s, "Tunnel whatever \"it is");
	good(s, "# nothing");
	good(s, "");
	assert_int_equal(s->flag, 1);
	assert_int_equal(s->color, 0);
	assert_int_equal(s->port, 65535);
	assert_int_equal(s->grace, 3723);
	assert_int_equal(s->level, LOG_LEVEL_DEBUG);
	assert_string_equal(s->name, "a b");
	assert_string_equal(s->command, "sh -c 'x' # not a comment");
	assert_string_equal(s->ciphers,
	    "^aes128-ctr,chacha20-poly1305@openssh.com");
}

static void
test_first_wins(void **state)
{
	struct sample *s = *state;

	good(s, "Port 1");
	good(s, "Port 2");
	good(s, "File x");
	good(s, "File y");
	good(s, "File x");
	good(s, "Paths p q");
	good(s, "Paths r");
	good(s, "Methods a-c,cabba,a-c");
	good(s, "Methods b");
	good(s, "Banner yes");
	good(s, "Flag no");
	assert_int_equal(s->port, 1);
	assert_int_equal(s->files.n, 2);
	assert_string_equal(s->files.word[1], "y");
	assert_int_equal(s->paths.n, 2);
	assert_int_equal(s->methods.n, 2);
	assert_string_equal(s->methods.word[1], "cabba");
	assert_int_equal(s->flag, 1);
}

static void
test_bad_values(void **state)
{
	struct sample *s = *state;

	bad(s, "Porcelain 1", "Bad configuration option: Porcelain");
	bad(s, "Port", "no argument after keyword \"port\"");
	bad(s, "Command =", "no argument after keyword \"command\"");
	bad(s, "Port \"\"", "port: missing argument");
	bad(s, "Port 1 2", "port: garbage at end of line: \"2\"");
	bad(s, "Port x", "port: bad value \"x\": invalid");
	bad(s, "Port 0", "port: bad value \"0\": too small");
	bad(s, "Port 65536", "port: bad value \"65536\": too large");
	bad(s, "Flag maybe", "flag: bad value \"maybe\": "
	    "expected yes, no, true or false");
	bad(s, "Color blue", "color: bad value \"blue\": "
	    "expected red, green or rouge");
	bad(s, "Grace 1x", "grace: bad value \"1x\": invalid time");
	bad(s, "Grace 1h-", "grace: bad value \"1h-\": invalid time");
	bad(s, "Grace 99999999999999999999", "grace: bad value "
	    "\"99999999999999999999\": invalid time");
	bad(s, "Grace 2d", "grace: bad value \"2d\": too large");
	bad(s, "LogLevel loud", "loglevel: bad value \"loud\": "
	    "unsupported log level");
	bad(s, "Ciphers a,,b", "ciphers: bad value \"a,,b\": "
	    "not a list of names with commas");
	bad(s, "Ciphers a,", "ciphers: bad value \"a,\": "
	    "not a list of names with commas");
	bad(s, "Methods a,", "methods: bad value \"a,\": "
	    "not a list of names with commas");
	bad(s, "Methods a.b", "methods: bad value \"a.b\": "
	    "not a list of names with commas");
	bad(s, "Methods a,abcabc", "methods: bad value \"a,abcabc\": "
	    "a name has at most 5 characters");
	bad(s, "Force x", "unsupported option \"Force\"");
	bad(s, "Match all", "Match directive not supported as a command-line "
	    "option");
	bad(s, "Name 'x", "invalid quotes");
	assert_int_equal(s->port, CONF_UNSET);
	assert_null(s->ciphers);
}

static void
test_set_value(void **state)
{
	struct sample *s = *state;
	char err[CONF_ERR_MAX];

	assert_int_equal(conf_set_value(table, s, "File", "a \"b # c", err,
	    sizeof(err)), 0);
	assert_string_equal(s->files.word[0], "a \"b # c");
	assert_int_equal(conf_set_value(table, s, "File", "a\nb", err,
	    sizeof(err)), -1);
	assert_int_equal(conf_set_value(table, s, "File", "", err,
	    sizeof(err)), -1);
	assert_string_equal(err, "file: missing argument");
}

static void
test_defaults(void **state)
{
	struct sample *s = *state;

	good(s, "Port 7");
	conf_fill_defaults(table, s);
	assert_int_equal(s->flag, 0);
	assert_int_equal(s->port, 7);
	assert_int_equal(s->grace, 120);
	assert_int_equal(s->level, LOG_LEVEL_INFO);
	assert_null(s->name);
	assert_int_equal(s->files.n, 0);
	assert_int_equal(s->paths.n, 2);
}

static void
test_dump(void **state)
{
	struct sample *s = *state;
	char *text;

	good(s, "File '#a'");
	good(s, "File \"=b c\\\\d\"");
	good(s, "Command x 'y'");
	conf_fill_defaults(table, s);
	text = conf_dump(table, s);
	assert_string_equal(text,
	    "flag no\ncolor red\nport 22\ngrace 120\nloglevel INFO\n"
	    "command x 'y'\nfile \"#a\"\nfile \"=b c\\\\d\"\npaths a b\n"
	    "methods b,c\n");
	free(text);
}

/* What is written reads back as the same, whatever the words are. */
static void
test_dump_round_trip(void **state)
{
	static const char *const words[] = { "a", "a b", "\"", "'", "\\",
	    "\\\\ ", "#", "=", "=\"", "a#b", "\t", "\xc3\xa9", "\"'\\ #=" };
	struct sample *s = *state;
	struct conf_list got;
	char err[CONF_ERR_MAX], *text;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_int_equal(conf_set_value(table, s, "Name", words[i],
		    err, sizeof(err)), 0);
		text = conf_dump(table, s);
		assert_int_equal(conf_split(text, &got, err, sizeof(err)), 0);
		assert_int_equal(got.n, 2);
		assert_string_equal(got.word[1], words[i]);
		conf_list_clear(&got);
		free(text);
		conf_clear(table, s);
	}
}

static void
test_dump_too_long(void **state)
{
	struct sample *s = *state;
	char err[CONF_ERR_MAX], *big = malloc(CONF_LINE_MAX);

	memset(big, '"', CONF_LINE_MAX - 1);
	big[CONF_LINE_MAX - 1] = '\0';
	assert_int_equal(conf_set_value(table, s, "Name", big, err,
	    sizeof(err)), 0);
	assert_null(conf_dump(table, s));
	free(big);
}

static void
test_list_bounded(void **state)
{
	struct sample *s = *state;
	char err[CONF_ERR_MAX], word[16];
	int i;

	for (i = 0; i < CONF_LIST_MAX; i++) {
		snprintf(word, sizeof(word), "w%d", i);
		assert_int_equal(conf_set_value(table, s, "File", word, err,
		    sizeof(err)), 0);
	}
	bad(s, "File one-more", "file: bad value \"one-more\": "
	    "more than 4096 values");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_bad),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_keyword),
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_wins, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_bad_values, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_set_value, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_defaults, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_dump, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dump_round_trip, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_dump_too_long, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_list_bounded, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
