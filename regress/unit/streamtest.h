/* SPDX-License-Identifier: ISC */
/*
 * A stream in memory: the test sets what it gives and what it takes.  To be
 * included by tests, after cmocka.h.
 */
#ifndef STREAMTEST_H
#define STREAMTEST_H

#include "stream.h"

#define SPACE_ALL	SIZE_MAX

struct fake {
	struct stream	 stream;
	u_char		 in[1 << 20];	/* what read gives */
	size_t		 in_len;
	int		 in_end;	/* then the end */
	u_char		 out[4 << 20];	/* what was written */
	size_t		 out_len;
	int		 writes;
	size_t		 space;		/* what write takes */
	int		 error;		/* errno of the next write, or 0 */
	int		 want;
	int		 ended;
	int		 closed;
	enum stream_ending ending;
};

static ssize_t
fake_read(struct stream *st, void *buf, size_t len)
{
	struct fake *f = (struct fake *)st;

	if (f->in_len == 0) {
		errno = EAGAIN;
		return f->in_end ? 0 : -1;
	}
	if (len > f->in_len)
		len = f->in_len;
	memcpy(buf, f->in, len);
	memmove(f->in, f->in + len, f->in_len - len);
	f->in_len -= len;
	return (ssize_t)len;
}

static ssize_t
fake_write(struct stream *st, const void *buf, size_t len)
{
	struct fake *f = (struct fake *)st;

	if (f->error != 0) {
		errno = f->error;
		return -1;
	}
	if (len > f->space)
		len = f->space;
	if (len == 0) {
		errno = EAGAIN;
		return -1;
	}
	assert_true(f->out_len + len <= sizeof(f->out));
	memcpy(f->out + f->out_len, buf, len);
	f->out_len += len;
	if (f->space != SPACE_ALL)
		f->space -= len;
	f->writes++;
	return (ssize_t)len;
}

static size_t
fake_space(struct stream *st)
{
	return ((struct fake *)st)->space;
}

static void
fake_want(struct stream *st, int want)
{
	((struct fake *)st)->want = want;
}

static void
fake_end(struct stream *st)
{
	((struct fake *)st)->ended++;
}

static void
fake_close(struct stream *st, enum stream_ending ending)
{
	struct fake *f = (struct fake *)st;

	f->closed++;
	f->ending = ending;
}

static const struct stream_ops fake_ops = {
	fake_read, fake_write, fake_space, fake_want, fake_end, fake_close
};

#endif
