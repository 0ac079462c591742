/* SPDX-License-Identifier: ISC */
/*
 * The logger with the connections of monitors that are well-behaved and of
 * dialers that are not: it ends when all have, logs printable lines alone
 * and leaves no descriptor.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "logfilter.h"
#include "logger.h"
#include "logging.h"
#include "msg.h"
#include "privsep.h"

#define DIALERS	4

static struct script script;

int
logfilter_enter(void)
{
	return 0;
}

static void
make_pair(int fd[2])
{
	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd) == 0);
}

/* A new connection; text of its name comes from a client, too. */
static void
open_dialer(int control, int *dialer)
{
	char who[64] = "";
	size_t n = script_byte(&script) % sizeof(who);
	const uint8_t *p = script_bytes(&script, &n);
	struct msg m;
	int fd[2];

	if (*dialer != -1)
		return;
	memcpy(who, p, n);
	make_pair(fd);
	msg_init(&m, LG_OPEN, 0);
	m.fd = fd[0];
	msg_put_string(&m, who);
	msg_put_u32(&m, 5);
	msg_put_u32(&m, 6);
	msg_send(control, &m);
	msg_clear(&m);
	*dialer = fd[1];
}

static void
send_line(int dialer, unsigned int how)
{
	char text[256] = "";
	size_t n = script_byte(&script);
	const uint8_t *p = script_bytes(&script, &n);
	struct msg m;

	if (how % 4 == 0) {
		send(dialer, p, n, MSG_NOSIGNAL);
		return;
	}
	memcpy(text, p, n);
	msg_init(&m, LG_LINE, how % 4 - 1);
	m.fd = how == 31 ? dup(dialer) : -1;
	privsep_put_log(&m, (enum log_level)(how / 4), text);
	msg_send(dialer, &m);
	msg_clear(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int control[2], dialer[DIALERS] = { -1, -1, -1, -1 }, *d;
	int before = fuzz_next_fd();
	unsigned int op;

	fuzz_watch_log();
	script = (struct script){ data, size };
	make_pair(control);
	while (script.len > 0) {
		op = script_byte(&script);
		d = &dialer[op / 2 % DIALERS];
		if (op & 1)
			open_dialer(control[1], d);
		else if (*d != -1)
			send_line(*d, op / 8);
	}
	for (d = dialer; d < dialer + DIALERS; d++)
		if (*d != -1)
			close(*d);
	close(control[1]);
	logger_main(control[0]);
	close(control[0]);
	check(fuzz_next_fd() == before);
	return 0;
}
