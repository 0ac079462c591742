/* SPDX-License-Identifier: ISC */
/*
 * A queue of bytes with a limit.  Live bytes move only when at least half as
 * many were consumed before them, so a byte costs constant time on average,
 * however it is appended and consumed.  Knows nothing of where bytes come
 * from.
 */
#include <sys/types.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

#define BUF_SIZE_MIN	256
#define BUF_LIMIT_MAX	(SIZE_MAX / 4)

/* An empty queue of at most limit bytes; nothing is allocated yet. */
void
buf_init(struct buf *b, size_t limit)
{
	memset(b, 0, sizeof(*b));
	b->limit = limit < BUF_LIMIT_MAX ? limit : BUF_LIMIT_MAX;
}

/* Frees the bytes. The queue, now empty, may be used again as it is. */
void
buf_clear(struct buf *b)
{
	size_t limit = b->limit;

	free(b->base);
	buf_init(b, limit);
}

/*
 * The size to allocate for need live bytes: twice the old one, but no more
 * than half above the limit, which is what keeps moves rare in a full queue.
 */
static size_t
buf_next_size(const struct buf *b, size_t need)
{
	size_t cap = b->limit + b->limit / 2, size = BUF_SIZE_MIN;

	if (b->size > size / 2)
		size = b->size * 2;
	if (size < need)
		size = need;
	return size < cap ? size : cap;
}

static int
buf_grow(struct buf *b, size_t need)
{
	size_t size = buf_next_size(b, need);
	u_char *p;

	if (b->off == 0)
		p = realloc(b->base, size);
	else if ((p = malloc(size)) != NULL) {
		memcpy(p, b->base + b->off, b->len);
		free(b->base);
	}
	if (p == NULL)
		return -1;
	b->base = p;
	b->off = 0;
	b->size = size;
	return 0;
}

/*
 * Room for n bytes after the last; NULL with ENOBUFS when they would pass the
 * limit, ENOMEM when memory is out.  Valid until the next call; what was
 * written there joins the queue with buf_commit.
 */
u_char *
buf_reserve(struct buf *b, size_t n)
{
	if (n > buf_space(b)) {
		errno = ENOBUFS;
		return NULL;
	}
	if (b->base == NULL || n > b->size - b->off - b->len) {
		if (b->base != NULL && n <= b->size - b->len &&
		    b->off >= b->len / 2) {
			memmove(b->base, b->base + b->off, b->len);
			b->off = 0;
		} else if (buf_grow(b, b->len + n) == -1)
			return NULL;
	}
	return b->base + b->off + b->len;
}

/* Takes n bytes that were written where buf_reserve said, n <= reserved. */
void
buf_commit(struct buf *b, size_t n)
{
	size_t room = b->size - b->off - b->len;

	b->len += n < room ? n : room;
}

/* Appends n bytes, all or none.  Returns 0, or -1 with errno (see reserve). */
int
buf_append(struct buf *b, const void *data, size_t n)
{
	u_char *p;

	if (n == 0)
		return 0;
	if ((p = buf_reserve(b, n)) == NULL)
		return -1;
	memcpy(p, data, n);
	buf_commit(b, n);
	return 0;
}

/* The first of buf_len bytes, valid until the queue is changed. */
const u_char *
buf_data(const struct buf *b)
{
	static const u_char none[1];

	return b->base == NULL ? none : b->base + b->off;
}

/* The number of bytes in the queue. */
size_t
buf_len(const struct buf *b)
{
	return b->len;
}

/* How many bytes may still be appended. */
size_t
buf_space(const struct buf *b)
{
	return b->limit - b->len;
}

/* Drops n bytes at the front; more than there are drops all. */
void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->off = 0;
		b->len = 0;
		return;
	}
	b->off += n;
	b->len -= n;
}
