/* SPDX-License-Identifier: ISC */
/*
 * The reassembly queue and timer of RFC 1928, section 7.  Fragments must come
 * in order, 1 to 127, the last with the high bit; anything else abandons the
 * sequence.  The queue grows with the bytes that came.  Knows no clock and no
 * socket.
 */
#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "monotime.h"
#include "socksudp.h"
#include "udpfrag.h"

/* No sequence, and no memory. */
void
udpfrag_init(struct udpfrag *f)
{
	memset(f, 0, sizeof(*f));
}

/*
 * Abandons the sequence under way, or gives a complete one's memory back.
 * Also for the caller who sees a datagram with FRAG 0: like every FRAG below
 * the highest, it reinitialises the queue.
 */
void
udpfrag_clear(struct udpfrag *f)
{
	free(f->data);
	udpfrag_init(f);
}

/* Does the fragment continue the sequence, or begin one? */
static int
udpfrag_fits(const struct udpfrag *f, const struct socksudp *d, int64_t now)
{
	u_char position = d->frag & (SOCKSUDP_FRAG_LAST - 1);

	if (position != f->highest + 1)
		return 0;
	return f->highest == 0 ||
	    (now < f->deadline && addr_equal(&d->addr, &f->dst));
}

static int
udpfrag_append(struct udpfrag *f, const u_char *data, size_t len)
{
	u_char *grown;

	if (len > SOCKSUDP_PAYLOAD_MAX - f->len)
		return -1;
	if (len == 0)
		return 0;
	if ((grown = realloc(f->data, f->len + len)) == NULL)
		return -1;
	memcpy(grown + f->len, data, len);
	f->data = grown;
	f->len += len;
	return 0;
}

/*
 * Takes a datagram whose FRAG is not 0, at monotonic time now (ns).  Returns 1
 * when it completed a sequence (data, len and dst are valid until the next
 * call), and 0 when it was kept.  Returns -1 when it and the sequence so far
 * were dropped: it was out of order, late, for another destination or too
 * much, or memory is out.
 */
int
udpfrag_add(struct udpfrag *f, const struct socksudp *d, int64_t now)
{
	u_char position = d->frag & (SOCKSUDP_FRAG_LAST - 1);

	if (f->highest == 0 || position <= f->highest)
		udpfrag_clear(f);
	if (!udpfrag_fits(f, d, now) ||
	    udpfrag_append(f, d->data, d->len) == -1) {
		udpfrag_clear(f);
		return -1;
	}
	if (position == 1) {
		f->dst = d->addr;
		f->deadline = now + UDPFRAG_TIME * MONOTIME_SECOND;
	}
	f->highest = position;
	if ((d->frag & SOCKSUDP_FRAG_LAST) == 0)
		return 0;
	f->highest = 0;
	return 1;
}
