/* SPDX-License-Identifier: ISC */
/* How many connections may be unauthenticated, in all and from one source. */
#ifndef SERVLIMITS_H
#define SERVLIMITS_H

#include "conf.h"

struct servlimits {
	struct servlimits_startups {
		int	begin, rate, max;
	} startups;				/* MaxStartups */
	int	per_source;			/* 0: no limit */
	struct servlimits_bits {
		int	ipv4, ipv6;
	} bits;					/* PerSourceNetBlockSize */
};

/* The types of these three; the first number tells whether one is set. */
extern const struct conf_type servlimits_type_startups;
extern const struct conf_type servlimits_type_source;
extern const struct conf_type servlimits_type_bits;

#endif
