/* SPDX-License-Identifier: ISC */
/*
 * The sockstund-net process: what it starts with, what it is told first, and
 * whether it would serve.  What it asks for is the monitor's to know.
 */
#include <sys/types.h>

#include <errno.h>
#include <poll.h>

#include "confined.h"
#include "hostkeys.h"
#include "log.h"
#include "msg.h"
#include "netproc.h"
#include "privsep.h"
#include "servconf.h"

#define NETPROC_TEST_TIMEOUT	10000	/* ms to get ready */

/*
 * Starts sockstund-net, without any right, on a connection and with a pair to
 * the signer; the caller still has both.  For a test both are -1.  Returns
 * 0, or -1 after the reason was logged.
 */
int
netproc_start(struct confined *net, const struct servconf *conf, int conn,
    int signer)
{
	const int fds[] = { conn, signer };

	return confined_start(net, "sockstund-net", conf, fds, 2);
}

/*
 * Sends PS_SETUP, with the public halves of the keys: how that peer is to be
 * served or, for a test, that it only has to get ready.  Returns 0, or -1 with
 * errno.
 */
int
netproc_setup(const struct confined *net, const struct servconf *conf,
    const struct hostkeys *public, const char *peer, int test)
{
	struct privsep_setup setup = {
		.test = test,
		.log_level = conf->log_level,
		.max_auth_tries = conf->max_auth_tries,
		.max_flows = conf->max_flows,
		.window_budget = conf->window_budget,
		.alive_interval = conf->alive_interval,
		.alive_count = conf->alive_count,
		.queue_delay = conf->queue_delay,
		.dial_timeout = conf->dial_timeout,
		.pubkey_auth = conf->pubkey_auth,
		.peer = peer,
		.ciphers = conf->ciphers,
		.macs = conf->macs,
		.kex = conf->kex,
		.nkeys = (uint32_t)public->n
	};
	struct msg m;
	size_t i;
	int ret, saved;

	for (i = 0; i < public->n; i++) {
		setup.key[i].data = public->key[i].data;
		setup.key[i].len = public->key[i].len;
	}
	msg_init(&m, PS_SETUP, 0);
	privsep_put_setup(&m, &setup);
	ret = msg_send_wait(net->fd, &m);
	saved = errno;
	msg_clear(&m);
	errno = saved;
	return ret;
}

/* Waits for PS_READY.  Returns 1, or 0 when it will not come. */
static int
netproc_await_ready(const struct confined *net)
{
	struct pollfd pfd = { net->fd, POLLIN, 0 };
	struct msg m;
	int ready = 0, go_on = 1;

	while (go_on && poll(&pfd, 1, NETPROC_TEST_TIMEOUT) > 0 &&
	    msg_recv(net->fd, &m) == 1) {
		if (m.type == PS_READY)
			ready = msg_end(&m) == 0;
		go_on = m.type == PS_LOG &&
		    privsep_log(&m, LOG_LEVEL_QUIET) == 0;
		msg_clear(&m);
	}
	return ready;
}

/*
 * Would a sockstund-net serve with these keys?  Returns 0, or -1 after the
 * reason was logged.
 */
int
netproc_test(const struct servconf *conf, const struct hostkeys *public)
{
	struct confined net = { .nowhere = NULL };
	int ready = 0;

	if (netproc_start(&net, conf, -1, -1) == -1)
		return -1;
	if (netproc_setup(&net, conf, public, "test", 1) == -1)
		log_warn("sockstund-net");
	else if (!(ready = netproc_await_ready(&net)))
		log_warnx("sockstund-net is not ready to serve");
	return confined_stop(&net, "test") == -1 || !ready ? -1 : 0;
}
