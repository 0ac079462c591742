/* SPDX-License-Identifier: ISC */
/* sshprogram over a session whose answers are written here. */
#include <sys/types.h>
#include <sys/queue.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "log.h"
#include "sshchan.h"
#include "sshconn.h"
#include "sshopen.h"
#include "sshprogram.h"
#include "starve.h"

static struct sshconn conn;
static struct sshchans chans = { .conn = &conn };
static struct sshchan *chan;
static int broken;
static int answer;		/* libssh's to the next request */
static char asked[64];
static int answers;
static enum sshconn_answer last;
static int no_channel;
static int nlines;		/* of the log */
static char line[512];

int
sshconn_is_broken(const struct sshconn *c)
{
	return broken;
}

void
sshconn_kick(struct sshconn *c)
{
}

int
sshconn_result(struct sshconn *c, int rc, const char *call)
{
	return rc;
}

struct sshchan *
sshopen_begin(struct sshchans *all, sshchan_open_cb *cb, void *arg)
{
	if (no_channel || (chan = calloc(1, sizeof(*chan))) == NULL)
		return NULL;
	chan->chans = all;
	return chan;
}

struct sshchan *
sshopen_begun(struct sshchan *c, int rc)
{
	return c;
}

void
sshchan_wait_in(struct sshchan *c, struct sshchan_list *list)
{
	TAILQ_INSERT_TAIL(list, c, turn);
	c->waits_in = list;
}

void
sshchan_unwait(struct sshchan *c)
{
	TAILQ_REMOVE(c->waits_in, c, turn);
	c->waits_in = NULL;
}

void
sshchan_mark(struct sshchan *c, int marks)
{
	c->marks |= marks;
}

void
sshchan_resume(struct sshchan *c)
{
	c->state = SSHCHAN_OPEN;
}

int
ssh_channel_open_session(ssh_channel channel)
{
	return SSH_AGAIN;
}

int
ssh_channel_request_subsystem(ssh_channel channel, const char *name)
{
	strlcpy(asked, name, sizeof(asked));
	return answer;
}

int
ssh_channel_request_exec(ssh_channel channel, const char *command)
{
	return ssh_channel_request_subsystem(channel, command);
}

static void
answered(struct sshchan *c, enum sshconn_answer how, void *arg)
{
	answers++;
	last = how;
}

static int
setup(void **state)
{
	TAILQ_INIT(&chans.asking);
	conn.base = event_base_new();
	broken = answers = 0;
	answer = SSH_AGAIN;
	assert_non_null(sshprogram_open(&chans, NULL, NULL));
	assert_int_equal(sshprogram_request(chan, SSHPROGRAM_SUBSYSTEM,
	    "sockstun", answered, NULL), 0);
	assert_string_equal(asked, "sockstun");
	return 0;
}

static int
teardown(void **state)
{
	chan->kind->free(chan);
	free(chan);
	event_base_free(conn.base);
	return 0;
}

static void
test_granted(void **state)
{
	sshprogram_service(&chans);
	assert_int_equal(answers, 0);
	answer = SSH_OK;
	sshprogram_service(&chans);
	assert_int_equal(answers, 1);
	assert_int_equal(last, SSHCONN_GRANTED);
	sshprogram_service(&chans);
	assert_int_equal(answers, 1);
}

/* The peer refuses, or closes the channel without a word. */
static void
test_refused(void **state)
{
	answer = SSH_ERROR;
	sshprogram_service(&chans);
	assert_int_equal(answers, 1);
	assert_int_equal(last, SSHCONN_REFUSED);
	answer = SSH_AGAIN;
	assert_int_equal(sshprogram_request(chan, SSHPROGRAM_EXEC, "helper",
	    answered, NULL), 0);
	assert_string_equal(asked, "helper");
	chan->marks = SSHCHAN_MARK_CLOSE;
	sshprogram_service(&chans);
	assert_int_equal(answers, 2);
	assert_int_equal(last, SSHCONN_REFUSED);
}

/* Of a broken connection libssh says "refused", which nobody did. */
static void
test_broken(void **state)
{
	answer = SSH_ERROR;
	broken = 1;
	sshprogram_service(&chans);
	assert_int_equal(answers, 0);
	chan->kind->lost(chan);
	assert_int_equal(answers, 1);
	assert_int_equal(last, SSHCONN_LOST);
}

static void
test_status(void **state)
{
	assert_int_equal(sshprogram_exit_status(chan), -1);
	assert_false(chan->kind->failed(chan));
	chan->cbs.channel_exit_status_function(NULL, NULL, 127, chan);
	assert_int_equal(sshprogram_exit_status(chan), 127);
	assert_true(chan->kind->failed(chan));
	chan->kind->stderr_data(chan, "not found\nno end", 16);
	chan->kind->killed(chan, "KILL");
	assert_int_equal(sshprogram_exit_status(chan), 255);
}

/* The end of the output is told, but the program's death if there is one. */
static void
test_eof(void **state)
{
	chan->kind->eof(chan);
	assert_int_equal(chan->marks, 0);
	event_base_dispatch(conn.base);
	assert_int_equal(chan->marks, SSHCHAN_MARK_EOF);
}

static void
test_eof_of_killed(void **state)
{
	chan->kind->eof(chan);
	chan->kind->killed(chan, "KILL");
	event_base_dispatch(conn.base);
	assert_int_equal(chan->marks, SSHCHAN_MARK_RESET);
}

static void
note_line(enum log_level level, const char *text, void *arg)
{
	strlcpy(line, text, sizeof(line));
	nlines++;
}

static void
say(const char *text)
{
	chan->kind->stderr_data(chan, text, strlen(text));
}

/* What a program complains of is logged, by whole lines and in bounds. */
static void
test_complaints(void **state)
{
	char text[1001];
	int i;

	nlines = 0;
	log_init("sshprogram_test", LOG_LEVEL_INFO, 1);
	log_set_sink(note_line, NULL);
	say("no such");
	assert_int_equal(nlines, 0);
	say(" file\r\n\n\033[2J");
	assert_int_equal(nlines, 1);
	assert_string_equal(line, "far end's program: no such file");
	say("\n");
	assert_string_equal(line, "far end's program: \\033[2J");
	memset(text, 'x', 1000);
	text[1000] = '\0';
	say(text);
	assert_int_equal(nlines, 5);
	assert_true(strlen(line) < 300);
	for (i = 0; i < 100; i++)
		say("again\n");
	assert_int_equal(nlines, 20);
	log_set_sink(NULL, NULL);
}

static void
test_no_memory(void **state)
{
	struct sshchan *first = chan;
	int n;

	no_channel = 1;
	assert_null(sshprogram_open(&chans, NULL, NULL));
	no_channel = 0;
	for (n = 1; n <= 3; n++) {
		starve(n);
		assert_null(sshprogram_open(&chans, NULL, NULL));
		starve(0);
	}
	chan = first;
	starve(1);
	assert_int_equal(sshprogram_request(chan, SSHPROGRAM_EXEC, "helper",
	    answered, NULL), -1);
	starve(0);
	/* What was asked before is still to be answered. */
	answer = SSH_OK;
	sshprogram_service(&chans);
	assert_int_equal(answers, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_granted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_status, setup, teardown),
		cmocka_unit_test_setup_teardown(test_complaints, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_eof, setup, teardown),
		cmocka_unit_test_setup_teardown(test_eof_of_killed, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
