/* SPDX-License-Identifier: ISC */
/*
 * sockstund_config(5): keywords, normal forms, that a dump reads back as the
 * same, and that the manual page names every keyword.
 */
#include <sys/socket.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "servalgs.h"
#include "servconf.h"

static struct servconf conf;
static char err[CONF_ERR_MAX];

static int
setup(void **state)
{
	*err = '\0';
	servconf_init(&conf);
	return 0;
}

static int
teardown(void **state)
{
	servconf_clear(&conf);
	return 0;
}

static void
good(const char *text)
{
	if (servconf_read_text(&conf, text, "text", err, sizeof(err)) != 0)
		fail_msg("%s", err);
}

static void
bad(const char *text, const char *want)
{
	assert_int_equal(servconf_read_text(&conf, text, "text", err,
	    sizeof(err)), -1);
	assert_string_equal(err, want);
	servconf_clear(&conf);
}

static void
check_list(const struct conf_list *list, const char *want)
{
	char got[512] = "";
	size_t i;

	for (i = 0; i < list->n; i++) {
		strlcat(got, i > 0 ? " " : "", sizeof(got));
		strlcat(got, list->word[i], sizeof(got));
	}
	assert_string_equal(got, want);
}

static void
test_defaults(void **state)
{
	servconf_finish(&conf);
	check_list(&conf.ports, "2222");
	check_list(&conf.listen_addrs, "[::]:2222 0.0.0.0:2222");
	check_list(&conf.authorized_keys,
	    ".ssh/authorized_keys .ssh/authorized_keys2");
	assert_int_equal(conf.permit_root, PERMIT_ROOT_NO);
	assert_int_equal(conf.pubkey_auth, 1);
	assert_int_equal(conf.strict_modes, 1);
	assert_int_equal(conf.limits.startups.begin, 10);
	assert_int_equal(conf.limits.startups.rate, 30);
	assert_int_equal(conf.limits.startups.max, 100);
	assert_int_equal(conf.limits.per_source, 8);
	assert_int_equal(conf.limits.bits.ipv4, 32);
	assert_int_equal(conf.limits.bits.ipv6, 64);
	assert_int_equal(conf.max_auth_tries, 6);
	assert_int_equal(conf.login_grace, 120);
	assert_int_equal(conf.allow_forwarding, 1);
	assert_int_equal(conf.max_flows, 16384);
	assert_int_equal(conf.dial_timeout, 60);
	assert_int_equal(conf.log_level, LOG_LEVEL_INFO);
	assert_int_equal(conf.log_facility, LOG_AUTH);
	assert_int_equal(conf.permit_open.n, 0);
	assert_string_equal(conf.ciphers, SERVALGS_CIPHERS);
	assert_string_equal(conf.macs, SERVALGS_MACS);
	assert_string_equal(conf.kex, SERVALGS_KEX);
	assert_int_equal(conf.deny_open.n, 0);
	assert_int_equal(conf.permit_local, geteuid() != 0);
}

/* Every default of the table can be read by its own type. */
static void
test_defaults_parse(void **state)
{
	const struct conf_keyword *kw;

	conf_fill_defaults(servconf_keywords, &conf);
	for (kw = servconf_keywords; kw->name != NULL; kw++)
		if (kw->dflt != NULL && !kw->type->isset((char *)&conf +
		    kw->offset))
			fail_msg("default of %s", kw->name);
}

static void
test_values(void **state)
{
	good("Port 1\nport=2\nHostKey /a\nHostKey \"/b c\"\n"
	    "AllowUsers a b@10.0.0.0/8 c*\nAllowUsers d\nDenyUsers root\n"
	    "PermitRootLogin without-password\nMaxStartups 5\n"
	    "LoginGraceTime 1m\nAllowTcpForwarding remote\n"
	    "PermitOpen a:80 [2001:db8::1]:443 *:53\nPermitOpen b:1\n"
	    "SyslogFacility local3\nPidFile none\nCiphers aes128-ctr\n"
	    "LogLevel DEBUG\nClientAliveInterval 15\n");
	check_list(&conf.ports, "1 2");
	check_list(&conf.host_keys, "/a /b c");
	check_list(&conf.allow_users, "a b@10.0.0.0/8 c* d");
	assert_int_equal(conf.permit_root, PERMIT_ROOT_KEY);
	assert_int_equal(conf.limits.startups.begin, 5);
	assert_int_equal(conf.limits.startups.max, 5);
	assert_int_equal(conf.login_grace, 60);
	assert_int_equal(conf.allow_forwarding, 0);
	check_list(&conf.permit_open, "a:80 [2001:db8::1]:443 *:53");
	assert_int_equal(conf.log_facility, LOG_LOCAL3);
	assert_string_equal(conf.pid_file, "none");
	assert_int_equal(conf.alive_interval, 15);
}

static void
test_bad_values(void **state)
{
	bad("\nFrobnicate 1\n",
	    "text line 2: Bad configuration option: Frobnicate");
	bad("Port x\n",
	    "text line 1: port: bad value \"x\": expected 0 to 65535");
	bad("Port 65536\n",
	    "text line 1: port: bad value \"65536\": expected 0 to 65535");
	bad("MaxAuthTries 6 7\n",
	    "text line 1: maxauthtries: garbage at end of line: \"7\"");
	bad("StrictModes yes\nStrictModes perhaps\n",
	    "text line 2: strictmodes: bad value \"perhaps\": "
	    "expected yes, no, true or false");
	bad("MaxStartups 10:30\n", "text line 1: maxstartups: bad value "
	    "\"10:30\": expected start:rate:full");
	bad("MaxStartups 10:300:100\n", "text line 1: maxstartups: bad value "
	    "\"10:300:100\": expected start:rate:full");
	bad("MaxStartups 10:30:9\n", "text line 1: maxstartups: bad value "
	    "\"10:30:9\": expected start:rate:full");
	bad("MaxStartups 1:2:3:4\n", "text line 1: maxstartups: bad value "
	    "\"1:2:3:4\": expected start:rate:full");
	bad("PerSourceMaxStartups 0\n", "text line 1: persourcemaxstartups: "
	    "bad value \"0\": expected a number or \"none\"");
	bad("PerSourceMaxStartups 1:2\n", "text line 1: persourcemaxstartups: "
	    "bad value \"1:2\": expected a number or \"none\"");
	bad("PerSourceNetBlockSize 33\n", "text line 1: "
	    "persourcenetblocksize: bad value \"33\": "
	    "expected 0 to 32, perhaps with :0 to :128");
	bad("PerSourceNetBlockSize 24:129\n", "text line 1: "
	    "persourcenetblocksize: bad value \"24:129\": "
	    "expected 0 to 32, perhaps with :0 to :128");
	bad("PermitOpen a\n", "text line 1: permitopen: bad value \"a\": "
	    "expected host:port");
	bad("PermitOpen any a:1\n", "text line 1: permitopen: bad value "
	    "\"a:1\": \"any\" and \"none\" stand alone");
	bad("PermitOpen a:1 none\n", "text line 1: permitopen: bad value "
	    "\"none\": \"any\" and \"none\" stand alone");
	bad("AllowUsers x@10.0.0.1/33\n", "text line 1: allowusers: bad "
	    "value \"x@10.0.0.1/33\": bad list of addresses");
	bad("AuthorizedKeysFile .k/%z\n", "text line 1: authorizedkeysfile: "
	    "bad value \".k/%z\": tokens are %h, %u and %%");
	bad("AuthorizedKeysFile .k/%\n", "text line 1: authorizedkeysfile: "
	    "bad value \".k/%\": tokens are %h, %u and %%");
	bad("LoginGraceTime 2y\n", "text line 1: logingracetime: bad value "
	    "\"2y\": invalid time");
	bad("MaxFlows 0\n", "text line 1: maxflows: bad value \"0\": "
	    "too small");
}

/* What sshd knows and sockstund does not do must not pass in silence. */
static void
test_unsupported(void **state)
{
	bad("ForceCommand /bin/false\n",
	    "text line 1: unsupported option \"ForceCommand\"");
	bad("match User x\n", "text line 1: unsupported option \"Match\"");
	bad("Subsystem sftp /x/y\n",
	    "text line 1: unsupported option \"Subsystem\"");
}

static void
check_listen(const char *text, const char *want)
{
	good(text);
	servconf_finish(&conf);
	check_list(&conf.listen_addrs, want);
	servconf_clear(&conf);
}

static void
test_listen(void **state)
{
	check_listen("Port 1\nPort 2\nAddressFamily inet\n",
	    "0.0.0.0:1 0.0.0.0:2");
	check_listen("AddressFamily inet6\nPort 7\n", "[::]:7");
	check_listen("ListenAddress 10.0.0.1\nPort 1\nPort 2\n"
	    "ListenAddress [::1]:9\nListenAddress ::1\n",
	    "10.0.0.1:1 10.0.0.1:2 [::1]:9 [::1]:1 [::1]:2");
	check_listen("ListenAddress host.example:3\nListenAddress [::1]\n"
	    "ListenAddress fe80::1%lo\n",
	    "host.example:3 [::1]:2222 [fe80::1%lo]:2222");
}

static void
test_listen_bad(void **state)
{
	bad("ListenAddress 1:2:3\n", "text line 1: listenaddress: bad value "
	    "\"1:2:3\": bad address");
	bad("ListenAddress [::1\n", "text line 1: listenaddress: bad value "
	    "\"[::1\": bad address");
	bad("ListenAddress [::1]x\n", "text line 1: listenaddress: bad value "
	    "\"[::1]x\": bad address");
	bad("ListenAddress :22\n", "text line 1: listenaddress: bad value "
	    "\":22\": bad address");
	bad("ListenAddress a:65536\n", "text line 1: listenaddress: bad value "
	    "\"a:65536\": bad port number");
	bad("ListenAddress a:\n", "text line 1: listenaddress: bad value "
	    "\"a:\": bad port number");
	bad("ListenAddress a rdomain b\n", "text line 1: listenaddress: "
	    "garbage at end of line: \"rdomain\"");
}

static void
test_options(void **state)
{
	assert_int_equal(servconf_set_option(&conf, "Port=7", "command-line",
	    err, sizeof(err)), 0);
	assert_int_equal(servconf_set(&conf, "HostKey", "/my key", "-h", err,
	    sizeof(err)), 0);
	assert_int_equal(servconf_set_option(&conf, "MaxFlows=x",
	    "command-line", err, sizeof(err)), -1);
	assert_string_equal(err, "command-line: maxflows: bad value \"x\": "
	    "invalid");
	good("Port 8\nHostKey /b\n");
	check_list(&conf.ports, "7");
	check_list(&conf.host_keys, "/my key /b");
	bad("Port 8 9\n", "text line 1: port: garbage at end of line: \"9\"");
}

static void
test_permit_any(void **state)
{
	good("PermitOpen any\n");
	servconf_finish(&conf);
	assert_int_equal(conf.permit_open.n, 0);
	servconf_clear(&conf);
	good("PermitOpen none\n");
	servconf_finish(&conf);
	check_list(&conf.permit_open, "none");
}

static void
test_deny(void **state)
{
	good("DenyOpen none\n");
	servconf_finish(&conf);
	assert_int_equal(conf.deny_open.n, 0);
	servconf_clear(&conf);
	good("DenyOpen any\n");
	servconf_finish(&conf);
	check_list(&conf.deny_open, "any");
	servconf_clear(&conf);
	good("DenyOpen *:25 10.0.0.0/8:*\nDenyOpen *:26\nPermitLocal yes\n");
	servconf_finish(&conf);
	check_list(&conf.deny_open, "*:25 10.0.0.0/8:*");
	assert_int_equal(conf.permit_local, 1);
	bad("DenyOpen a\n", "text line 1: denyopen: bad value \"a\": "
	    "expected host:port");
	bad("DenyOpen a:1 any\n", "text line 1: denyopen: bad value "
	    "\"any\": \"any\" and \"none\" stand alone");
}

/* Dump, read, finish and dump again: nothing changes. */
static void
check_round_trip(const char *text)
{
	struct servconf other;
	char *one, *two, *three;

	good(text);
	servconf_finish(&conf);
	assert_non_null(one = servconf_dump(&conf));
	servconf_init(&other);
	if (servconf_read_text(&other, one, "dump", err, sizeof(err)) != 0)
		fail_msg("%s", err);
	assert_non_null(two = servconf_dump(&other));
	assert_string_equal(two, one);
	servconf_finish(&other);
	assert_non_null(three = servconf_dump(&other));
	assert_string_equal(three, one);
	assert_int_equal(other.limits.startups.rate, conf.limits.startups.rate);
	assert_int_equal(other.log_facility, conf.log_facility);
	free(one);
	free(two);
	free(three);
	servconf_clear(&other);
	servconf_clear(&conf);
}

static void
test_round_trip(void **state)
{
	check_round_trip("");
	check_round_trip("Port 1\nListenAddress a\nListenAddress ::1\n"
	    "HostKey '/a b'\nHostKey \"#\\\"\\\\\"\nAllowUsers a*@!10.0.0.1,*\n"
	    "AllowUsers \"b c\"\nPermitOpen none\nLogLevel DEBUG\n"
	    "MaxStartups 3\nPidFile none\nCiphers +*-cbc\nMACs hmac-sha1\n"
	    "SyslogFacility LOCAL7\nClientAliveInterval 1h\n"
	    "PermitRootLogin without-password\nTCPKeepAlive no\n");
	check_round_trip("PermitOpen *:80 [::1]:* h:1-2\n");
	check_round_trip("DenyOpen any\nPermitLocal yes\n");
	check_round_trip("DenyOpen *:25 [fc00::/7]:*\nPermitLocal no\n");
}

static void
test_files(void **state)
{
	char path[] = "/tmp/servconf_test.XXXXXX", want[128];
	int fd;

	assert_int_equal(servconf_read_file(&conf, "/nonexistent/x", err,
	    sizeof(err)), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(err, "/nonexistent/x: No such file or directory");
	assert_int_equal(servconf_read_file(&conf, "/", err, sizeof(err)),
	    -1);
	assert_string_equal(err, "/: Is a directory");
	assert_int_equal(servconf_read_file(&conf, "/dev/zero", err,
	    sizeof(err)), -1);
	assert_string_equal(err, "/dev/zero: File too large");

	assert_int_not_equal(fd = mkstemp(path), -1);
	assert_int_equal(write(fd, "Port 1\n\0Port 2", 14), 14);
	close(fd);
	assert_int_equal(servconf_read_file(&conf, path, err, sizeof(err)),
	    -1);
	unlink(path);
	snprintf(want, sizeof(want), "%s line 2: NUL byte in line", path);
	assert_string_equal(err, want);
}

/* The manual page names every keyword of the table, and no other. */
static void
test_manual(void **state)
{
	static const int hidden = CONF_UNSUPPORTED | CONF_ALIAS;
	const struct conf_keyword *kw;
	char line[512], name[64], *page = NULL;
	size_t len;
	FILE *f, *names;

	assert_non_null(f = fopen("man/sockstund_config.5", "r"));
	assert_non_null(names = open_memstream(&page, &len));
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, ".It Cm %63s", name) != 1)
			continue;
		fprintf(names, " %s ", name);
		if ((kw = conf_find(servconf_keywords, name)) == NULL ||
		    (kw->flags & hidden))
			fail_msg("%s is in the page only", name);
	}
	fclose(f);
	fclose(names);
	for (kw = servconf_keywords; kw->name != NULL; kw++) {
		/* These end the table. */
		assert_true((kw->flags & CONF_NO_FIELD) == 0 ||
		    kw[1].name == NULL || (kw[1].flags & CONF_NO_FIELD));
		snprintf(name, sizeof(name), " %s ", kw->name);
		if ((kw->flags & hidden) == 0 && strstr(page, name) == NULL)
			fail_msg("%s is not in the page", kw->name);
	}
	free(page);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_defaults), TEST(test_defaults_parse),
		TEST(test_values), TEST(test_bad_values),
		TEST(test_unsupported), TEST(test_listen),
		TEST(test_listen_bad), TEST(test_options),
		TEST(test_permit_any), TEST(test_deny),
		TEST(test_round_trip), TEST(test_files), TEST(test_manual),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
