/* SPDX-License-Identifier: ISC */
/*
 * The services that are under way, how each begins and how each ends: with
 * one last word to its owner and at most one line of log, or without a word
 * when its owner gives it up.  What a kind of service does is its own file's
 * business.
 */
#include <sys/types.h>
#include <sys/queue.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "log.h"
#include "services.h"
#include "socks.h"

/*
 * No services yet, and those that can be: kinds is a table that NULL ends and
 * that outlives env.  The caller fills in what they run on.
 */
void
services_init(struct services *env, const struct service_kind *const *kinds)
{
	memset(env, 0, sizeof(*env));
	env->kinds = kinds;
	ratelimit_init(&env->refusals, LOG_PEER_LINES);
	TAILQ_INIT(&env->list);
}

/* Gives all services up. */
void
services_clear(struct services *env)
{
	struct service *sv;

	log_left_out(&env->refusals);
	while ((sv = TAILQ_FIRST(&env->list)) != NULL)
		service_cancel(sv);
}

/*
 * A service for a command of SOCKS, not yet started.  NULL with EINVAL if
 * there is none for it here, or with ENOMEM.
 */
struct service *
service_new(struct services *env, int cmd, const struct addr *dst,
    const struct service_ops *ops, void *arg)
{
	const struct service_kind *const *kind = env->kinds;
	struct service *sv;
	char to[ADDR_STRLEN];

	while (*kind != NULL && (int)(*kind)->cmd != cmd)
		kind++;
	if (*kind == NULL) {
		errno = EINVAL;
		return NULL;
	}
	if ((sv = calloc(1, (*kind)->size)) == NULL)
		return NULL;
	sv->env = env;
	sv->kind = *kind;
	sv->ops = ops;
	sv->arg = arg;
	sv->dst = *dst;
	addr_format(dst, to, sizeof(to));
	log_safe(to, strlen(to), sv->to, sizeof(sv->to));
	TAILQ_INSERT_TAIL(&env->list, sv, entry);
	return sv;
}

/*
 * Begins, for that flow if it has a number.  The service may be done, and
 * gone, when this returns.
 */
void
service_start(struct service *sv, uint32_t flow)
{
	char prefix[sizeof("flow 4294967295: ")] = "";

	if (flow != 0)
		snprintf(prefix, sizeof(prefix), "flow %u: ", flow);
	snprintf(sv->subject, sizeof(sv->subject), "%s%s for %s", prefix,
	    sv->kind->name, sv->env->who);
	sv->kind->start(sv);
}

/* Gives a service up, without a word; NULL is none. */
void
service_cancel(struct service *sv)
{
	if (sv == NULL)
		return;
	sv->kind->stop(sv);
	TAILQ_REMOVE(&sv->env->list, sv, entry);
	free(sv);
}

static void
service_end(struct service *sv, const struct service_reply *reply)
{
	sv->kind->stop(sv);
	TAILQ_REMOVE(&sv->env->list, sv, entry);
	sv->ops->done(sv, reply);
	free(sv);
}

/*
 * It did what was asked; bnd may be NULL, fd is given to the owner.  The
 * service is gone.
 */
void
service_done(struct service *sv, const char *reason, const struct addr *bnd,
    int fd)
{
	struct service_reply reply = {
		.rep = SOCKS_REP_OK, .reason = reason, .fd = fd
	};

	if (bnd != NULL)
		reply.bnd = *bnd;
	log_verbose("%s: %s %s", sv->subject, sv->to, reason);
	service_end(sv, &reply);
}

/* The rules refuse it: logged at INFO, but not too often a second. */
void
service_refuse(struct service *sv, enum socks_rep rep, const char *reason)
{
	const char *from = sv->env->from;

	log_info_limited(&sv->env->refusals, "%s%s%s: %s refused: %s",
	    sv->subject, from == NULL ? "" : " from ",
	    from == NULL ? "" : from, sv->to, reason);
	service_over(sv, rep, reason);
}

/* It did not do what was asked; the service is gone. */
void
service_fail(struct service *sv, enum socks_rep rep, const char *reason)
{
	if (rep == SOCKS_REP_RULESET) {
		service_refuse(sv, rep, reason);
		return;
	}
	log_verbose("%s: %s failed: %s", sv->subject, sv->to, reason);
	service_over(sv, rep, reason);
}

/* The same for an errno. */
void
service_fail_errno(struct service *sv, int error)
{
	service_fail(sv, socks_rep_from_errno(error), strerror(error));
}

/* An association is over; the kind has written the log. */
void
service_over(struct service *sv, enum socks_rep rep, const char *reason)
{
	struct service_reply reply = {
		.rep = rep, .reason = reason, .fd = -1
	};

	service_end(sv, &reply);
}
