/* SPDX-License-Identifier: ISC */
/*
 * Names that datagrams are sent to, with their ports since the rules are about
 * both.
 *
 *	ASKING ----> GOOD, an address, for 60 s; then it is asked again, and
 *	   |         the address is used until there is another
 *	   '-------> BAD for 5 s: datagrams are dropped
 *
 * An address that a name still has is kept, whatever the order of the answer:
 * a conversation does not change its partner.  Nor does it end with its name
 * server: what was GOOD becomes BAD by the rules alone.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/tree.h>

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "lookup.h"
#include "monotime.h"
#include "services.h"
#include "socks.h"
#include "udpnames.h"

#define UDPNAMES_MAX		256
#define UDPNAMES_GOOD		(60 * MONOTIME_SECOND)
#define UDPNAMES_BAD		(5 * MONOTIME_SECOND)
/* What may wait in one association. */
#define UDPNAMES_WAITING	64
#define UDPNAMES_WAITING_BYTES	(64 * 1024)

enum udpname_state {
	UDPNAME_ASKING,
	UDPNAME_GOOD,
	UDPNAME_BAD
};

struct udpname_datagram {
	TAILQ_ENTRY(udpname_datagram) entry;
	size_t			 len;
	u_char			 data[];
};

struct udpname {
	RB_ENTRY(udpname)	 node;
	TAILQ_ENTRY(udpname)	 entry;
	struct udpnames		*all;
	enum udpname_state	 state;
	int			 asking;	/* the lookup is under way */
	int			 forbidden;	/* BAD by the rules */
	int64_t			 expires;	/* ns, monotonic */
	struct addr		 dst;		/* as it was named */
	struct addr		 at;
	struct lookup		 lookup;
	TAILQ_HEAD(, udpname_datagram) waiting;
};

static int
udpname_cmp(const struct udpname *a, const struct udpname *b)
{
	if (a->dst.port != b->dst.port)
		return a->dst.port < b->dst.port ? -1 : 1;
	return strcasecmp(a->dst.u.name, b->dst.u.name);
}

RB_GENERATE_INTERNAL(udpname_tree, udpname, node, udpname_cmp,
    static __attribute__((unused)))

/* No names yet; the family is what the socket can send to. */
void
udpnames_init(struct udpnames *all, struct services *env, int family,
    const struct udpnames_ops *ops, void *arg)
{
	memset(all, 0, sizeof(*all));
	all->env = env;
	all->ops = ops;
	all->arg = arg;
	all->family = family;
	RB_INIT(&all->names);
	TAILQ_INIT(&all->by_use);
}

/* The first datagram that waits leaves; it is to be freed. */
static struct udpname_datagram *
udpname_take(struct udpname *n)
{
	struct udpname_datagram *d;

	if ((d = TAILQ_FIRST(&n->waiting)) != NULL) {
		TAILQ_REMOVE(&n->waiting, d, entry);
		n->all->nwaiting--;
		n->all->waiting -= d->len;
	}
	return d;
}

static void
udpname_free(struct udpname *n)
{
	struct udpnames *all = n->all;
	struct udpname_datagram *d;

	lookup_stop(&n->lookup);
	while ((d = udpname_take(n)) != NULL) {
		all->dropped++;
		free(d);
	}
	RB_REMOVE(udpname_tree, &all->names, n);
	TAILQ_REMOVE(&all->by_use, n, entry);
	all->n--;
	free(n);
}

/* Forgets all names and what waits for them. */
void
udpnames_clear(struct udpnames *all)
{
	struct udpname *n;

	while ((n = TAILQ_FIRST(&all->by_use)) != NULL)
		udpname_free(n);
}

static struct udpname *
udpname_new(struct udpnames *all, const struct addr *dst)
{
	struct udpname *n;

	if (all->n >= UDPNAMES_MAX)
		udpname_free(TAILQ_FIRST(&all->by_use));
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return NULL;
	n->all = all;
	n->state = UDPNAME_ASKING;
	n->dst = *dst;
	TAILQ_INIT(&n->waiting);
	RB_INSERT(udpname_tree, &all->names, n);
	TAILQ_INSERT_TAIL(&all->by_use, n, entry);
	all->n++;
	return n;
}

/* A copy of a datagram waits for the name's address, if there is room. */
static void
udpname_wait(struct udpname *n, const void *data, size_t len)
{
	struct udpnames *all = n->all;
	struct udpname_datagram *d;

	if (all->nwaiting >= UDPNAMES_WAITING ||
	    len > UDPNAMES_WAITING_BYTES - all->waiting ||
	    (d = malloc(sizeof(*d) + len)) == NULL) {
		all->dropped++;
		return;
	}
	d->len = len;
	memcpy(d->data, data, len);
	TAILQ_INSERT_TAIL(&n->waiting, d, entry);
	all->nwaiting++;
	all->waiting += len;
}

/* Sends what waited, or drops it. */
static void
udpname_release(struct udpname *n)
{
	struct udpnames *all = n->all;
	struct udpname_datagram *d;

	while ((d = udpname_take(n)) != NULL) {
		if (n->state == UDPNAME_GOOD)
			all->ops->send(&n->at, d->data, d->len, all->arg);
		else if (n->forbidden)
			all->refused++;
		else
			all->dropped++;
		free(d);
	}
}

static void
udpname_set_bad(struct udpname *n, const char *forbidden)
{
	n->state = UDPNAME_BAD;
	n->expires = monotime_ns() + UDPNAMES_BAD;
	n->forbidden = forbidden != NULL;
	if (forbidden != NULL)
		n->all->ops->refused(&n->dst, forbidden, n->all->arg);
}

/* The address to be used: that of before, or the first.  -1 without any. */
static int
udpname_choose(struct udpname *n, const struct addrinfo *list)
{
	struct addr a, first = { .type = ADDR_NONE };

	for (; list != NULL; list = list->ai_next) {
		if (lookup_filter(&n->lookup, list) != 0 ||
		    addr_from_sockaddr(&a, list->ai_addr) == -1)
			continue;
		addr_unmap(&a);
		a.port = n->dst.port;
		if (n->state == UDPNAME_GOOD && addr_equal(&a, &n->at))
			return 0;
		if (first.type == ADDR_NONE)
			first = a;
	}
	if (first.type == ADDR_NONE)
		return -1;
	n->at = first;
	return 0;
}

static void
udpname_lookup_cb(enum socks_rep rep, const char *reason,
    const struct addrinfo *list, void *arg)
{
	struct udpname *n = arg;

	n->asking = 0;
	if (rep == SOCKS_REP_OK && udpname_choose(n, list) == 0) {
		n->state = UDPNAME_GOOD;
		n->expires = monotime_ns() + UDPNAMES_GOOD;
	} else if (rep == SOCKS_REP_RULESET)
		udpname_set_bad(n, reason);
	else if (n->state == UDPNAME_GOOD && n->lookup.refused == NULL)
		n->expires = monotime_ns() + UDPNAMES_BAD;
	else
		udpname_set_bad(n, n->lookup.refused);
	udpname_release(n);
}

static void
udpname_ask(struct udpname *n)
{
	struct udpnames *all = n->all;

	if (n->state == UDPNAME_BAD)
		n->state = UDPNAME_ASKING;
	n->asking = 1;
	lookup_start(&n->lookup, all->env, &n->dst, all->family, DEST_SEND,
	    udpname_lookup_cb, n);
}

/* Sends a datagram to a name, now or when its address is known. */
void
udpnames_send(struct udpnames *all, const struct addr *dst, const void *data,
    size_t len)
{
	struct udpname *n, key;

	key.dst = *dst;
	if ((n = RB_FIND(udpname_tree, &all->names, &key)) == NULL &&
	    (n = udpname_new(all, dst)) == NULL) {
		all->dropped++;
		return;
	}
	TAILQ_REMOVE(&all->by_use, n, entry);
	TAILQ_INSERT_TAIL(&all->by_use, n, entry);
	if (!n->asking && (n->expires == 0 || monotime_ns() >= n->expires))
		udpname_ask(n);
	if (n->state == UDPNAME_GOOD)
		all->ops->send(&n->at, data, len, all->arg);
	else if (n->state == UDPNAME_ASKING)
		udpname_wait(n, data, len);
	else if (n->forbidden)
		all->refused++;
	else
		all->dropped++;
}
