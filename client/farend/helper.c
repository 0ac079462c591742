/* SPDX-License-Identifier: ISC */
/*
 * Runs sockstun-server at a stock SSH server: on a session channel, as the
 * subsystem "sockstun" or, where the server has no such subsystem, as the
 * command of RemoteHelper.
 *
 * A server runs a command without saying whether the command exists.  It is
 * missing if it ended without a reply, and no helper of this session ever
 * replied.  Then that is logged, once, and none is run any more.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "helper.h"
#include "log.h"
#include "protocol.h"
#include "sshchan.h"
#include "sshloop.h"
#include "sshprogram.h"
#include "stream.h"

/* The exit status of a shell that finds no such program. */
#define HELPER_NOT_FOUND	127

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
	if (h->missing || h->answered)
		return;
	h->missing = 1;
	log_info("the SSH server has no %s (%s): without it UDP ASSOCIATE and "
	    "RESOLVE are refused, and BIND uses the server's own forwarding; "
	    "install it there as sockstun-server(8) says, or say where it is "
	    "with RemoteHelper", SERVICE_HELPER, why);
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
	} else if (!h->no_subsystem && strcasecmp(h->command, "none") != 0) {
		h->no_subsystem = 1;
		helper_request(r);
	} else {
		helper_note_missing(h, "the server runs none");
		helper_fail(r, HELPER_MISSING, "no helper");
	}
}

static void
helper_request(struct helper_run *r)
{
	int error;

	if (r->helper->no_subsystem)
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

/*
 * To be told when a helper's stream ended without a reply, or brought something
 * else ("how" says which): then there may be no helper.
 */
void
helper_no_reply(struct helper *h, struct stream *st, const char *how)
{
	int status = sshprogram_exit_status((struct sshchan *)st);
	char why[64];

	if (status == HELPER_NOT_FOUND)
		helper_note_missing(h, "no such program");
	else if (status > 0) {
		snprintf(why, sizeof(why), "%s, exit status %d", how, status);
		helper_note_missing(h, why);
	} else
		helper_note_missing(h, how);
}
