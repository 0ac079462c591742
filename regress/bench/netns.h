/* SPDX-License-Identifier: ISC */
/* Two network namespaces, each with a TUN device. */
#ifndef NETNS_H
#define NETNS_H

#include <sys/types.h>

#define NETNS_NEAR	"10.7.0.1"
#define NETNS_FAR	"10.7.0.2"

/* A value of /proc/sys/net/ipv4. */
struct netns_setting {
	const char	*name;
	const char	*value;
};

struct netns {
	int	 near, far;	/* the TUN devices */
	pid_t	 holder;	/* lives in the far one */
	int	 user;		/* there is a user namespace too */
};

void	 netns_make(struct netns *, const struct netns_setting *, size_t);
u_long	 netns_dropped(pid_t);

#endif
