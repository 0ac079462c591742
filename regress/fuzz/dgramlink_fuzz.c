/* SPDX-License-Identifier: ISC */
/*
 * What a peer sends on a link.  The first byte says into which pieces the
 * rest is cut; the datagrams must be those of the same bytes in one piece.
 */
#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>

#include <event2/event.h>

#include "addr.h"
#include "dgramlink.h"
#include "stream.h"

/* What was told: datagrams, and a sum over all that they are. */
struct told {
	unsigned int	 n;
	uint64_t	 sum;
};

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct event_base *base;

static void
datagram(const struct addr *a, const void *data, size_t len, void *arg)
{
	struct told *t = arg;
	const u_char *p = data;

	t->n++;
	t->sum = t->sum * 31 + a->type + a->port + len;
	for (; len > 0; len--)
		t->sum = t->sum * 33 + *p++;
}

static void
none_want(struct stream *st, int want)
{
}

static void
none_close(struct stream *st, enum stream_ending ending)
{
}

static void
feed(struct told *t, const uint8_t *data, size_t size, size_t piece)
{
	static const struct dgramlink_ops ops = { .datagram = datagram };
	static const struct stream_ops none = {
		.want = none_want, .close = none_close
	};
	struct stream st = { .ops = &none };
	struct dgramlink *l = dgramlink_new(base, &st, 1000, &ops, t);

	dgramlink_start(l, NULL, 0);
	for (; size > piece; data += piece, size -= piece)
		st.offer(&st, data, piece, st.arg);
	st.offer(&st, data, size, st.arg);
	dgramlink_close(l, STREAM_ABORT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told whole = { 0, 0 }, cut = { 0, 0 };

	if (size == 0)
		return 0;
	if (base == NULL)
		base = event_base_new();
	feed(&whole, data + 1, size - 1, SIZE_MAX);
	feed(&cut, data + 1, size - 1, 1 + data[0] % 64);
	if (whole.n != cut.n || whole.sum != cut.sum)
		abort();
	return 0;
}
