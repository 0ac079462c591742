/* SPDX-License-Identifier: ISC */
/* Where a process goes that shall reach nothing. */
#ifndef NOWHERE_H
#define NOWHERE_H

enum nowhere_part {
	NOWHERE_ROOT,		/* a folder that is empty and deleted */
	NOWHERE_USER,		/* namespaces; this one not for root */
	NOWHERE_NET,
	NOWHERE_IPC,
	NOWHERE_UTS,
	NOWHERE_PARTS
};

/* Descriptors, close-on-exec, -1 for what is not to be had. */
struct nowhere {
	int	fd[NOWHERE_PARTS];
};

void	 nowhere_make(struct nowhere *);
void	 nowhere_inherit(struct nowhere *, int);
void	 nowhere_enter(const struct nowhere *);

#endif
