/* SPDX-License-Identifier: ISC */
/*
 * Runs sockstun-server at a stock SSH server: on a session channel, as the
 * subsystem "sockstun" or, where the server has no such subsystem, as the
 * command of RemoteHelper.
 *
 * A server runs a command without saying whether the command exists: it is
 * missing if the shell finds none, and then none is run any more.  Whatever
 * else keeps a helper from replying may pass: the server can be out of
 * processes for a moment.  Then none is run for some seconds, so that one which
 * never works is not started for each request.  Both is logged, once, unless a
 * helper of this session has replied before.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "helper.h"
#include "log.h"
#include "monotime.h"
#include "protocol.h"
#include "sshchan.h"
#include "sshloop.h"
#include "sshprogram.h"
#include "stream.h"

/* The exit status of a shell that finds no such program. */
#define HELPER_NOT_FOUND	127
/* Seconds after one that failed in which none is run. */
#define HELPER_PAUSE		2

/*
 * Begins with nothing known of the server's helper.  The command that runs it,
 * NULL for the usual one, must outlive h; "none" forbids commands.
 */
void
helper_init(struct helper *h, struct sshloop *loop, const char *command)
{
	memset(h, 0, sizeof(*h));
	h->loop = loop;
	h->command = command != NULL ? command : SERVICE_HELPER;
}

static void
helper_note_missing(struct helper *h, const char *why)
{
	if (h->until == INT64_MAX || h->answered)
		return;
	h->out = HELPER_MISSING;
	h->until = INT64_MAX;
	log_info("the SSH server has no %s (%s): without it UDP ASSOCIATE and "
	    "RESOLVE are refused, and BIND uses the server's own forwarding; "
	    "install it there as sockstun-server(8) says, or say where it is "
	    "with RemoteHelper", SERVICE_HELPER, why);
}

/* That may pass; why no helper is run until it is tried again. */
static void
helper_note_failure(struct helper *h, enum helper_result out, const char *why)
{
	if (h->until == INT64_MAX || h->answered)
		return;
	h->out = out;
	h->until = monotime_ns() + HELPER_PAUSE * MONOTIME_SECOND;
	if (!h->told)
		log_info("the SSH server's %s does not work (%s): UDP "
		    "ASSOCIATE and RESOLVE are refused, and BIND uses the "
		    "server's own forwarding, until it does; see "
		    "sockstun-server(8)", SERVICE_HELPER, why);
	h->told = 1;
}

/* Tells the owner, who may be gone after it; the channel is closed. */
static void
helper_fail(struct helper_run *r, enum helper_result result, const char *why)
{
	helper_cancel(r);
	r->cb(result, NULL, why, r->arg);
}

static void	helper_request(struct helper_run *);

static void
helper_answer_cb(struct sshchan *chan, enum sshconn_answer answer, void *arg)
{
	struct helper_run *r = arg;
	struct helper *h = r->helper;

	if (answer == SSHCONN_GRANTED) {
		r->chan = NULL;
		r->cb(HELPER_RUNS, &chan->stream, "", r->arg);
	} else if (answer == SSHCONN_LOST) {
		helper_fail(r, HELPER_LOST, "");
	} else if (!r->by_command && strcasecmp(h->command, "none") != 0) {
		r->by_command = 1;
		helper_request(r);
	} else {
		if (r != &h->quick)
			helper_note_failure(h, HELPER_MISSING,
			    "the server runs none");
		helper_fail(r, h->answered ? HELPER_FAILED : HELPER_MISSING,
		    "no helper");
	}
}

static void
helper_request(struct helper_run *r)
{
	int error;

	if (r->by_command)
		error = sshprogram_request(r->chan, SSHPROGRAM_EXEC,
		    r->helper->command, helper_answer_cb, r);
	else
		error = sshprogram_request(r->chan, SSHPROGRAM_SUBSYSTEM,
		    SERVICE_SUBSYSTEM, helper_answer_cb, r);
	if (error != 0)
		helper_fail(r, HELPER_REFUSED, "out of memory");
}

static void
helper_opened_cb(struct sshchan *chan, int failure, const char *text,
    void *arg)
{
	struct helper_run *r = arg;

	if (failure == SSHCHAN_NO_FAILURE)
		helper_request(r);
	else {
		r->chan = NULL;
		r->cb(failure == SSHCHAN_SESSION_LOST ? HELPER_LOST :
		    HELPER_REFUSED, NULL, text, r->arg);
	}
}

/*
 * Runs a helper; the callback comes from the loop, never from inside this
 * call.  -1 when the server cannot be asked.
 */
int
helper_start(struct helper_run *r, struct helper *h, helper_cb *cb, void *arg)
{
	r->helper = h;
	r->cb = cb;
	r->arg = arg;
	r->by_command = h->no_subsystem;
	r->chan = sshprogram_open(&h->loop->chans, helper_opened_cb, r);
	return r->chan != NULL ? 0 : -1;
}

/* Nobody waits for it any more; nothing is done once it runs. */
void
helper_cancel(struct helper_run *r)
{
	struct stream *st;

	if (r->chan == NULL)
		return;
	st = &r->chan->stream;
	r->chan = NULL;
	st->ops->close(st, STREAM_CLOSE);
}

/* It has run, or does not: both is well. */
static void
helper_quick_cb(enum helper_result result, struct stream *st, const char *why,
    void *arg)
{
	if (st != NULL)
		st->ops->close(st, STREAM_CLOSE);
}

/*
 * Runs one for the sake of having run a program, which makes an sshd quick
 * (farend_quicken), unless one has run.
 */
void
helper_quicken(struct helper *h)
{
	if (h->answered || h->quick.helper != NULL ||
	    strcasecmp(h->command, "none") == 0)
		return;
	log_debug("running %s, so that the SSH server answers at once",
	    SERVICE_HELPER);
	helper_start(&h->quick, h, helper_quick_cb, NULL);
}

/* The session goes. */
void
helper_clear(struct helper *h)
{
	helper_cancel(&h->quick);
}

/* Is there use in running one now?  HELPER_RUNS, or why not. */
enum helper_result
helper_outlook(const struct helper *h)
{
	return monotime_ns() < h->until ? h->out : HELPER_RUNS;
}

/*
 * To be told when a helper's stream ended without a reply, or brought something
 * else ("how" says which).  Returns what that means: HELPER_MISSING, or
 * HELPER_FAILED.
 */
enum helper_result
helper_no_reply(struct helper_run *r, struct stream *st, const char *how)
{
	int status = sshprogram_exit_status((struct sshchan *)st);
	char why[128];

	if (status == HELPER_NOT_FOUND) {
		helper_note_missing(r->helper, "no such program");
		return HELPER_MISSING;
	}
	if (status > 0)
		snprintf(why, sizeof(why), "%s, exit status %d", how, status);
	else
		strlcpy(why, how, sizeof(why));
	helper_note_failure(r->helper, HELPER_FAILED, why);
	return HELPER_FAILED;
}

/* To be told when a helper replied: so there is one. */
void
helper_replied(struct helper_run *r)
{
	r->helper->answered = 1;
	r->helper->no_subsystem = r->by_command;
	r->helper->until = 0;
}
