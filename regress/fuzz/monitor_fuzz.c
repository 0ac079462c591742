/* SPDX-License-Identifier: ISC */
/*
 * A monitor that is told anything by sockstund-net.  Whatever accounts, key
 * files and signer say, a user is in only with a claim that was found good
 * before and that the signer found signed; each question has one answer.
 */
#define account_get		fuzz_account_get
#define userkeys_load		fuzz_userkeys_load
#define userkeys_find		fuzz_userkeys_find
#define authkeys_decode_blob	fuzz_decode_blob
#define authdelay_wait		fuzz_wait
#define signproc_verify		fuzz_verify
#define rexec_make_memfd	fuzz_make_memfd
#define log_fatal		fuzz_fatal
#include "monitor.c"
#undef log_fatal

#include <setjmp.h>

#include "fuzz.h"

#define CLAIMS	4

static struct script script;
static jmp_buf logged_in;
static u_char *blob;		/* of the claim at hand */
static int found, signed_it;	/* by the message at hand */
static int good[CLAIMS];

static const char *const claims[CLAIMS][3] = {
	{ "alice", "ssh-ed25519", "AAAA" },
	{ "alice", "sk-ssh-ed25519@openssh.com", "AAAA" },
	{ "bob", "ssh-ed25519", "AAAA" },
	{ "", "ssh-rsa", "" }
};

int
account_get(struct account *a, const struct servconf *conf, const char *user,
    const struct peer *peer)
{
	check((a->name = strdup(user)) != NULL);
	return script_byte(&script) & 1;
}

void
userkeys_load(struct userkeys *keys, const struct servconf *conf,
    const struct account *a)
{
}

int
userkeys_find(const struct userkeys *keys, const struct account *a,
    const struct peer *peer, const u_char *key, size_t len,
    struct authkey *line, char *where, size_t size)
{
	unsigned int how = script_byte(&script);

	memset(line, 0, sizeof(*line));
	line->no_touch = how >> 1 & 1;
	line->verify = how >> 2 & 1;
	strlcpy(where, "test:1", size);
	return found = how & 1;
}

int
authkeys_decode_blob(const char *type, const char *base64, u_char **data,
    size_t *len)
{
	*data = blob = (u_char *)strdup(base64);
	*len = strlen(base64);
	return 0;
}

void
authdelay_wait(const struct authdelay *d, const char *user, int64_t since)
{
}

int
signproc_verify(struct confined *signer, const char *user, const u_char *key,
    size_t len, const struct privsep_proof *proof)
{
	check(found);
	return signed_it = (int)(script_byte(&script) % 3) - 1;
}

/* The next thing after the login: it goes no further here. */
int
rexec_make_memfd(const char *name, const void *data, size_t len)
{
	return -1;
}

void
fuzz_fatal(int with_errno, const char *fmt, ...)
{
	longjmp(logged_in, 1);
}

static void
put_message(struct msg *m, unsigned int op)
{
	const char *const *c = claims[op / 8 % CLAIMS];
	struct privsep_proof proof = { .algorithm = "ssh-ed25519", .len = 4 };
	size_t n = op / 8;

	msg_init(m, op % 8, script_byte(&script));
	switch (op % 8) {
	case PS_KEY_QUERY:
		privsep_put_key(m, c[0], c[1], c[2]);
		break;
	case PS_KEY_PROVED:
		proof.flags = script_byte(&script);
		privsep_put_proof(m, c[0], c[1], c[2], &proof);
		break;
	case 0:
		m->type = PS_LOG;
		privsep_put_log(m, n % (LOG_LEVEL_DEBUG2 + 1), "text");
		break;
	case PS_READY:
		break;
	case PS_SETUP:
		/* Any type, and bytes of any message. */
		m->type = script_byte(&script);
		m->len = m->size = n;
		m->fd = n == 31 ? dup(STDERR_FILENO) : -1;
		check((m->data = calloc(1, n + 1)) != NULL);
		memcpy(m->data, script_bytes(&script, &n), n);
		break;
	}
}

/* A question that was not refused has its answer, on the other end. */
static void
take_answer(const struct monitor *mon, int net, const struct msg *asked,
    unsigned int op)
{
	int due = asked->type == PS_KEY_QUERY || asked->type == PS_KEY_PROVED;
	uint32_t yes;
	struct msg m;

	for (; msg_recv(net, &m) == 1; due--) {
		check(m.id == asked->id && m.type == asked->type + 1);
		yes = msg_get_u32(&m);
		check(msg_end(&m) == 0 && m.fd == -1);
		check(yes == (m.type == PS_KEY_ANSWER && found &&
		    mon->permitted));
		if (yes && op % 8 == PS_KEY_QUERY)
			good[op / 8 % CLAIMS] = 1;
		msg_clear(&m);
	}
	check(due == 0);
}

static void
check_login(const struct monitor *mon, unsigned int op)
{
	check(found && mon->permitted && signed_it == 1);
	check(op % 8 != PS_KEY_PROVED || good[op / 8 % CLAIMS]);
	free(blob);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct servconf conf = { .pubkey_auth = 1 };
	static struct monitor mon;
	int volatile r = 0;
	int fd[2], before = fuzz_next_fd();
	unsigned int volatile op = 0;
	struct msg m;

	fuzz_watch_log();
	script = (struct script){ data, size };
	memset(&mon, 0, sizeof(mon));
	memset(good, 0, sizeof(good));
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd) == 0);
	mon.conf = &conf;
	mon.net.fd = fd[0];
	mon.state = MONITOR_SETUP;
	logfrom_init(&mon.log, "test");
	while (r == 0 && script.len > 0) {
		op = script_byte(&script);
		found = signed_it = 0;
		put_message(&m, op);
		if (setjmp(logged_in) == 0) {
			if ((r = monitor_dispatch(&mon, &m)) == 0)
				take_answer(&mon, fd[1], &m, op);
		} else {
			check_login(&mon, op);
			r = 1;
		}
		msg_clear(&m);
	}
	account_clear(&mon.account);
	close(fd[0]);
	close(fd[1]);
	check(fuzz_next_fd() == before);
	return 0;
}
