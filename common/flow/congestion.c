/* SPDX-License-Identifier: ISC */
/*
 * Congestion control: what CongestionControl asks for, and what a connection
 * has.  The kernel gives any algorithm to a process with CAP_NET_ADMIN, for
 * which it also loads modules, and to others those that are loaded and listed
 * in net.ipv4.tcp_allowed_congestion_control.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "congestion.h"
#include "log.h"

/*
 * Asks for the first of the algorithms that the kernel lets us have, up to
 * "system", which asks for nothing.  It holds for a connection from its start
 * if the socket is not yet connected, and then a route's own comes before it;
 * connections that a listening socket accepts have it too.  What is no TCP
 * socket is left alone.
 */
void
congestion_ask(int fd, const struct conf_list *names)
{
	const char *name;
	size_t i;

	for (i = 0; i < names->n; i++) {
		name = names->word[i];
		if (strcmp(name, "system") == 0 || setsockopt(fd, IPPROTO_TCP,
		    TCP_CONGESTION, name, strlen(name)) == 0 ||
		    errno == EOPNOTSUPP)
			return;
		log_debug("congestion control %s: %s", name, strerror(errno));
	}
}

/* The name of a socket's algorithm; -1 and "" if it is no TCP socket. */
int
congestion_get(int fd, char name[CONGESTION_NAME_SIZE])
{
	socklen_t len = CONGESTION_NAME_SIZE;

	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) == 0)
		return 0;
	*name = '\0';
	return -1;
}

/* Prints, as a comment of a configuration, what comes of asking. */
void
congestion_print_granted(const struct conf_list *names)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char name[CONGESTION_NAME_SIZE];

	if (fd == -1)
		return;
	congestion_ask(fd, names);
	if (congestion_get(fd, name) == 0)
		printf("# congestioncontrol: the system grants %s\n", name);
	close(fd);
}
