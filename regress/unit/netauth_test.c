/* SPDX-License-Identifier: ISC */
/*
 * A client that wants to log in: the messages that it sends, one after the
 * other, and the answers of the monitor are played here.
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#include "log.h"
#include "netauth.h"
#include "netsign.h"
#include "priv.h"
#include "privsep.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#define KEY(name)	((ssh_key)(uintptr_t)(name))

enum what { SERVICE, NONE, PASSWORD, ASK, PROVE, WRONG, CHANNEL };

struct ssh_message_struct {
	enum what	 what;
	const char	*user;		/* or the service */
	const char	*key;		/* in base64 */
};

static const struct ssh_message_struct *next, *last;
static const char *good;	/* the key with which one may log in */
static int takes;		/* the proof can be had */
static int no_reply;		/* libssh cannot answer */
static int queries, proofs, refusals, oks, successes, freed;
static int methods;
static char line[256];
static char huge[PRIVSEP_KEY_MAX + 2];

ssh_message
ssh_message_get(ssh_session session)
{
	return next == last ? NULL : (ssh_message)next++;
}

void
ssh_message_free(ssh_message msg)
{
	freed++;
}

int
ssh_message_type(ssh_message msg)
{
	return msg->what == SERVICE ? SSH_REQUEST_SERVICE :
	    msg->what == CHANNEL ? SSH_REQUEST_CHANNEL_OPEN : SSH_REQUEST_AUTH;
}

int
ssh_message_subtype(ssh_message msg)
{
	return msg->what == NONE ? SSH_AUTH_METHOD_NONE :
	    msg->what == PASSWORD ? SSH_AUTH_METHOD_PASSWORD :
	    SSH_AUTH_METHOD_PUBLICKEY;
}

const char *
ssh_message_service_service(ssh_message msg)
{
	return msg->user;
}

const char *
ssh_message_auth_user(ssh_message msg)
{
	return msg->user;
}

ssh_key
ssh_message_auth_pubkey(ssh_message msg)
{
	return KEY(msg->key);
}

enum ssh_publickey_state_e
ssh_message_auth_publickey_state(ssh_message msg)
{
	return msg->what == ASK ? SSH_PUBLICKEY_STATE_NONE :
	    msg->what == PROVE ? SSH_PUBLICKEY_STATE_VALID :
	    SSH_PUBLICKEY_STATE_WRONG;
}

enum ssh_keytypes_e
ssh_key_type(const ssh_key key)
{
	return *(const char *)key == '?' ? SSH_KEYTYPE_UNKNOWN :
	    SSH_KEYTYPE_ED25519;
}

const char *
ssh_key_type_to_char(enum ssh_keytypes_e type)
{
	return type == SSH_KEYTYPE_UNKNOWN ? NULL : "ssh-ed25519";
}

int
ssh_pki_export_pubkey_base64(const ssh_key key, char **text)
{
	if (*(const char *)key == '!')
		return SSH_ERROR;
	*text = strdup((const char *)key);
	return SSH_OK;
}

void
ssh_string_free_char(char *s)
{
	free(s);
}

int
ssh_message_auth_set_methods(ssh_message msg, int m)
{
	methods = m;
	return 0;
}

int
ssh_message_reply_default(ssh_message msg)
{
	refusals++;
	return 0;
}

int
ssh_message_auth_reply_pk_ok_simple(ssh_message msg)
{
	oks++;
	return 0;
}

int
ssh_message_service_reply_success(ssh_message msg)
{
	return no_reply ? SSH_ERROR : SSH_OK;
}

int
ssh_message_auth_reply_success(ssh_message msg, int partial)
{
	successes++;
	return no_reply ? SSH_ERROR : SSH_OK;
}

int
ssh_session_set_disconnect_message(ssh_session session, const char *text)
{
	return SSH_OK;
}

const char *
ssh_get_error(void *session)
{
	return "bye";
}

int
priv_key_query(struct priv *priv, const char *user, const char *type,
    const char *key)
{
	queries++;
	return strcmp(user, "alice") == 0 && strcmp(key, good) == 0;
}

int
priv_key_proved(struct priv *priv, const char *user, const char *type,
    const char *key, const struct privsep_proof *proof)
{
	proofs++;
	return priv_key_query(priv, user, type, key);
}

int
netsign_take_proof(struct privsep_proof *proof, const char *type)
{
	return takes;
}

static void
note_line(enum log_level level, const char *text, void *arg)
{
	strlcpy(line, text, sizeof(line));
}

static int
setup(void **state)
{
	log_init("netauth_test", LOG_LEVEL_INFO, 1);
	log_set_sink(note_line, NULL);
	memset(huge, 'A', sizeof(huge) - 1);
	good = "AAAA";
	takes = 1;
	no_reply = 0;
	return 0;
}

/* The client says this; what comes of it, and the last line of the log. */
static int
run(const struct ssh_message_struct *messages, size_t n, int pubkey)
{
	struct netauth a = {
		.peer = "192.0.2.1 port 5", .max_tries = 3, .pubkey = pubkey
	};
	int r;

	queries = proofs = refusals = oks = successes = freed = 0;
	methods = -1;
	line[0] = '\0';
	next = messages;
	last = messages + n;
	r = netauth_run(&a, NULL);
	assert_int_equal(freed, (int)(next - messages));
	if (r == 0)
		assert_string_equal(a.user, "alice");
	free(a.user);
	free(a.good_key);
	return r;
}

#define RUN(m)	run(m, sizeof(m) / sizeof(m[0]), 1)

static void
test_logs_in(void **state)
{
	static const struct ssh_message_struct m[] = {
		{ SERVICE, "ssh-userauth", NULL }, { NONE, "alice", NULL },
		{ ASK, "alice", "BBBB" }, { ASK, "alice", "AAAA" },
		{ PROVE, "alice", "AAAA" }
	};
	static const struct ssh_message_struct at_once[] = {
		{ ASK, "alice", "BBBB" }, { PROVE, "alice", "AAAA" }
	};

	assert_int_equal(RUN(m), 0);
	assert_int_equal(refusals, 2);
	assert_int_equal(methods, SSH_AUTH_METHOD_PUBLICKEY);
	assert_int_equal(oks, 1);
	assert_int_equal(successes, 1);
	/* The monitor wants to be asked before, also about this one. */
	assert_int_equal(RUN(at_once), 0);
	assert_int_equal(queries, 3);
	no_reply = 1;
	assert_int_equal(RUN(at_once), -1);
}

/* No key that cannot be proved, nor one that cannot be asked about. */
static void
test_failures(void **state)
{
	const struct ssh_message_struct m[] = {
		{ WRONG, "alice", "AAAA" }, { PROVE, "alice", "BBBB" },
		{ ASK, "alice", "?" }, { ASK, "alice", "AAAA" }
	};
	const struct ssh_message_struct unusable[] = {
		{ ASK, "alice", NULL }, { ASK, "alice", "!" },
		{ ASK, "alice", huge }
	};
	static const struct ssh_message_struct prove[] = {
		{ PROVE, "alice", "AAAA" }
	};

	assert_int_equal(RUN(m), -1);
	assert_string_equal(line, "Too many authentication failures for "
	    "alice from 192.0.2.1 port 5");
	assert_int_equal(refusals, 3);
	assert_int_equal(proofs, 0);
	assert_int_equal(RUN(unusable), -1);
	assert_int_equal(queries, 0);
	takes = 0;
	assert_int_equal(RUN(prove), -1);
	assert_int_equal(proofs, 0);
	assert_string_equal(line, "Connection closed by 192.0.2.1 port 5 "
	    "before authentication: bye");
}

/* Where keys are not offered, nothing is asked about one. */
static void
test_no_method(void **state)
{
	static const struct ssh_message_struct m[] = {
		{ ASK, "alice", "AAAA" }, { PROVE, "alice", "AAAA" },
		{ PASSWORD, "alice", NULL }
	};

	assert_int_equal(run(m, 3, 0), -1);
	assert_int_equal(methods, 0);
	assert_int_equal(queries, 0);
}

/* What no client that is well says ends it at once. */
static void
test_bad(void **state)
{
	char name[PRIVSEP_USER_MAX + 2];
	const struct {
		struct ssh_message_struct	 m;
		const char			*line;
	} table[] = {
		{ { SERVICE, "ssh-connection", NULL },
		    "unknown service asked for by" },
		{ { SERVICE, NULL, NULL }, "unknown service asked for by" },
		{ { NONE, NULL, NULL }, "bad user name from" },
		{ { NONE, "", NULL }, "bad user name from" },
		{ { NONE, name, NULL }, "bad user name from" },
		{ { NONE, "bob", NULL }, "change of user name from" },
		{ { CHANNEL, NULL, NULL },
		    "192.0.2.1 port 5 asks for a channel" },
	};
	struct ssh_message_struct m[3] = { { NONE, "alice", NULL } };
	size_t i;

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		m[1] = table[i].m;
		m[2] = m[0];
		assert_int_equal(RUN(m), -1);
		assert_ptr_equal(next, m + 2);
		assert_memory_equal(line, table[i].line,
		    strlen(table[i].line));
	}
	no_reply = 1;
	m[1] = (struct ssh_message_struct){ SERVICE, "ssh-userauth", NULL };
	assert_int_equal(RUN(m), -1);
}

/* One who asks for no method for ever. */
static void
test_endless(void **state)
{
	static struct ssh_message_struct m[100];
	size_t i;

	for (i = 0; i < 100; i++)
		m[i] = (struct ssh_message_struct){ NONE, "alice", NULL };
	assert_int_equal(RUN(m), -1);
	assert_string_equal(line, "too many requests from 192.0.2.1 port 5");
	assert_int_equal(refusals, 64);
}

#define TEST(fn)	cmocka_unit_test_setup(fn, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_logs_in), TEST(test_failures), TEST(test_no_method),
		TEST(test_bad), TEST(test_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
