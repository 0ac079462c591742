/* SPDX-License-Identifier: ISC */
/*
 * A signer that is asked anything by sockstund-net and by the monitor, who
 * may end.  It signs exchanges in the states that permit it, finds no
 * signature good that its user did not make, and answers no other question.
 */
#define main		signer_main
#define nanosleep	fuzz_nanosleep
int	signer_main(int, char **);
#include "signer.c"

#include <sys/socket.h>

#include "fuzz.h"
#include "version.h"

static struct script script;

int
nanosleep(const struct timespec *ts, struct timespec *left)
{
	return 0;
}

static void
put_bytes(struct sshwrite *w)
{
	size_t n = script_byte(&script) % 64;
	const uint8_t *p = script_bytes(&script, &n);

	sshwrite_string(w, p, n);
}

/* What is signed: an exchange, with one part of it as the script has it. */
static void
put_exchange(struct msg *m, const struct signer *sg)
{
	static const u_char kexinit[64] = { 20 };
	unsigned int odd = script_byte(&script) % 16, i;
	struct sshwrite w = { 0 };

	for (i = 0; i < 8; i++) {
		if (i == odd || i > 4)
			put_bytes(&w);
		else if (i == 0)
			sshwrite_text(&w, "SSH-2.0-test");
		else if (i == 1)
			sshwrite_text(&w, SOCKSTUN_BANNER_PREFIX "1");
		else if (i < 4)
			sshwrite_string(&w, kexinit, sizeof(kexinit));
		else
			sshwrite_string(&w, sg->key[0].public.data,
			    sg->key[0].public.len);
	}
	msg_put_u32(m, odd == 9 ? 512 : 256);
	msg_put_u32(m, odd == 10 ? script_byte(&script) : 0);
	msg_put_blob(m, w.data, w.len);
	sshwrite_clear(&w);
}

static void
put_verify(struct msg *m, const struct signer *sg)
{
	struct sshwrite w = { 0 };

	msg_put_string(m, "alice");
	msg_put_string(m, "ssh-ed25519");
	if (script_byte(&script) & 1)
		msg_put_blob(m, sg->key[0].public.data,
		    sg->key[0].public.len);
	else {
		put_bytes(&w);
		msg_put_blob(m, w.data, w.len);
	}
	sshwrite_clear(&w);
	put_bytes(&w);
	msg_put_blob(m, w.data, w.len);
	sshwrite_clear(&w);
	msg_put_u32(m, script_byte(&script));
	msg_put_u32(m, 0);
}

static void
put_message(struct msg *m, const struct signer *sg, unsigned int op)
{
	size_t n = op / 8;

	msg_init(m, op % 2 ? SG_SIGN : SG_VERIFY, script_byte(&script));
	if (op % 4 == 1)
		put_exchange(m, sg);
	else if (op % 4 == 2)
		put_verify(m, sg);
	else {
		/* Any bytes, and perhaps a descriptor. */
		m->len = m->size = n;
		m->fd = n == 31 ? dup(STDERR_FILENO) : -1;
		check((m->data = calloc(1, n + 1)) != NULL);
		memcpy(m->data, script_bytes(&script, &n), n);
	}
}

/* The one answer to a message that was not refused. */
static void
take_answer(int from_net, int fd, const struct msg *asked)
{
	struct msg m;
	size_t len;

	check(msg_recv(fd, &m) == 1);
	check(m.type == (from_net ? SG_SIGNED : SG_VERIFIED));
	check(m.id == asked->id && m.fd == -1);
	if (from_net)
		check(msg_get_blob(&m, &len) != NULL && len > 0);
	else
		check(msg_get_u32(&m) == 0);
	check(msg_end(&m) == 0);
	msg_clear(&m);
	check(msg_recv(fd, &m) == -1);
}

/* One message, or the end of the monitor.  -1: that was not permitted. */
static int
play(struct signer *sg, const int *far)
{
	unsigned int op = script_byte(&script);
	int from_net = op >> 2 & 1, state = sg->state, r;
	struct msg m;

	if (op == 0) {
		if (sg->monitor == -1)
			return -1;
		sg->proved = (int)script_byte(&script) & 1;
		signer_lose_monitor(sg);
		return sg->state == 0 ? -1 : 0;
	}
	if (sg->monitor == -1)
		from_net = 1;
	put_message(&m, sg, op);
	if ((r = signer_dispatch(sg, &m, from_net)) == 0) {
		check(from_net ? state != SIGNER_AUTH : state == SIGNER_AUTH);
		check(state != SIGNER_KEX || sg->state == SIGNER_AUTH);
		take_answer(from_net, far[from_net], &m);
	}
	msg_clear(&m);
	return r;
}

static void
make_key(struct signer_key *k)
{
	static const u_char seed[32] = { 1 };

	k->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
	    sizeof(seed));
	check(k->pkey != NULL && pubkey_encode(k->pkey, &k->public) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct signer sg, none;
	struct signer_key key = sg.key[0];
	int far[2], monitor[2], net[2];

	if (key.pkey == NULL)
		make_key(&key);
	sg = none;
	sg.key[0] = key;
	sg.nkeys = 1;
	sg.state = SIGNER_KEX;
	script = (struct script){ data, size };
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
	    monitor) == 0);
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, net) ==
	    0);
	sg.monitor = monitor[0];
	sg.net = net[0];
	far[0] = monitor[1];
	far[1] = net[1];
	while (script.len > 0 && play(&sg, far) == 0)
		;
	if (sg.monitor != -1)
		close(sg.monitor);
	close(sg.net);
	close(far[0]);
	close(far[1]);
	return 0;
}
