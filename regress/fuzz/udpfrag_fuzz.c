/* SPDX-License-Identifier: ISC */
/*
 * Sequences of fragments.  Each takes five bytes: FRAG, destination, seconds
 * since the one before, and the length of its payload.  What is completed
 * must be what a plain reading of RFC 1928, section 7, makes of them.
 */
#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "monotime.h"
#include "socksudp.h"
#include "udpfrag.h"

#define STEP	5

/* The fragments of the sequence under way, as the RFC counts them. */
struct model {
	int	 highest;
	int	 dst;
	int64_t	 began;
	size_t	 len;
	u_char	 data[SOCKSUDP_PAYLOAD_MAX];
};

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static u_char payload[65536];
static struct model model;

static int
model_add(struct model *m, const struct socksudp *d, int64_t now)
{
	int position = d->frag & 127, dst = d->addr.port;

	if (position <= m->highest)
		m->highest = 0;
	if (position != m->highest + 1 || (position > 1 && (m->dst != dst ||
	    now - m->began >= UDPFRAG_TIME * MONOTIME_SECOND)))
		return m->highest = 0, -1;
	if (position == 1) {
		m->len = 0;
		m->dst = dst;
		m->began = now;
	}
	if (m->len + d->len > sizeof(m->data))
		return m->highest = 0, -1;
	memcpy(m->data + m->len, d->data, d->len);
	m->len += d->len;
	m->highest = d->frag & 128 ? 0 : position;
	return d->frag & 128 ? 1 : 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct socksudp d = { .addr.type = ADDR_IPV4, .data = payload };
	struct udpfrag f;
	int64_t now = 0;
	int r;

	udpfrag_init(&f);
	model.highest = 0;
	for (; size >= STEP; data += STEP, size -= STEP) {
		memset(payload, data[0] ^ data[4], sizeof(payload));
		d.frag = data[0];
		d.addr.port = data[1];
		now += data[2] % 8 * MONOTIME_SECOND;
		d.len = (size_t)(data[3] << 8 | data[4]);
		r = udpfrag_add(&f, &d, now);
		if (r != model_add(&model, &d, now) || (r == 1 &&
		    (f.len != model.len || f.dst.port != model.dst ||
		    (f.len > 0 && memcmp(f.data, model.data, f.len) != 0))))
			abort();
	}
	udpfrag_clear(&f);
	return 0;
}
