/* SPDX-License-Identifier: ISC */
/*
 * The payloads of the messages between sockstund's processes: what is written
 * is read, to the last byte, and what is malformed is not.
 */
#include <sys/types.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "addr.h"
#include "log.h"
#include "msg.h"
#include "privsep.h"
#include "socks.h"

/* Reads a payload, into nothing; 0, or -1. */
typedef int get_fn(struct msg *);

static int
get_setup(struct msg *m)
{
	struct privsep_setup s;
	int ret = privsep_get_setup(m, &s);

	if (ret == 0)
		privsep_clear_setup(&s);
	return ret;
}

static int
get_key(struct msg *m)
{
	struct privsep_key key;

	return privsep_get_key(m, &key);
}

static int
get_proof(struct msg *m)
{
	struct privsep_key key;
	struct privsep_proof proof;

	return privsep_get_proof(m, &key, &proof);
}

static int
get_request(struct msg *m)
{
	struct privsep_request req;

	return privsep_get_request(m, &req);
}

static int
get_bound(struct msg *m)
{
	struct addr a;

	privsep_get_addr(m, &a);
	return msg_end(m);
}

static int
get_reply(struct msg *m)
{
	struct privsep_reply reply;

	/* One without a payload is another matter. */
	return m->len == 0 ? -1 : privsep_get_reply(m, &reply);
}

static enum log_level logged;
static char line[PRIVSEP_LOG_MAX + 9];

static void
log_cb(enum log_level level, const char *text, void *arg)
{
	logged = level;
	strlcpy(line, text, sizeof(line));
}

static int
get_log(struct msg *m)
{
	return privsep_log(m, LOG_LEVEL_ERROR);
}

/* Every payload that is shorter than a good one, or one byte longer, fails. */
static void
check_bounds(struct msg *m, get_fn *get)
{
	size_t len = m->len;

	assert_false(m->bad);
	for (m->len = 0; m->len < len; m->len++) {
		m->off = 0;
		m->bad = 0;
		assert_int_equal(get(m), -1);
	}
	m->off = 0;
	m->bad = 0;
	assert_int_equal(get(m), 0);
	msg_put_blob(m, "", 0);
	m->len = len + 1;
	m->off = 0;
	assert_int_equal(get(m), -1);
	msg_clear(m);
}

static void
test_setup(void **state)
{
	struct privsep_setup in = {
		.test = 1, .log_level = LOG_LEVEL_DEBUG2, .max_auth_tries = 6,
		.max_flows = 1000, .window_budget = 64, .alive_interval = 15,
		.alive_count = 3, .queue_delay = 10, .dial_timeout = 60, .pubkey_auth = 1,
		.peer = "::1 port 5",
		.ciphers = "a,b", .kex = "c", .nkeys = 2,
		.key = { { (const u_char *)"one", 3 },
		    { (const u_char *)"\0two", 4 } }
	}, out;
	struct msg m;

	msg_init(&m, PS_SETUP, 0);
	privsep_put_setup(&m, &in);
	assert_int_equal(privsep_get_setup(&m, &out), 0);
	assert_memory_equal(&out, &in, offsetof(struct privsep_setup,
	    pubkey_auth) + sizeof(out.pubkey_auth));
	assert_string_equal(out.peer, in.peer);
	assert_string_equal(out.ciphers, in.ciphers);
	assert_string_equal(out.macs, "");
	assert_string_equal(out.kex, in.kex);
	assert_int_equal(out.nkeys, 2);
	assert_int_equal(out.key[1].len, 4);
	assert_memory_equal(out.key[1].data, "\0two", 4);
	privsep_clear_setup(&out);
	check_bounds(&m, get_setup);

	in.nkeys = PRIVSEP_HOSTKEYS_MAX;
	msg_init(&m, PS_SETUP, 0);
	privsep_put_setup(&m, &in);
	assert_int_equal(get_setup(&m), 0);
	msg_clear(&m);
	in.test = 2;
	msg_init(&m, PS_SETUP, 0);
	privsep_put_setup(&m, &in);
	assert_int_equal(get_setup(&m), -1);
	msg_clear(&m);
}

static void
test_key(void **state)
{
	static char base64[PRIVSEP_KEY_MAX + 2];
	struct privsep_key out;
	struct msg m;

	memset(base64, 'A', sizeof(base64) - 1);
	msg_init(&m, PS_KEY_QUERY, 0);
	privsep_put_key(&m, "alice", "ssh-ed25519", base64);
	assert_int_equal(get_key(&m), -1);
	msg_clear(&m);
	base64[PRIVSEP_KEY_MAX] = '\0';
	msg_init(&m, PS_KEY_QUERY, 0);
	privsep_put_key(&m, "alice", "ssh-ed25519", base64);
	assert_int_equal(privsep_get_key(&m, &out), 0);
	assert_string_equal(out.user, "alice");
	assert_string_equal(out.type, "ssh-ed25519");
	assert_string_equal(out.base64, base64);
	msg_clear(&m);
	msg_init(&m, PS_KEY_QUERY, 0);
	privsep_put_key(&m, "alice", "ssh-rsa", "AAAA");
	check_bounds(&m, get_key);
}

static void
test_proof(void **state)
{
	static u_char big[PRIVSEP_SIGNATURE_MAX + 1];
	struct privsep_proof in = {
		.algorithm = "rsa-sha2-256", .len = PRIVSEP_SIGNATURE_MAX,
		.flags = 5, .counter = 0x01020304
	}, out;
	struct privsep_key key;
	struct msg m;

	memset(in.signature, 0xaa, sizeof(in.signature));
	msg_init(&m, PS_KEY_PROVED, 0);
	privsep_put_proof(&m, "alice", "ssh-rsa", "AAAA", &in);
	assert_int_equal(privsep_get_proof(&m, &key, &out), 0);
	assert_string_equal(key.user, "alice");
	assert_string_equal(out.algorithm, in.algorithm);
	assert_int_equal(out.len, in.len);
	assert_memory_equal(out.signature, in.signature, in.len);
	assert_int_equal(out.flags, in.flags);
	assert_int_equal(out.counter, in.counter);
	check_bounds(&m, get_proof);
	in.flags = 256;
	msg_init(&m, PS_KEY_PROVED, 0);
	privsep_put_proof(&m, "alice", "ssh-rsa", "AAAA", &in);
	assert_int_equal(get_proof(&m), -1);
	msg_clear(&m);
	msg_init(&m, PS_KEY_PROVED, 0);
	privsep_put_key(&m, "alice", "ssh-rsa", "AAAA");
	msg_put_string(&m, "rsa-sha2-256");
	msg_put_blob(&m, big, sizeof(big));
	msg_put_u32(&m, 0);
	msg_put_u32(&m, 0);
	assert_int_equal(get_proof(&m), -1);
	msg_clear(&m);
}

static void
test_request(void **state)
{
	static const uint32_t bad[] = { 0, 4, 0xf2, 0x101 };
	struct privsep_request in = {
		.cmd = SOCKS_CMD_BIND, .host = "name.example", .port = 65535,
		.origin = "192.0.2.1", .origin_port = 1
	}, out;
	struct msg m;
	size_t i;

	msg_init(&m, PS_REQUEST, 7);
	privsep_put_request(&m, &in);
	assert_int_equal(privsep_get_request(&m, &out), 0);
	assert_int_equal(out.cmd, in.cmd);
	assert_string_equal(out.host, in.host);
	assert_int_equal(out.port, in.port);
	assert_string_equal(out.origin, in.origin);
	assert_int_equal(out.origin_port, in.origin_port);
	check_bounds(&m, get_request);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		in.cmd = bad[i];
		msg_init(&m, PS_REQUEST, 7);
		privsep_put_request(&m, &in);
		assert_int_equal(get_request(&m), -1);
		msg_clear(&m);
	}
}

/* As a text, an ATYP and a port that need not belong together. */
static int
get_address(uint32_t type, const char *host, uint32_t port)
{
	struct msg m;
	int ret;

	msg_init(&m, PS_BOUND, 1);
	msg_put_u32(&m, type);
	msg_put_string(&m, host);
	msg_put_u32(&m, port);
	ret = get_bound(&m);
	msg_clear(&m);
	return ret;
}

static void
test_addresses(void **state)
{
	static const char *const hosts[] = {
		"192.0.2.1", "2001:db8::1", "name.example"
	};
	struct addr in, out;
	struct msg m;
	size_t i;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		assert_int_equal(addr_parse_host(&in, hosts[i], 9), 0);
		msg_init(&m, PS_BOUND, 1);
		privsep_put_addr(&m, &in);
		privsep_get_addr(&m, &out);
		assert_int_equal(msg_end(&m), 0);
		assert_true(addr_equal(&in, &out));
		check_bounds(&m, get_bound);
	}
	assert_int_equal(get_address(ADDR_IPV4, "192.0.2.1", 65535), 0);
	assert_int_equal(get_address(ADDR_IPV4, "192.0.2.1", 65536), -1);
	assert_int_equal(get_address(ADDR_IPV6, "192.0.2.1", 1), -1);
	assert_int_equal(get_address(ADDR_NAME, "192.0.2.1", 1), -1);
	assert_int_equal(get_address(ADDR_NAME, "a b", 1), -1);
	assert_int_equal(get_address(2, "name", 1), -1);
	assert_int_equal(get_address(ADDR_NONE, "", 0), 0);
	assert_int_equal(get_address(ADDR_NONE, "", 1), -1);
	assert_int_equal(get_address(ADDR_NONE, "name", 0), -1);
}

static void
test_reply(void **state)
{
	struct privsep_reply in = { .rep = SOCKS_REP_REFUSED }, out;
	struct msg m;

	msg_init(&m, PS_REPLY, 1);
	privsep_put_reply(&m, &in);
	assert_int_equal(privsep_get_reply(&m, &out), 0);
	assert_int_equal(out.rep, SOCKS_REP_REFUSED);
	assert_int_equal(out.bnd.type, ADDR_NONE);
	check_bounds(&m, get_reply);
	in.rep = 256;
	msg_init(&m, PS_REPLY, 1);
	privsep_put_reply(&m, &in);
	assert_int_equal(get_reply(&m), -1);
	msg_clear(&m);
	/* Sent so for want of memory, or received so. */
	assert_int_equal(privsep_get_reply(&m, &out), 0);
	assert_int_equal(out.rep, SOCKS_REP_GENERAL);
	m.bad = ENOMEM;
	assert_int_equal(privsep_get_reply(&m, &out), 0);
	assert_int_equal(out.rep, SOCKS_REP_GENERAL);
	assert_int_equal(out.bnd.type, ADDR_NONE);
}

/* What was lost on the way in is not taken for malformed. */
static void
test_no_memory(void **state)
{
	struct privsep_request req;
	struct privsep_line lost;
	struct msg m;

	msg_init(&m, PS_REQUEST, 1);
	m.bad = ENOMEM;
	assert_int_equal(privsep_get_request(&m, &req), -1);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(privsep_get_log(&m, &lost), -1);
	assert_int_equal(errno, ENOMEM);
}

static void
test_log(void **state)
{
	char text[PRIVSEP_LOG_MAX + 2];
	struct msg m;

	log_init("privsep_test", LOG_LEVEL_INFO, 1);
	log_set_sink(log_cb, NULL);
	msg_init(&m, PS_LOG, 0);
	privsep_put_log(&m, LOG_LEVEL_INFO, "a line");
	assert_int_equal(get_log(&m), 0);
	assert_int_equal(logged, LOG_LEVEL_INFO);
	assert_string_equal(line, "a line");
	check_bounds(&m, get_log);
	/* Too long: cut.  Too loud: not here.  No level: malformed. */
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	msg_init(&m, PS_LOG, 0);
	privsep_put_log(&m, LOG_LEVEL_QUIET, text);
	assert_int_equal(get_log(&m), 0);
	assert_int_equal(logged, LOG_LEVEL_ERROR);
	assert_int_equal(strlen(line), PRIVSEP_LOG_MAX);
	msg_clear(&m);
	msg_init(&m, PS_LOG, 0);
	privsep_put_log(&m, LOG_LEVEL_DEBUG2 + 1, "a line");
	assert_int_equal(get_log(&m), -1);
	msg_clear(&m);
	log_set_sink(NULL, NULL);
}

static void
test_admit(void **state)
{
	static const struct privsep_rule once = {
		PS_READY, 0x01 | PRIVSEP_ONCE
	}, twice = { PS_LOG, 0x03 };
	uint32_t seen = 0;
	struct msg m;

	msg_init(&m, PS_READY, 0);
	assert_int_equal(privsep_admit(&once, 0x02, &seen, &m), 0);
	assert_int_equal(privsep_admit(&twice, 0x01, &seen, &m), 0);
	assert_int_equal(privsep_admit(&once, 0x01, &seen, &m), 1);
	assert_int_equal(privsep_admit(&once, 0x01, &seen, &m), 0);
	msg_init(&m, PS_LOG, 0);
	assert_int_equal(privsep_admit(&twice, 0x02, &seen, &m), 1);
	assert_int_equal(privsep_admit(&twice, 0x01, &seen, &m), 1);
	/* None comes with a descriptor. */
	m.fd = dup(STDERR_FILENO);
	assert_int_equal(privsep_admit(&twice, 0x01, &seen, &m), 0);
	msg_clear(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_setup),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_reply),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_admit)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
