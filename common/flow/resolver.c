/* SPDX-License-Identifier: ISC */
/*
 * Names to addresses, and back, in a pool of threads.  Everything but
 * resolver_run() is called in the loop's thread; what the two share is struct
 * pool, under its mutex, which lives until the last thread has left it:
 * getaddrinfo(3) cannot be interrupted.
 *
 * A query waits in the list of its host's struct name.  At most
 * RESOLVER_PER_NAME threads work on one name, and one less than there are, and
 * names take turns; so a name that hangs, however often it is asked for, delays
 * only itself.  When as many different names hang as there are threads, the
 * others wait until getaddrinfo gives up on one of them: with the defaults of
 * resolv.conf(5), after 10 seconds for each name server.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/tree.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <event2/event.h>

#include "addr.h"
#include "eventloop.h"
#include "log.h"
#include "ratelimit.h"
#include "resolver.h"
#include "xmalloc.h"

#define RESOLVER_QUEUE_MAX	32768	/* queries under way */
#define RESOLVER_PER_NAME	2
#define RESOLVER_STACK		(512 * 1024)
#define RESOLVER_PORT_LEN	sizeof("65535")
#define RESOLVER_AGAIN		10000	/* us, until the loop can be woken */

enum query_state {
	QUERY_WAITING,		/* in its name's list */
	QUERY_RUNNING,		/* a thread has it */
	QUERY_CANCELLED,	/* a thread has it, and frees it */
	QUERY_DONE		/* in the pool's list of results */
};

struct resolver_query {
	TAILQ_ENTRY(resolver_query) entry;
	struct pool		*pool;
	struct name		*name;	/* not when DONE */
	enum query_state	 state;
	int			 family;
	char			 port[RESOLVER_PORT_LEN];
	resolver_cb		*cb;
	resolver_name_cb	*name_cb;	/* if a name is asked for */
	void			*arg;
	int			 error;	/* EAI_* */
	int			 saved;	/* errno with EAI_SYSTEM */
	struct addrinfo		*res;
	char			*found;	/* the name */
};
TAILQ_HEAD(query_list, resolver_query);

struct name {
	RB_ENTRY(name)		 node;
	TAILQ_ENTRY(name)	 entry;		/* if runnable */
	struct query_list	 waiting;
	size_t			 nrunning;
	int			 runnable;	/* in the pool's list */
	char			 host[];
};
RB_HEAD(name_tree, name);

struct pool {
	pthread_mutex_t		 mutex;
	pthread_cond_t		 cond;
	size_t			 refs;		/* the resolver and threads */
	size_t			 max;
	size_t			 per_name;
	size_t			 nthreads;
	size_t			 nidle;
	size_t			 nwaiting;	/* queries no thread has */
	size_t			 nqueries;	/* waiting, running, done */
	size_t			 ndone;
	int			 stopping;
	int			 wake[2];	/* pipe: read end, write end */
	struct name_tree	 names;
	TAILQ_HEAD(runnable_list, name) runnable;
	struct query_list	 done;
};

struct resolver {
	struct pool		*pool;
	struct event		*ev;
	struct ratelimit	 lines;		/* of log */
};

static int
name_cmp(const struct name *a, const struct name *b)
{
	return strcasecmp(a->host, b->host);
}

RB_GENERATE_INTERNAL(name_tree, name, node, name_cmp,
    static __attribute__((unused)))

/* Names.  All of this is called with the mutex held. */

static struct name *
name_get(struct pool *pool, const char *host)
{
	struct name *name, *old;
	size_t len = strlen(host) + 1;

	if ((name = calloc(1, sizeof(*name) + len)) == NULL)
		return NULL;
	TAILQ_INIT(&name->waiting);
	memcpy(name->host, host, len);
	if ((old = RB_INSERT(name_tree, &pool->names, name)) != NULL) {
		free(name);
		return old;
	}
	return name;
}

static void
name_remove(struct pool *pool, struct resolver_query *q)
{
	TAILQ_REMOVE(&q->name->waiting, q, entry);
	pool->nwaiting--;
}

/* Puts the name where what it has waiting and running says it belongs. */
static void
name_update(struct pool *pool, struct name *name)
{
	int runnable;

	runnable = !TAILQ_EMPTY(&name->waiting) &&
	    name->nrunning < pool->per_name;
	if (runnable && !name->runnable)
		TAILQ_INSERT_TAIL(&pool->runnable, name, entry);
	else if (!runnable && name->runnable)
		TAILQ_REMOVE(&pool->runnable, name, entry);
	name->runnable = runnable;
	if (TAILQ_EMPTY(&name->waiting) && name->nrunning == 0) {
		RB_REMOVE(name_tree, &pool->names, name);
		free(name);
	}
}

/* The next query to run: the first of the first name, whose turn then ends. */
static struct resolver_query *
name_next(struct pool *pool)
{
	struct resolver_query *q;
	struct name *name;

	if ((name = TAILQ_FIRST(&pool->runnable)) == NULL)
		return NULL;
	TAILQ_REMOVE(&pool->runnable, name, entry);
	name->runnable = 0;
	q = TAILQ_FIRST(&name->waiting);
	name_remove(pool, q);
	q->state = QUERY_RUNNING;
	name->nrunning++;
	name_update(pool, name);
	return q;
}

/* The pool. */

static struct pool *
pool_new(size_t max)
{
	struct pool *pool;

	pool = xcalloc(1, sizeof(*pool));
	if (pthread_mutex_init(&pool->mutex, NULL) != 0 ||
	    pthread_cond_init(&pool->cond, NULL) != 0)
		fatalx("resolver: no mutex");
	if (pipe2(pool->wake, O_NONBLOCK | O_CLOEXEC) == -1)
		fatal("resolver: pipe");
	pool->refs = 1;
	pool->max = max > 0 ? max : 1;
	pool->per_name = RESOLVER_PER_NAME;
	if (pool->per_name >= pool->max)
		pool->per_name = pool->max > 1 ? pool->max - 1 : 1;
	RB_INIT(&pool->names);
	TAILQ_INIT(&pool->runnable);
	TAILQ_INIT(&pool->done);
	return pool;
}

/* Releases the mutex and one reference. */
static void
pool_unlock_unref(struct pool *pool)
{
	size_t refs;

	refs = --pool->refs;
	pthread_mutex_unlock(&pool->mutex);
	if (refs > 0)
		return;
	pthread_cond_destroy(&pool->cond);
	pthread_mutex_destroy(&pool->mutex);
	close(pool->wake[0]);
	close(pool->wake[1]);
	free(pool);
}

static void
query_free(struct resolver_query *q)
{
	q->pool->nqueries--;
	if (q->res != NULL)
		freeaddrinfo(q->res);
	free(q->found);
	free(q);
}

static void
pool_add_done(struct pool *pool, struct resolver_query *q)
{
	q->state = QUERY_DONE;
	q->name = NULL;
	TAILQ_INSERT_TAIL(&pool->done, q, entry);
	pool->ndone++;
}

static void
pool_remove_done(struct pool *pool, struct resolver_query *q)
{
	TAILQ_REMOVE(&pool->done, q, entry);
	pool->ndone--;
}

/*
 * Wakes the loop; a full pipe wakes it anyway.  The kernel may have no page
 * for the pipe just now.  Called without the mutex, which the loop takes.
 */
static void
pool_wake(struct pool *pool)
{
	while (write(pool->wake[1], "", 1) == -1 && errno != EAGAIN) {
		if (errno != EINTR)
			usleep(RESOLVER_AGAIN);
	}
}

static void
resolver_lookup(struct resolver_query *q, const char *host, int flags)
{
	struct addrinfo hints;

	memset(&hints, 0, sizeof(hints));
	hints.ai_family = q->family;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_NUMERICSERV | flags;
	q->error = getaddrinfo(host, q->port, &hints, &q->res);
	q->saved = errno;
	if (q->error != 0)
		q->res = NULL;
}

/* The name of an address, given as text. */
static void
resolver_lookup_name(struct resolver_query *q, const char *host)
{
	struct sockaddr_storage ss;
	struct addr a;
	char name[NI_MAXHOST];
	socklen_t len;

	if (addr_parse_host(&a, host, 0) == -1 ||
	    addr_to_sockaddr(&a, &ss, &len) == -1) {
		q->error = EAI_FAMILY;
		return;
	}
	q->error = getnameinfo((struct sockaddr *)&ss, len, name,
	    sizeof(name), NULL, 0, NI_NAMEREQD);
	q->saved = errno;
	if (q->error == 0 && (q->found = strdup(name)) == NULL)
		q->error = EAI_MEMORY;
}

/* A thread: takes queries until the pool is stopped. */
static void *
resolver_run(void *arg)
{
	struct pool *pool = arg;
	struct resolver_query *q;
	struct name *name;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->stopping) {
		if ((q = name_next(pool)) == NULL) {
			pool->nidle++;
			pthread_cond_wait(&pool->cond, &pool->mutex);
			pool->nidle--;
			continue;
		}
		name = q->name;
		pthread_mutex_unlock(&pool->mutex);
		if (q->name_cb != NULL)
			resolver_lookup_name(q, name->host);
		else
			resolver_lookup(q, name->host, 0);
		pthread_mutex_lock(&pool->mutex);
		name->nrunning--;
		name_update(pool, name);
		if (q->state == QUERY_CANCELLED || pool->stopping) {
			query_free(q);
			continue;
		}
		pool_add_done(pool, q);
		pthread_mutex_unlock(&pool->mutex);
		pool_wake(pool);
		pthread_mutex_lock(&pool->mutex);
	}
	pool_unlock_unref(pool);
	return NULL;
}

/*
 * Starts one more thread if the limit allows.  Returns 0, or an errno when none
 * runs at all.  Signals are left to the loop's thread.  Called with the mutex
 * held.
 */
static int
pool_add_thread(struct pool *pool)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, saved;
	int error;

	if (pool->nthreads >= pool->max)
		return 0;
	if ((error = pthread_attr_init(&attr)) != 0)
		return pool->nthreads > 0 ? 0 : error;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, RESOLVER_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &saved);
	error = pthread_create(&thread, &attr, resolver_run, pool);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	pthread_attr_destroy(&attr);
	if (error == 0) {
		pool->nthreads++;
		pool->refs++;
	}
	return pool->nthreads > 0 ? 0 : error;
}

/*
 * Gives the query to the threads.  Returns 0, or an errno if that cannot be:
 * it is our own trouble, and not EAI_AGAIN, which a name server causes.
 */
static int
pool_submit(struct pool *pool, struct resolver_query *q, const char *host)
{
	int error;

	if (pool->nqueries > RESOLVER_QUEUE_MAX)
		return ENOBUFS;
	if ((q->name = name_get(pool, host)) == NULL)
		return ENOMEM;
	if (pool->nwaiting >= pool->nidle &&
	    (error = pool_add_thread(pool)) != 0) {
		name_update(pool, q->name);
		return error;
	}
	TAILQ_INSERT_TAIL(&q->name->waiting, q, entry);
	pool->nwaiting++;
	name_update(pool, q->name);
	pthread_cond_signal(&pool->cond);
	return 0;
}

/* The next result, no longer in the list. */
static struct resolver_query *
pool_take_done(struct pool *pool)
{
	struct resolver_query *q;

	pthread_mutex_lock(&pool->mutex);
	if ((q = TAILQ_FIRST(&pool->done)) != NULL)
		pool_remove_done(pool, q);
	pthread_mutex_unlock(&pool->mutex);
	return q;
}

static void
resolver_deliver(struct resolver_query *q)
{
	struct pool *pool = q->pool;
	struct addrinfo *res = q->res;
	char *found = q->found;
	resolver_cb *cb = q->cb;
	resolver_name_cb *name_cb = q->name_cb;
	void *arg = q->arg;
	int error = q->error, saved = q->saved;

	q->res = NULL;
	q->found = NULL;
	pthread_mutex_lock(&pool->mutex);
	query_free(q);
	pthread_mutex_unlock(&pool->mutex);
	errno = saved;
	if (name_cb != NULL)
		name_cb(error, found, arg);
	else
		cb(error, res, arg);
	free(found);
}

/*
 * Calls back for the results there are now, not for those that the callbacks
 * themselves cause.  A callback may free the resolver: the pool is kept until
 * the end, with an empty list of results.
 */
static void
resolver_wake_cb(evutil_socket_t fd, short what, void *arg)
{
	struct pool *pool = ((struct resolver *)arg)->pool;
	struct resolver_query *q;
	char buf[512];
	size_t n;

	while (read(fd, buf, sizeof(buf)) == (ssize_t)sizeof(buf))
		;
	pthread_mutex_lock(&pool->mutex);
	pool->refs++;
	n = pool->ndone;
	pthread_mutex_unlock(&pool->mutex);
	while (n-- > 0 && (q = pool_take_done(pool)) != NULL)
		resolver_deliver(q);
	pthread_mutex_lock(&pool->mutex);
	pool_unlock_unref(pool);
}

/*
 * A resolver with at most nthreads threads, started as they are needed.
 * Threads do not survive fork(2), so a process that forks makes it afterwards.
 */
struct resolver *
resolver_new(struct event_base *base, size_t nthreads)
{
	struct resolver *r;

	r = xcalloc(1, sizeof(*r));
	ratelimit_init(&r->lines, 1);
	r->pool = pool_new(nthreads);
	r->ev = event_new(base, r->pool->wake[0], EV_READ | EV_PERSIST,
	    resolver_wake_cb, r);
	if (r->ev == NULL || eventloop_watch(r->ev, NULL) == -1)
		fatalx("resolver: cannot watch the pipe");
	return r;
}

/*
 * Cancels all queries; the caller's pointers to them are invalid afterwards.
 * Does not wait for threads inside getaddrinfo(3).
 */
void
resolver_free(struct resolver *r)
{
	struct pool *pool;
	struct resolver_query *q;
	struct name *name, *next;

	if (r == NULL)
		return;
	pool = r->pool;
	event_free(r->ev);
	free(r);
	pthread_mutex_lock(&pool->mutex);
	pool->stopping = 1;
	name = RB_MIN(name_tree, &pool->names);
	for (; name != NULL; name = next) {
		next = RB_NEXT(name_tree, &pool->names, name);
		while ((q = TAILQ_FIRST(&name->waiting)) != NULL) {
			name_remove(pool, q);
			query_free(q);
		}
		name_update(pool, name);
	}
	while ((q = TAILQ_FIRST(&pool->done)) != NULL) {
		pool_remove_done(pool, q);
		query_free(q);
	}
	pthread_cond_broadcast(&pool->cond);
	pool_unlock_unref(pool);
}

static struct resolver_query *
query_new(struct resolver *r, void *arg)
{
	struct resolver_query *q;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return NULL;
	q->pool = r->pool;
	q->arg = arg;
	return q;
}

/* Counts a new query and gives it to the threads, unless the host is NULL. */
static void
resolver_accept(struct resolver *r, struct resolver_query *q,
    const char *host)
{
	struct pool *pool = r->pool;
	int error = 0;

	pthread_mutex_lock(&pool->mutex);
	pool->nqueries++;
	if (host != NULL && (error = pool_submit(pool, q, host)) != 0) {
		q->error = EAI_SYSTEM;
		q->saved = error;
	}
	if (host == NULL || error != 0) {
		pool_add_done(pool, q);
		event_active(r->ev, EV_READ, 0);
	}
	pthread_mutex_unlock(&pool->mutex);
	if (error != 0)
		log_info_limited(&r->lines, "no names are resolved now: %s",
		    strerror(error));
}

/*
 * Looks up a host for stream sockets of a family (AF_UNSPEC: both).  Literal
 * addresses take no thread.  The callback comes from the loop, never from here,
 * with errno set if its code is EAI_SYSTEM, as it is when no thread can be
 * started or too many queries are under way; the list is to be freed with
 * freeaddrinfo(3).  Returns the query, which is gone after the callback, or
 * NULL when memory is out.
 */
struct resolver_query *
resolver_ask(struct resolver *r, const char *host, uint16_t port, int family,
    resolver_cb *cb, void *arg)
{
	struct resolver_query *q;
	struct addr a;
	char text[ADDR_STRLEN];
	int named = 0;

	if ((q = query_new(r, arg)) == NULL)
		return NULL;
	q->family = family;
	q->cb = cb;
	snprintf(q->port, sizeof(q->port), "%u", port);
	if (addr_parse_host(&a, host, port) == -1)
		q->error = EAI_NONAME;
	else if (a.type == ADDR_NAME)
		named = 1;
	else
		resolver_lookup(q, addr_format_host(&a, text, sizeof(text)),
		    AI_NUMERICHOST);
	resolver_accept(r, q, named ? a.u.name : NULL);
	return q;
}

/*
 * Looks up the name of an address in the same way; EAI_NONAME says that it has
 * none.  In the pool the query waits under the text of the address, where no
 * query for addresses ever does.
 */
struct resolver_query *
resolver_ask_name(struct resolver *r, const struct addr *a,
    resolver_name_cb *cb, void *arg)
{
	struct resolver_query *q;
	char host[ADDR_STRLEN];

	if ((q = query_new(r, arg)) == NULL)
		return NULL;
	q->name_cb = cb;
	resolver_accept(r, q, addr_format_host(a, host, sizeof(host)));
	return q;
}

/* Forgets a query: its callback is not called.  NULL is ignored. */
void
resolver_cancel(struct resolver_query *q)
{
	struct pool *pool;
	struct name *name;

	if (q == NULL)
		return;
	pool = q->pool;
	pthread_mutex_lock(&pool->mutex);
	switch (q->state) {
	case QUERY_WAITING:
		name = q->name;
		name_remove(pool, q);
		name_update(pool, name);
		query_free(q);
		break;
	case QUERY_RUNNING:
		q->state = QUERY_CANCELLED;
		break;
	case QUERY_DONE:
		pool_remove_done(pool, q);
		query_free(q);
		break;
	case QUERY_CANCELLED:
		break;
	}
	pthread_mutex_unlock(&pool->mutex);
}
