/* SPDX-License-Identifier: ISC */
/* A dead path is told from a slow target and from a deep queue. */
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "monotime.h"
#include "sshpulse.h"
#include "tcppath.h"

#define SEC	MONOTIME_SECOND
#define MS	(SEC / 1000)

static struct sshpulse p;
static int64_t sent;		/* since the last byte was */

/* A path on which so many segments wait, sent again so often. */
static enum sshpulse_verdict
look(int64_t now, unsigned int unacked, unsigned int backoff, int64_t acked,
    int64_t trip)
{
	const struct tcppath path = {
		.unacked = unacked, .backoff = backoff, .acked = acked,
		.trip = trip, .sent = sent
	};

	return sshpulse_look(&p, now, &path);
}

/* Something was sent at 100 s, after a long silence. */
static int
set_up(void **state)
{
	p = (struct sshpulse){ .in = 5, .out = 7 };
	sent = SEC;
	assert_int_equal(sshpulse_note(&p, 5, 7, 50 * SEC), 0);
	assert_int_equal(sshpulse_note(&p, 5, 9, 100 * SEC), 1);
	return 0;
}

static void
test_answered(void **state)
{
	sshpulse_note(&p, 6, 9, 101 * SEC);
	assert_int_equal(look(101 * SEC, 0, 0, 0, MS), SSHPULSE_CALM);
	assert_int_equal(sshpulse_note(&p, 7, 9, 102 * SEC), 0);
	assert_int_equal(look(200 * SEC, 3, 9, 100 * SEC, MS), SSHPULSE_CALM);
}

/* What came answered a part; the rest fills the socket and goes nowhere. */
static void
test_answered_in_part(void **state)
{
	assert_int_equal(sshpulse_note(&p, 6, 11, 101 * SEC), 1);
	assert_int_equal(look(103 * SEC, 9, 4, 2 * SEC, MS), SSHPULSE_WAITING);
	assert_int_equal(look(105 * SEC, 9, 4, 4 * SEC, MS), SSHPULSE_DEAD);
	assert_int_equal(look(105 * SEC, 0, 0, SEC, MS), SSHPULSE_CALM);
	/* What is sent now is to be answered anew. */
	assert_int_equal(sshpulse_note(&p, 6, 12, 110 * SEC), 1);
	assert_int_equal(look(111 * SEC, 0, 0, SEC, MS), SSHPULSE_WAITING);
	assert_int_equal(look(112 * SEC, 0, 0, SEC, MS), SSHPULSE_ASK);
}

static void
test_dead(void **state)
{
	int64_t long_ago = 60 * SEC;

	assert_int_equal(look(102 * SEC, 1, 4, long_ago, 40 * MS),
	    SSHPULSE_WAITING);
	assert_int_equal(look(104 * SEC, 1, 4, long_ago, 40 * MS),
	    SSHPULSE_DEAD);
	/* The last try may be answered any moment; one is to come. */
	sent = 50 * MS;
	assert_int_equal(look(104 * SEC, 1, 4, long_ago, 40 * MS),
	    SSHPULSE_WAITING);
	sent = SEC;
	assert_int_equal(look(104 * SEC, 1, 3, long_ago, 40 * MS),
	    SSHPULSE_WAITING);
	sent = 10 * SEC;
	/* Long pauses, as a queue has made them: later, but not for ever. */
	assert_int_equal(look(106 * SEC, 1, 2, long_ago, 400 * MS),
	    SSHPULSE_DEAD);
	assert_int_equal(look(106 * SEC, 1, 1, long_ago, 400 * MS),
	    SSHPULSE_WAITING);
	/* A path to the moon is given more time. */
	assert_int_equal(look(104 * SEC, 1, 4, long_ago, 2500 * MS),
	    SSHPULSE_WAITING);
	assert_int_equal(look(121 * SEC, 1, 4, long_ago, 2500 * MS),
	    SSHPULSE_DEAD);
}

/* Behind a deep queue acknowledgements are late, but come. */
static void
test_queue(void **state)
{
	assert_int_equal(look(130 * SEC, 900, 0, 10 * SEC, 40 * MS),
	    SSHPULSE_WAITING);
	assert_int_equal(look(130 * SEC, 900, 5, 1 * SEC, 40 * MS),
	    SSHPULSE_WAITING);
}

/* A target that takes its time is not the path's fault: it is asked once. */
static void
test_slow_target(void **state)
{
	assert_int_equal(look(101 * SEC, 0, 0, SEC, 40 * MS),
	    SSHPULSE_WAITING);
	assert_int_equal(look(102 * SEC, 0, 0, SEC, 40 * MS), SSHPULSE_ASK);
	assert_int_equal(sshpulse_note(&p, 5, 12, 102 * SEC), 1);
	assert_int_equal(look(103 * SEC, 0, 0, SEC, 40 * MS),
	    SSHPULSE_WAITING);
	assert_int_equal(look(190 * SEC, 0, 0, SEC, 40 * MS),
	    SSHPULSE_WAITING);
	sshpulse_note(&p, 6, 12, 191 * SEC);
	assert_int_equal(look(191 * SEC, 0, 0, SEC, 40 * MS), SSHPULSE_CALM);
}

/* Behind a command nobody acknowledges: only an answer tells. */
static void
test_no_tcp(void **state)
{
	assert_int_equal(sshpulse_look(&p, 102 * SEC, NULL), SSHPULSE_ASK);
	assert_int_equal(sshpulse_look(&p, 116 * SEC, NULL),
	    SSHPULSE_WAITING);
	assert_int_equal(sshpulse_look(&p, 117 * SEC, NULL), SSHPULSE_DEAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_answered, set_up),
		cmocka_unit_test_setup(test_answered_in_part, set_up),
		cmocka_unit_test_setup(test_dead, set_up),
		cmocka_unit_test_setup(test_queue, set_up),
		cmocka_unit_test_setup(test_slow_target, set_up),
		cmocka_unit_test_setup(test_no_tcp, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
