/* SPDX-License-Identifier: ISC */
/*
 * sockstun_config(5): keywords, which lines of a file hold for a host, what
 * is expanded, and that the manual page names every keyword.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <setjmp.h>
#include <sha1.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cliconf.h"
#include "log.h"

static char dir[] = "/tmp/cliconf_test.XXXXXX";
static struct cliconf conf;
static char err[CONF_ERR_MAX];

static int
setup(void **state)
{
	*err = '\0';
	cliconf_init(&conf);
	return 0;
}

static int
teardown(void **state)
{
	cliconf_clear(&conf);
	return 0;
}

/* Writes a file of the test's folder and returns its path. */
static const char *
write_file(const char *name, const char *text)
{
	static char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "w"));
	fputs(text, f);
	fclose(f);
	return path;
}

static void
read_text(const char *host, const char *text)
{
	if (cliconf_read_files(&conf, host, write_file("config", text), err,
	    sizeof(err)) != 0)
		fail_msg("%s", err);
}

/* A file that must be refused, with an error that begins with its place. */
static void
bad_text(const char *text, const char *want)
{
	char full[512];

	assert_int_equal(cliconf_read_files(&conf, "host",
	    write_file("config", text), err, sizeof(err)), -1);
	snprintf(full, sizeof(full), "%s/config line %s", dir, want);
	assert_string_equal(err, full);
	cliconf_clear(&conf);
}

static void
finish(const char *host)
{
	if (cliconf_finish(&conf, host, err, sizeof(err)) != 0)
		fail_msg("%s", err);
}

static void
bad_option(const char *option, const char *want)
{
	assert_int_equal(cliconf_set_option(&conf, option, err, sizeof(err)),
	    -1);
	assert_string_equal(err, want);
}

static void
good_option(const char *option)
{
	if (cliconf_set_option(&conf, option, err, sizeof(err)) != 0)
		fail_msg("%s", err);
}

static void
test_defaults(void **state)
{
	const struct passwd *pw = getpwuid(getuid());
	char path[512];

	finish("example.org");
	assert_string_equal(conf.hostname, "example.org");
	assert_string_equal(conf.user, pw->pw_name);
	assert_int_equal(conf.port, 22);
	assert_int_equal(conf.address_family, AF_UNSPEC);
	assert_int_equal(conf.connect_timeout, 0);
	assert_int_equal(conf.identity_files.n, 5);
	snprintf(path, sizeof(path), "%s/.ssh/id_rsa", pw->pw_dir);
	assert_string_equal(conf.identity_files.word[0], path);
	assert_int_equal(conf.user_known_hosts.n, 2);
	assert_string_equal(conf.global_known_hosts.word[0],
	    "/etc/ssh/ssh_known_hosts");
	assert_int_equal(conf.strict_hostkey, STRICT_ASK);
	assert_int_equal(conf.bind_mask, 0177);
	assert_int_equal(conf.preferred_auth.n, 3);
	assert_string_equal(conf.preferred_auth.word[0], "publickey");
	assert_int_equal(conf.log_level, LOG_LEVEL_INFO);
	assert_null(conf.ciphers);
	assert_null(conf.proxy_command);
	assert_int_equal(conf.dynamic_forwards.n, 0);
}

/* Every default of the table can be read by its own type. */
static void
test_defaults_parse(void **state)
{
	const struct conf_keyword *kw;

	conf_fill_defaults(cliconf_keywords, &conf);
	for (kw = cliconf_keywords; kw->name != NULL; kw++)
		if (kw->dflt != NULL && !kw->type->isset((char *)&conf +
		    kw->offset))
			fail_msg("default of %s", kw->name);
}

static void
test_options_win(void **state)
{
	good_option("Port=2200");
	good_option("StrictHostKeyChecking off");
	good_option("DynamicForward=0");
	good_option("DynamicForward 0");
	good_option("DynamicForward [::1]:1080");
	read_text("host", "Port 22\nStrictHostKeyChecking yes\n"
	    "DynamicForward [::1]:1080\nDynamicForward /run/s\nUser u\n"
	    "User v\n");
	assert_int_equal(conf.port, 2200);
	assert_int_equal(conf.strict_hostkey, STRICT_NO);
	assert_int_equal(conf.dynamic_forwards.n, 4);
	assert_string_equal(conf.dynamic_forwards.word[3], "/run/s");
	assert_string_equal(conf.user, "u");
}

static void
test_bad_options(void **state)
{
	bad_option("Frobnicate=1",
	    "command-line: Bad configuration option: Frobnicate");
	bad_option("Port=0",
	    "command-line: port: bad value \"0\": too small");
	bad_option("DynamicForward=a:b",
	    "command-line: dynamicforward: bad value \"a:b\": "
	    "bad port number");
	bad_option("DynamicForward=::1:80",
	    "command-line: dynamicforward: bad value \"::1:80\": "
	    "an IPv6 address needs brackets");
	bad_option("StreamLocalBindMask=0888",
	    "command-line: streamlocalbindmask: bad value \"0888\": "
	    "expected an octal number up to 0777");
	bad_option("PreferredAuthentications=a,,b",
	    "command-line: preferredauthentications: bad value \"a,,b\": "
	    "not a list of names with commas");
	bad_option("RekeyLimit=1T", "command-line: rekeylimit: bad value "
	    "\"1T\": invalid");
	bad_option("RekeyLimit=8", "command-line: rekeylimit: bad value "
	    "\"8\": too small");
	bad_option("RekeyLimit=1G x", "command-line: rekeylimit: bad value "
	    "\"x\": invalid time");
	bad_option("Host=x", "command-line: Host directive not supported as "
	    "a command-line option");
	bad_option("Port", "command-line: no argument after keyword \"port\"");
}

static void
test_rekey_limit(void **state)
{
	good_option("RekeyLimit 512k 1h");
	assert_true(conf.rekey_limit.bytes == 512 << 10);
	assert_int_equal(conf.rekey_limit.seconds, 3600);
	cliconf_clear(&conf);
	good_option("RekeyLimit default 90");
	assert_true(conf.rekey_limit.bytes == 0);
	assert_int_equal(conf.rekey_limit.seconds, 90);
	cliconf_clear(&conf);
	good_option("RekeyLimit 16G");
	finish("host");
	assert_true(conf.rekey_limit.bytes == 16LL << 30);
}

static void
test_set_is_literal(void **state)
{
	assert_int_equal(cliconf_set(&conf, "IdentityFile", "/a b/#k", err,
	    sizeof(err)), 0);
	assert_string_equal(conf.identity_files.word[0], "/a b/#k");
}

static void
test_host(void **state)
{
	static const char text[] = "Host a.example !b.example *.example\n"
	    "Port 1\nHost *.example !b.*\nUser one\nHost b.example\nUser two\n"
	    "Host c\nPort 3\nHost *\nPort 4\nUser=three\n";

	read_text("a.example", text);
	assert_int_equal(conf.port, 1);
	assert_string_equal(conf.user, "one");
	cliconf_clear(&conf);
	read_text("b.example", text);
	assert_int_equal(conf.port, 4);
	assert_string_equal(conf.user, "two");
	cliconf_clear(&conf);
	read_text("c", text);
	assert_int_equal(conf.port, 3);
	assert_string_equal(conf.user, "three");
}

/* Does "Match criteria" hold for the host? */
static int
matches(const char *host, const char *before, const char *criteria)
{
	char text[1024];
	int port;

	snprintf(text, sizeof(text), "%s\nMatch %s\nPort 1\nMatch all\n"
	    "Port 2\n", before, criteria);
	read_text(host, text);
	port = conf.port;
	cliconf_clear(&conf);
	return port == 1;
}

static void
test_match(void **state)
{
	char text[256];

	assert_true(matches("h", "", "all"));
	assert_false(matches("h", "", "!all"));
	assert_true(matches("h", "", "host h"));
	assert_true(matches("h", "", "host=x,h"));
	assert_false(matches("h", "", "!host h"));
	assert_true(matches("h", "HostName %h.net", "host h.net"));
	assert_true(matches("h", "HostName h.net",
	    "originalhost h host h.net"));
	assert_false(matches("h", "HostName h.net", "originalhost h.net"));
	assert_true(matches("h", "User u", "user u"));
	assert_true(matches("h", "User u", "host h !user v,w"));
	assert_false(matches("h", "User u", "host h user v"));
	snprintf(text, sizeof(text), "localuser %s",
	    getpwuid(getuid())->pw_name);
	assert_true(matches("h", "", text));
	assert_true(matches("h", "", "tagged \"\""));
	assert_false(matches("h", "", "tagged x"));
	assert_true(matches("h", "Tag xy\n", "tagged x*"));
	assert_false(matches("h", "Tag xy\n", "tagged \"\""));
}

static void
test_match_exec(void **state)
{
	char path[256], text[512];
	struct stat sb;

	assert_true(matches("h", "", "exec true"));
	assert_false(matches("h", "", "exec false"));
	assert_true(matches("h", "", "!exec false"));
	assert_true(matches("h", "HostName x.net",
	    "exec \"test %h:%n:%p%% = x.net:h:22%%\""));
	/* Not run once the line cannot hold any more. */
	snprintf(path, sizeof(path), "%s/ran", dir);
	snprintf(text, sizeof(text), "host no exec \"touch %s\"", path);
	assert_false(matches("h", "", text));
	assert_int_equal(stat(path, &sb), -1);
}

static void
test_match_final(void **state)
{
	read_text("h", "Match final host x.net\nPort 7\nDynamicForward 99\n"
	    "Match all\nHostName x.net\nIdentityFile k\n");
	assert_int_equal(conf.port, 7);
	assert_int_equal(conf.identity_files.n, 1);
	cliconf_clear(&conf);
	read_text("h", "Match !final\nPort 7\nMatch final all\nPort 8\n"
	    "User late\n");
	assert_int_equal(conf.port, 7);
	assert_string_equal(conf.user, "late");
}

static void
test_include(void **state)
{
	char text[512];

	write_file("one.inc", "Host h\nPort 5\nHost other\n");
	write_file("two.inc", "User two\n");
	snprintf(text, sizeof(text), "Include %s/*.inc %s/absent\n"
	    "HostName after\nHost x\nInclude %s/absent\n", dir, dir, dir);
	read_text("h", text);
	assert_int_equal(conf.port, 5);
	assert_string_equal(conf.user, "two");
	assert_string_equal(conf.hostname, "after");
}

static void
test_include_bad(void **state)
{
	char path[256], text[512], want[512];

	snprintf(text, sizeof(text), "Include %s/config\n", dir);
	assert_int_equal(cliconf_read_files(&conf, "h",
	    write_file("config", text), err, sizeof(err)), -1);
	snprintf(want, sizeof(want), "%s/config: Too many recursive "
	    "configuration includes", dir);
	assert_string_equal(err, want);

	strlcpy(path, write_file("open.bad", "Port 1\n"), sizeof(path));
	chmod(path, 0666);
	snprintf(text, sizeof(text), "Include %s\n", path);
	assert_int_equal(cliconf_read_files(&conf, "h",
	    write_file("config", text), err, sizeof(err)), -1);
	snprintf(want, sizeof(want), "Bad owner or permissions on %s", path);
	assert_string_equal(err, want);

	chmod(path, 0644);
	write_file("open.bad", "\nPort x\n");
	assert_int_equal(cliconf_read_files(&conf, "h",
	    write_file("config", text), err, sizeof(err)), -1);
	snprintf(want, sizeof(want), "%s line 2: port: bad value \"x\": "
	    "invalid", path);
	assert_string_equal(err, want);

	/* Where nothing holds it is read for its errors, and for no more. */
	snprintf(text, sizeof(text), "Host none\nInclude %s\n", path);
	*err = '\0';
	assert_int_equal(cliconf_read_files(&conf, "h",
	    write_file("config", text), err, sizeof(err)), -1);
	assert_string_equal(err, want);
	write_file("open.bad", "Port 7\nHost *\nUser x\nMatch all\nUser y\n"
	    "Match exec \"touch never\"\nUser z\n");
	cliconf_clear(&conf);
	read_text("h", text);
	assert_int_equal(conf.port, CONF_UNSET);
	assert_null(conf.user);
	assert_int_equal(access("never", F_OK), -1);
	unlink(path);
}

static void
test_bad_files(void **state)
{
	char want[256];

	bad_text("Port 1\nfoo bar\n", "2: Bad configuration option: foo");
	bad_text("\n\nPort x\n", "3: port: bad value \"x\": invalid");
	bad_text("Host none\nPort x\n", "2: port: bad value \"x\": invalid");
	bad_text("Port 1\nPort x\n", "2: port: bad value \"x\": invalid");
	bad_text("Port 1 2\n", "1: port: garbage at end of line: \"2\"");
	bad_text("User \"x\n", "1: invalid quotes");
	bad_text("Host\n", "1: no argument after keyword \"Host\"");
	bad_text("Match planet mars\n",
	    "1: Unsupported Match attribute planet");
	bad_text("Match host\n", "1: missing argument for Match 'host'");
	bad_text("Match all host x\n",
	    "1: 'all' cannot be combined with other Match attributes");
	bad_text("Match exec %Z\n", "1: unknown token %Z");
	bad_text("Include ${CLICONF_TEST_UNSET}\n",
	    "1: environment variable CLICONF_TEST_UNSET not set");
	snprintf(want, sizeof(want), "Can't open user config file %s/absent: "
	    "No such file or directory", dir);
	unlink(write_file("absent", ""));
	assert_int_equal(cliconf_read_files(&conf, "h", want + 28, err,
	    sizeof(err)), -1);
	assert_int_equal(cliconf_read_files(&conf, "h", dir, err,
	    sizeof(err)), -1);
	assert_int_equal(cliconf_read_files(&conf, "h", "/dev/zero", err,
	    sizeof(err)), -1);
	assert_string_equal(err, "/dev/zero: File too large");
	assert_int_equal(cliconf_read_files(&conf, "h", "none", err,
	    sizeof(err)), 0);
}

static void
test_ignored(void **state)
{
	read_text("h", "ForwardX11 yes\nControlPersist \"~/odd\nSendEnv A B\n"
	    "IgnoreUnknown UseKeychain,Add*\nUseKeychain yes\n"
	    "addsomething x\nPort 9\n");
	assert_int_equal(conf.port, 9);
}

static void
test_proxy_first_wins(void **state)
{
	read_text("h", "ProxyJump j\nProxyCommand nc %h %p\n");
	assert_string_equal(conf.proxy_jump, "j");
	assert_null(conf.proxy_command);
	cliconf_clear(&conf);
	read_text("h", "ProxyCommand nc %h %p # x\nProxyJump j\n");
	finish("h");
	assert_null(conf.proxy_jump);
	assert_string_equal(conf.proxy_command, "nc h 22 # x");
	cliconf_clear(&conf);
	read_text("h", "ProxyJump none\nProxyCommand nc\n");
	assert_string_equal(conf.proxy_jump, "none");
	assert_null(conf.proxy_command);
}

static void
test_expand(void **state)
{
	const struct passwd *pw = getpwuid(getuid());
	char want[512];

	setenv("CLICONF_TEST", "val", 1);
	read_text("h", "HostName fe80::1%%lo\nUser u\nPort 8\n"
	    "IdentityFile ~/k_%n_%r_%p_${CLICONF_TEST}_%%\n"
	    "IdentityFile none\nIdentityFile %d/%i/%u/%k\n"
	    "UserKnownHostsFile none\nIdentityAgent $SOCK\n"
	    "ProxyCommand nc %h %p ${CLICONF_TEST}\n");
	finish("h");
	assert_string_equal(conf.hostname, "fe80::1%lo");
	assert_int_equal(conf.identity_files.n, 2);
	snprintf(want, sizeof(want), "%s/k_h_u_8_val_%%", pw->pw_dir);
	assert_string_equal(conf.identity_files.word[0], want);
	snprintf(want, sizeof(want), "%s/%u/%s/h", pw->pw_dir,
	    (unsigned int)pw->pw_uid, pw->pw_name);
	assert_string_equal(conf.identity_files.word[1], want);
	assert_int_equal(conf.user_known_hosts.n, 0);
	assert_string_equal(conf.identity_agent, "$SOCK");
	assert_string_equal(conf.proxy_command,
	    "nc fe80::1%lo 8 ${CLICONF_TEST}");
}

/* The hash is that of the other tokens' values, as ssh(1) makes it. */
static void
test_hash(void **state)
{
	char text[1024], host[256], hash[SHA1_DIGEST_STRING_LENGTH];
	SHA1_CTX ctx;

	assert_int_equal(gethostname(host, sizeof(host)), 0);
	snprintf(text, sizeof(text), "%shost.net8uj", host);
	SHA1Init(&ctx);
	SHA1Update(&ctx, (const uint8_t *)text, strlen(text));
	SHA1End(&ctx, hash);
	read_text("h", "HostName host.net\nUser u\nPort 8\nProxyJump j\n"
	    "ControlPath /x/%C\n");
	finish("h");
	snprintf(text, sizeof(text), "/x/%s", hash);
	assert_string_equal(conf.control_path, text);
}

/* An option that cliconf_finish refuses. */
static void
bad_finish(const char *host, const char *option, const char *want)
{
	if (option != NULL)
		good_option(option);
	assert_int_equal(cliconf_finish(&conf, host, err, sizeof(err)), -1);
	assert_string_equal(err, want);
	cliconf_clear(&conf);
}

static void
test_bad_finish(void **state)
{
	static const char host[] = "hostname contains invalid characters";
	static const char user[] =
	    "remote username contains invalid characters";

	bad_finish("-oProxyCommand=x", NULL, host);
	bad_finish("", NULL, host);
	bad_finish("a;b", NULL, host);
	bad_finish("a$(b)", NULL, host);
	bad_finish("h", "HostName=x|y", host);
	bad_finish("h", "User=-x", user);
	bad_finish("h", "User=x`y`", user);
	bad_finish("h", "User='x -y'", user);
	bad_finish("h", "User=x\\", user);
	bad_finish("h", "HostName=%Z",
	    "hostname: cannot expand \"%Z\": unknown token %Z");
	bad_finish("h", "IdentityFile=%T",
	    "identityfile: cannot expand \"%T\": unknown token %T");
	bad_finish("h", "IdentityFile=a%",
	    "identityfile: cannot expand \"a%\": \"%\" at the end");
	bad_finish("h", "IdentityFile=${X",
	    "identityfile: cannot expand \"${X\": \"${\" without \"}\"");
	bad_finish("h", "IdentityFile=~no.such.user/x",
	    "identityfile: cannot expand \"~no.such.user/x\": "
	    "no such user no.such.user");
}

static void
test_dump(void **state)
{
	char *text;

	read_text("h", "User u\nDynamicForward 1\nDynamicForward 2\n"
	    "UserKnownHostsFile /a \"/b c\"\nStrictHostKeyChecking off\n");
	finish("h");
	text = cliconf_dump(&conf);
	assert_non_null(strstr(text, "user u\nhostname h\nport 22\n"));
	assert_non_null(strstr(text,
	    "dynamicforward 1\ndynamicforward 2\n"));
	assert_non_null(strstr(text, "userknownhostsfile /a \"/b c\"\n"));
	assert_non_null(strstr(text, "stricthostkeychecking no\n"));
	assert_non_null(strstr(text, "streamlocalbindmask 0177\n"));
	assert_null(strstr(text, "forwardx11"));
	assert_null(strstr(text, "keepalive yes\nkeepalive"));
	free(text);
}

/* The manual page names every keyword of the table, and no other. */
static void
test_manual(void **state)
{
	const struct conf_keyword *kw;
	char line[512], name[64], *page = NULL;
	size_t len;
	FILE *f, *names;

	assert_non_null(f = fopen("man/sockstun_config.5", "r"));
	assert_non_null(names = open_memstream(&page, &len));
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, ".It Cm %63s", name) != 1)
			continue;
		fprintf(names, " %s ", name);
		if ((kw = conf_find(cliconf_keywords, name)) == NULL ||
		    (kw->flags & (CONF_IGNORED | CONF_ALIAS)))
			fail_msg("%s is in the page only", name);
	}
	fclose(f);
	fclose(names);
	for (kw = cliconf_keywords; kw->name != NULL; kw++) {
		/* These end the table. */
		assert_true((kw->flags & CONF_NO_FIELD) == 0 ||
		    kw[1].name == NULL || (kw[1].flags & CONF_NO_FIELD));
		snprintf(name, sizeof(name), " %s ", kw->name);
		if ((kw->flags & (CONF_IGNORED | CONF_ALIAS)) == 0 &&
		    kw->offset < offsetof(struct cliconf, told) &&
		    strstr(page, name) == NULL)
			fail_msg("%s is not in the page", kw->name);
	}
	free(page);
}

static int
setup_group(void **state)
{
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown_group(void **state)
{
	static const char *const names[] = { "config", "one.inc", "two.inc",
	    "open.bad", "ran" };
	char path[256];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults), TEST(test_defaults_parse),
		TEST(test_options_win), TEST(test_bad_options),
		TEST(test_rekey_limit), TEST(test_set_is_literal),
		TEST(test_host), TEST(test_match),
		TEST(test_match_exec), TEST(test_match_final),
		TEST(test_include), TEST(test_include_bad),
		TEST(test_bad_files), TEST(test_ignored),
		TEST(test_proxy_first_wins), TEST(test_expand),
		TEST(test_hash),
		TEST(test_bad_finish), TEST(test_dump), TEST(test_manual),
	};

	return cmocka_run_group_tests(tests, setup_group, teardown_group);
}
