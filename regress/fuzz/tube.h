/* SPDX-License-Identifier: ISC */
/*
 * Streams in memory, whose far side does what a script says.  A closed one is
 * freed, so that a sanitizer sees who uses it still.
 */
#ifndef TUBE_H
#define TUBE_H

#include <errno.h>

#include "fuzz.h"
#include "sshchan.h"

#define TUBES	32

struct tube {
	struct sshchan	 chan;		/* first: its stream is cast */
	int		 want;
	int		 error;		/* behind what came; -1: the end */
	size_t		 space;		/* that a write may use */
	int		 ended;		/* nothing more is written */
	u_char		 came[1024];	/* all that ever came */
	size_t		 len;
	size_t		 off;		/* bytes of it that were read */
	u_char		 got[4096];	/* all that was written */
	size_t		 ngot;
};

static struct tube *tubes[TUBES];

static ssize_t
tube_read(struct stream *st, void *buf, size_t len)
{
	struct tube *t = (struct tube *)st;

	if (len > t->len - t->off)
		len = t->len - t->off;
	if (len == 0) {
		errno = t->error == 0 ? EAGAIN : t->error;
		return t->error == -1 ? 0 : -1;
	}
	memcpy(buf, t->came + t->off, len);
	t->off += len;
	return (ssize_t)len;
}

static ssize_t
tube_write(struct stream *st, const void *buf, size_t len)
{
	struct tube *t = (struct tube *)st;

	check(!t->ended);
	if (len > t->space)
		len = t->space;
	if (len > sizeof(t->got) - t->ngot)
		len = sizeof(t->got) - t->ngot;
	if (len == 0) {
		errno = EAGAIN;
		return -1;
	}
	memcpy(t->got + t->ngot, buf, len);
	t->ngot += len;
	t->space -= len;
	return (ssize_t)len;
}

static size_t
tube_space(struct stream *st)
{
	return ((struct tube *)st)->space;
}

static void
tube_want(struct stream *st, int want)
{
	((struct tube *)st)->want = want;
}

static void
tube_end(struct stream *st)
{
	((struct tube *)st)->ended = 1;
}

static void
tube_close(struct stream *st, enum stream_ending ending)
{
	size_t i;

	for (i = 0; tubes[i] != (struct tube *)st; i++)
		check(i < TUBES - 1);
	free(tubes[i]);
	tubes[i] = NULL;
}

/* NULL when there are TUBES. */
static struct tube *
tube_new(void)
{
	static const struct stream_ops ops = {
		tube_read, tube_write, tube_space, tube_want, tube_end,
		tube_close
	};
	size_t i;

	for (i = 0; i < TUBES && tubes[i] != NULL; i++)
		;
	if (i == TUBES)
		return NULL;
	check((tubes[i] = calloc(1, sizeof(*tubes[i]))) != NULL);
	tubes[i]->chan.stream.ops = &ops;
	return tubes[i];
}

/* Something comes, there is room, or it ends; the tube may be gone then. */
static void
tube_act(struct tube *t, struct script *s)
{
	static const int errors[] = { 0, 0, 0, -1, -1, ENETRESET, ECONNRESET };
	struct stream *st = &t->chan.stream;
	unsigned int what = script_byte(s);
	size_t n = script_byte(s);
	const uint8_t *p = script_bytes(s, &n);

	if (t->error != 0)
		n = 0;
	else
		t->error = errors[what % 7];
	if (n > sizeof(t->came) - t->len)
		n = sizeof(t->came) - t->len;
	memcpy(t->came + t->len, p, n);
	t->len += n;
	t->space += what;
	what /= 7;
	if (st->cb == NULL)
		return;
	if (what % 4 == 0 && t->error != 0)
		st->cb(st, STREAM_RESET, st->arg);
	else if (what % 4 == 1)
		st->cb(st, STREAM_HANGUP, st->arg);
	else if (what % 4 == 2 && (t->want & STREAM_WANT_WRITE))
		st->cb(st, STREAM_WRITABLE, st->arg);
	else if (t->want & STREAM_WANT_READ)
		st->cb(st, STREAM_READABLE, st->arg);
}

/* Each was closed. */
static void
tubes_check_closed(void)
{
	size_t i;

	for (i = 0; i < TUBES; i++)
		check(tubes[i] == NULL);
}

#endif
