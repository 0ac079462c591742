/* SPDX-License-Identifier: ISC */
/*
 * This room is for those who ask: listeners (listeners.c), the connections of
 * clients (conn.c), what is said on them (sockstalk.c) and what is done for
 * them (commands.c, cmd*.c).  Whether there is a far end to ask, and who
 * brings it up, is not decided here: it is set and taken away from outside
 * (clients_set_farend), and while there is none those who need it wait, if
 * one may come.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "cliconf.h"
#include "clients.h"
#include "conn.h"
#include "listener.h"
#include "protocol.h"
#include "udpsock.h"

/* Seconds that a client has to make its request. */
#define CLIENTS_REQUEST	60
/* More than the far end waits for a peer, so that it is the one to tell. */
#define CLIENTS_PEER	(SERVICE_BIND_WAIT + 10)

/*
 * No clients yet, and no far end.  They may ask for these commands and begin
 * in that dialect; all must outlive them.  -1 when memory is out.
 */
int
clients_init(struct clients *all, struct event_base *base,
    const struct cliconf *conf, const struct command *commands,
    const struct dialect *dialect)
{
	memset(all, 0, sizeof(*all));
	all->base = base;
	all->conf = conf;
	all->commands = commands;
	all->dialect = dialect;
	TAILQ_INIT(&all->conns);
	TAILQ_INIT(&all->waiting);
	return deadlines_init(&all->requests, base, CLIENTS_REQUEST,
	    conn_late_request) == -1 || deadlines_init(&all->answers, base,
	    cliconf_answer_time(conf), conn_late_answer) == -1 ||
	    deadlines_init(&all->peers, base, CLIENTS_PEER,
	    conn_late_peer) == -1 ? -1 : 0;
}

/*
 * There is a far end, or there is none (NULL): but may one come?  Those who
 * wait then ask it, are refused, or go on waiting, which is said again.
 */
void
clients_set_farend(struct clients *all, struct farend *farend, int may_come)
{
	struct conn *c;

	all->farend = farend;
	all->may_come = may_come;
	if (farend == NULL && may_come) {
		if (!TAILQ_EMPTY(&all->waiting) && all->want != NULL)
			all->want(all->arg);
		return;
	}
	while ((c = TAILQ_FIRST(&all->waiting)) != NULL)
		conn_ask_again(c);
}

/* A client has connected; arg is struct clients. */
void
clients_accept_cb(struct listener *l, int fd, const struct sockaddr *sa,
    socklen_t len, void *arg)
{
	struct addr a;
	char name[ADDR_STRLEN];
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (addr_from_sockaddr(&a, sa) == 0)
		addr_format(&a, name, sizeof(name));
	else
		strlcpy(name, listener_name(l), sizeof(name));
	conn_new(arg, fd, name);
}

/* Lets go of all clients; those in the middle of a flow see a reset. */
void
clients_clear(struct clients *all)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&all->conns)) != NULL)
		conn_abort(c);
	deadlines_clear(&all->requests);
	deadlines_clear(&all->answers);
	deadlines_clear(&all->peers);
	udpsock_pool_free(all->udp);
	free(all->datagram);
}
