/* SPDX-License-Identifier: ISC */
/*
 * Host names to addresses, and back, off the loop: a bounded pool of threads
 * calls getaddrinfo(3) and getnameinfo(3), so nsswitch holds and one slow name
 * delays nobody.
 */
#ifndef RESOLVER_H
#define RESOLVER_H

#include <sys/types.h>
#include <stdint.h>

struct addr;
struct addrinfo;
struct event_base;
struct resolver;
struct resolver_query;

/* The int is 0 or an EAI_* code; the callee owns the list. */
typedef void resolver_cb(int, struct addrinfo *, void *);
/* The int is the same; the name is gone after the call. */
typedef void resolver_name_cb(int, const char *, void *);

struct resolver		*resolver_new(struct event_base *, size_t);
void			 resolver_free(struct resolver *);
struct resolver_query	*resolver_ask(struct resolver *, const char *,
			    uint16_t, int, resolver_cb *, void *);
struct resolver_query	*resolver_ask_name(struct resolver *,
			    const struct addr *, resolver_name_cb *, void *);
void			 resolver_cancel(struct resolver_query *);

#endif
