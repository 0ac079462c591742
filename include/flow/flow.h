/* SPDX-License-Identifier: ISC */
/*
 * One relayed connection: two streams, and between them a half for each
 * direction.
 */
#ifndef FLOW_H
#define FLOW_H

#include <sys/types.h>
#include <stdint.h>

#include "stream.h"

struct event_base;
struct flow;

/* What a flow did, told when it is over. */
struct flow_summary {
	uint64_t	a_to_b;		/* bytes */
	uint64_t	b_to_a;
	double		seconds;
	enum stream_ending ending;
};

/*
 * Called once, from the loop, when the flow is over; it frees itself.  Where
 * it is NULL nobody is told.
 */
typedef void flow_done_cb(const struct flow_summary *, void *);

struct flow	*flow_new(struct event_base *, struct stream *,
		    struct stream *, flow_done_cb *, void *);
int		 flow_prefix_to_a(struct flow *, const void *, size_t);
int		 flow_prefix_to_b(struct flow *, const void *, size_t);
void		 flow_start(struct flow *);
void		 flow_abort(struct flow *);
void		 flow_count(const struct flow *, uint64_t *, uint64_t *);

/* Closes stream a once the bytes given were sent to it. */
struct flow	*flow_farewell(struct event_base *, struct stream *,
		    const void *, size_t, flow_done_cb *, void *);

#endif
