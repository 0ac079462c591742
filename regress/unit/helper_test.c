/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a helper that does not run: when it is tried again, and what
 * the log says.  The server's program is played by the test, and the clock is
 * its own (linked with --wrap).
 */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "helper.h"
#include "log.h"
#include "monotime.h"
#include "sshchan.h"
#include "sshloop.h"
#include "sshprogram.h"
#include "stream.h"

int64_t	__wrap_monotime_ns(void);

static struct sshloop loop;
static struct helper helper;
static struct helper_run run;
static struct sshchan chan;
static sshchan_open_cb *opened;
static sshprogram_cb *requested;
static void *opened_arg, *requested_arg;
static enum sshprogram_kind kind;
static enum helper_result got;
static int64_t now;
static int starts, closes, answers, status;
static int missing, failing;	/* lines of log */

int64_t
__wrap_monotime_ns(void)
{
	return now;
}

struct sshchan *
sshprogram_open(struct sshchans *chans, sshchan_open_cb *cb, void *arg)
{
	opened = cb;
	opened_arg = arg;
	starts++;
	return &chan;
}

int
sshprogram_request(struct sshchan *c, enum sshprogram_kind k, const char *name,
    sshprogram_cb *cb, void *arg)
{
	kind = k;
	requested = cb;
	requested_arg = arg;
	return 0;
}

int
sshprogram_exit_status(const struct sshchan *c)
{
	return status;
}

static void
chan_close(struct stream *st, enum stream_ending ending)
{
	closes++;
}

static const struct stream_ops chan_ops = { .close = chan_close };

static void
sink(enum log_level level, const char *text, void *arg)
{
	missing += strstr(text, "has no sockstun-server") != NULL;
	failing += strstr(text, "sockstun-server does not work") != NULL;
}

static void
ran_cb(enum helper_result result, struct stream *st, const char *why,
    void *arg)
{
	got = result;
	answers++;
}

static int
setup(void **state)
{
	log_set_sink(sink, NULL);
	chan.stream.ops = &chan_ops;
	helper_init(&helper, &loop, NULL);
	now = MONOTIME_SECOND;
	status = -1;
	starts = closes = answers = missing = failing = 0;
	return 0;
}

/* A start, whose subsystem and command the server refuses, or not. */
static void
start(int no_subsystem, int no_command)
{
	assert_int_equal(helper_start(&run, &helper, ran_cb, NULL), 0);
	opened(&chan, SSHCHAN_NO_FAILURE, "", opened_arg);
	if (kind == SSHPROGRAM_SUBSYSTEM)
		requested(&chan, no_subsystem ? SSHCONN_REFUSED :
		    SSHCONN_GRANTED, requested_arg);
	if (kind == SSHPROGRAM_EXEC)
		requested(&chan, no_command ? SSHCONN_REFUSED :
		    SSHCONN_GRANTED, requested_arg);
}

static enum helper_result
end(int exit_status)
{
	status = exit_status;
	return helper_no_reply(&run, &chan.stream, "it ended");
}

/* The shell says that there is none: for good. */
static void
test_missing(void **state)
{
	start(1, 0);
	assert_int_equal(got, HELPER_RUNS);
	assert_int_equal(end(127), HELPER_MISSING);
	now += 3600 * MONOTIME_SECOND;
	assert_int_equal(helper_outlook(&helper), HELPER_MISSING);
	/* Others were under way. */
	assert_int_equal(end(127), HELPER_MISSING);
	assert_int_equal(end(1), HELPER_FAILED);
	assert_int_equal(helper_outlook(&helper), HELPER_MISSING);
	assert_int_equal(missing, 1);
	assert_int_equal(failing, 0);
}

/* A server that is out of processes is asked again, for the subsystem too. */
static void
test_passes(void **state)
{
	int i;

	for (i = 0; i < 5; i++) {
		kind = SSHPROGRAM_SUBSYSTEM;
		assert_int_equal(helper_outlook(&helper), HELPER_RUNS);
		start(1, i % 2);
		if (i % 2 == 1)
			assert_int_equal(got, HELPER_MISSING);
		else
			assert_int_equal(end(255), HELPER_FAILED);
		assert_int_equal(helper_outlook(&helper), i % 2 == 1 ?
		    HELPER_MISSING : HELPER_FAILED);
		now += 2 * MONOTIME_SECOND;
	}
	start(0, 0);
	assert_int_equal(kind, SSHPROGRAM_SUBSYSTEM);
	helper_replied(&run);
	assert_int_equal(missing, 0);
	assert_int_equal(failing, 1);
	/* From now on it is only the one request that fails. */
	start(1, 1);
	assert_int_equal(got, HELPER_FAILED);
	assert_int_equal(helper_outlook(&helper), HELPER_RUNS);
	start(0, 0);
	assert_int_equal(kind, SSHPROGRAM_SUBSYSTEM);
	assert_int_equal(end(127), HELPER_MISSING);
	assert_int_equal(helper_outlook(&helper), HELPER_RUNS);
	assert_int_equal(missing, 0);
	assert_int_equal(failing, 1);
}

/* Where the command is what answers, the subsystem is not asked for again. */
static void
test_command(void **state)
{
	start(1, 0);
	helper_replied(&run);
	kind = SSHPROGRAM_SUBSYSTEM;
	assert_int_equal(helper_start(&run, &helper, ran_cb, NULL), 0);
	opened(&chan, SSHCHAN_NO_FAILURE, "", opened_arg);
	assert_int_equal(kind, SSHPROGRAM_EXEC);
	requested(&chan, SSHCONN_GRANTED, requested_arg);
	assert_int_equal(got, HELPER_RUNS);
}

static void
test_no_channel(void **state)
{
	assert_int_equal(helper_start(&run, &helper, ran_cb, NULL), 0);
	opened(NULL, SSHCHAN_PROHIBITED, "no more sessions", opened_arg);
	assert_int_equal(got, HELPER_REFUSED);
	assert_int_equal(helper_outlook(&helper), HELPER_RUNS);
	assert_int_equal(missing + failing, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_missing, setup),
		cmocka_unit_test_setup(test_passes, setup),
		cmocka_unit_test_setup(test_command, setup),
		cmocka_unit_test_setup(test_no_channel, setup)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
