/* SPDX-License-Identifier: ISC */
/* One direction of a path of packets: from one TUN device to another. */
#ifndef WIRE_H
#define WIRE_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_NEVER	INT64_MAX

struct run;
struct held;

struct wire_counts {
	uint64_t	 packets, bytes;	/* that came in */
	uint64_t	 full;			/* dropped: no room in the queue */
	uint64_t	 lost;			/* dropped by chance */
	uint64_t	 swallowed;		/* dropped by a cut */
	uint64_t	 late;			/* delivered after later ones */
	uint64_t	 own;			/* dropped: our own memory is full */
	size_t		 deepest;		/* most bytes in the queue */
	int64_t		 behind;		/* ns the slowest delivery was late */
};

struct wire {
	int		 in, out;	/* TUN devices with a virtio header */

	/* What may be changed at any time, by wire_set. */
	double		 ns_per_byte;	/* 0: no limit */
	int64_t		 delay;		/* ns */
	size_t		 queue;		/* bytes */
	double		 loss;		/* probabilities */
	double		 reorder;
	int64_t		 late;		/* ns that one picked is held back */
	int64_t		 cut_until;	/* all is swallowed before */
	int		 resets;	/* and TCP is told so, by a reset */

	struct wire_counts counts;

	/* The rest is the wire's own. */
	uint64_t	 chance_loss, chance_late;	/* random states */
	u_char		*store;		/* packets as read, in a ring */
	size_t		 head;		/* where the next one goes */
	size_t		 used;		/* bytes not to be overwritten */
	size_t		 skipped;	/* of these, unused before the next */
	struct run	*runs;		/* a ring: under way, then queued */
	size_t		 first, count;
	size_t		 flying;	/* how many of them are under way */
	size_t		 queued;	/* bytes of the others */
	int64_t		 busy;		/* until when the link is */
	int64_t		 last_due;
	struct held	*held;		/* picked to be late, and due */
	size_t		 nheld;
};

void	 wire_init(struct wire *, int, int, uint64_t);
void	 wire_clear(struct wire *);
void	 wire_set(struct wire *, int, double, int64_t);
int	 wire_take(struct wire *, int64_t);
int64_t	 wire_deliver(struct wire *, int64_t);

#endif
