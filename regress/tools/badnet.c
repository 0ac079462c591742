/* SPDX-License-Identifier: ISC */
/*
 * What somebody would put into sockstund-net's place who had taken it over: it
 * speaks to the monitor and to the signer, and wants what it must not get.  A
 * file "attack" beside it says what: a word, a user, a type of key and a public
 * key in base64.  How it went it logs, by way of the monitor.
 *
 *	bare	claims the key without a signature
 *	forge	has a key exchange signed, and claims the key with a signature
 *		made of nothing
 *	early	the same before anything was signed
 *	twice	has two key exchanges signed before a login
 *	hash	wants a hash of its own choice signed
 *	host	wants the exchange of a server with another host key signed
 *	server	wants the exchange of another server of this host signed
 *	time	asks for the key many times, and logs how long the answers took
 *	flood	logs a login that was none, as often as it can
 *	unasked	claims a key for which it never asked
 *	many	asks for the key more often than a client may
 *	again, unknown, query, line
 *		sends a message twice, one that there is none of, or one that
 *		is malformed
 */
#include <sys/types.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "monotime.h"
#include "msg.h"
#include "privsep.h"
#include "signing.h"
#include "sshbytes.h"
#include "version.h"

#define TIMES	31	/* odd; the monitor answers so many */
#define KEYS	100	/* more than the monitor answers */
#define FLOOD_LINES	20000
#define FLOOD_LINE	"Accepted publickey for root from 192.0.2.66 port 1 ssh2"

static char word[16], user[64], type[64], base64[4096];

static void
say(const char *text)
{
	struct msg m;

	msg_init(&m, PS_LOG, 0);
	privsep_put_log(&m, LOG_LEVEL_INFO, text);
	msg_send(PRIVSEP_FD_PEER, &m);
	msg_clear(&m);
}

static void
read_orders(void)
{
	char path[PATH_MAX], name[PATH_MAX + 8];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	FILE *f;

	if (n == -1)
		exit(1);
	path[n] = '\0';
	snprintf(name, sizeof(name), "%s/attack", dirname(path));
	if ((f = fopen(name, "r")) == NULL ||
	    fscanf(f, "%15s %63s %63s %4095s", word, user, type, base64) != 4)
		exit(1);
	fclose(f);
}

/* What is hashed in a key exchange; of this server, if nothing else is said. */
static void
put_exchange(struct sshwrite *w, const u_char *key, size_t len)
{
	u_char kexinit[64] = { 20 };
	struct sshwrite other = { 0 };
	int i;

	sshwrite_text(w, "SSH-2.0-attacker");
	sshwrite_text(w, strcmp(word, "server") == 0 ?
	    "SSH-2.0-OpenSSH_9.2p1" : "SSH-2.0-" SOCKSTUN_BANNER);
	sshwrite_string(w, kexinit, sizeof(kexinit));
	sshwrite_string(w, kexinit, sizeof(kexinit));
	sshwrite_text(&other, "ssh-ed25519");
	sshwrite_string(&other, kexinit, 32);
	if (strcmp(word, "host") == 0)
		sshwrite_string(w, other.data, other.len);
	else
		sshwrite_string(w, key, len);
	sshwrite_clear(&other);
	for (i = 0; i < 3; i++)
		sshwrite_text(w, "value");
}

static void
sign(const u_char *key, size_t len)
{
	struct sshwrite w = { 0 };
	u_char hash[32] = { 1 };
	struct msg m;

	if (strcmp(word, "hash") == 0)
		sshwrite_bytes(&w, hash, sizeof(hash));
	else
		put_exchange(&w, key, len);
	msg_init(&m, SG_SIGN, 0);
	msg_put_u32(&m, 256);
	msg_put_u32(&m, 256);
	msg_put_blob(&m, w.data, w.len);
	sshwrite_clear(&w);
	if (msg_send(PRIVSEP_FD_SIGNER, &m) == -1)
		say("attack: no signer");
	msg_clear(&m);
	if (msg_recv(PRIVSEP_FD_SIGNER, &m) == 1 && m.type == SG_SIGNED)
		say("attack: signed");
	else
		say("attack: not signed");
	msg_clear(&m);
}

static int
ask(struct msg *m)
{
	uint32_t yes;

	if (msg_send(PRIVSEP_FD_PEER, m) == -1)
		return 0;
	msg_clear(m);
	if (msg_recv(PRIVSEP_FD_PEER, m) != 1)
		return 0;
	yes = msg_get_u32(m);
	msg_clear(m);
	return yes == 1;
}

static int
ask_key(void)
{
	struct msg m;

	msg_init(&m, PS_KEY_QUERY, 0);
	privsep_put_key(&m, user, type, base64);
	return ask(&m);
}

static void
claim(void)
{
	struct privsep_proof proof = { .len = 64 };
	struct msg m;

	if (strcmp(word, "unasked") != 0)
		say(ask_key() ? "attack: the key is good" :
		    "attack: the key is bad");
	msg_init(&m, PS_KEY_PROVED, 0);
	strlcpy(proof.algorithm, type, sizeof(proof.algorithm));
	if (strcmp(word, "bare") == 0)
		privsep_put_key(&m, user, type, base64);
	else
		privsep_put_proof(&m, user, type, base64, &proof);
	say(ask(&m) ? "attack: logged in" : "attack: not logged in");
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
measure(void)
{
	int64_t took[TIMES];
	char text[64];
	int i, yes = 0;

	for (i = 0; i < TIMES; i++) {
		took[i] = monotime_ns();
		yes += ask_key();
		took[i] = monotime_ns() - took[i];
	}
	qsort(took, TIMES, sizeof(took[0]), compare);
	snprintf(text, sizeof(text), "attack: %d yes, least %lld median %lld",
	    yes, (long long)took[0] / 1000, (long long)took[TIMES / 2] / 1000);
	say(text);
}

/* Is the order to send a bare number as such a message? */
static int
send_number(void)
{
	static const struct {
		const char	*word;
		uint32_t	 type;
	} table[] = {
		{ "again", PS_READY },
		{ "unknown", 99 },
		{ "query", PS_KEY_QUERY },
		{ "line", PS_LOG },
	};
	struct msg m;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (strcmp(word, table[i].word) != 0)
			continue;
		msg_init(&m, table[i].type, 0);
		msg_put_u32(&m, 1);
		ask(&m);
		return 1;
	}
	return 0;
}

int
main(void)
{
	struct privsep_setup setup;
	struct msg m, ready;
	int i;

	if (msg_recv(PRIVSEP_FD_PEER, &m) != 1 ||
	    privsep_get_setup(&m, &setup) == -1 || setup.nkeys == 0)
		return 1;
	msg_init(&ready, PS_READY, 0);
	msg_send(PRIVSEP_FD_PEER, &ready);
	if (setup.test)
		_exit(0);
	read_orders();
	if (strcmp(word, "time") == 0) {
		measure();
		_exit(0);
	}
	for (i = 0; strcmp(word, "flood") == 0 && i < FLOOD_LINES; i++)
		say(i % 2 ? FLOOD_LINE : "x\n" FLOOD_LINE);
	for (i = 0; strcmp(word, "many") == 0 && i < KEYS && ask_key(); i++)
		;
	if (i > 0 || send_number())
		_exit(0);
	if (strcmp(word, "bare") != 0 && strcmp(word, "early") != 0 &&
	    strcmp(word, "unasked") != 0)
		sign(setup.key[0].data, setup.key[0].len);
	if (strcmp(word, "twice") == 0)
		sign(setup.key[0].data, setup.key[0].len);
	if (strcmp(word, "bare") == 0 || strcmp(word, "early") == 0 ||
	    strcmp(word, "unasked") == 0 ||
	    strcmp(word, "forge") == 0)
		claim();
	privsep_clear_setup(&setup);
	msg_clear(&m);
	say("attack: over");
	return 0;
}
