/* SPDX-License-Identifier: ISC */
/*
 * sockstun-server at an SSH server that is no sockstund: how it is run, and
 * what is known of it.
 */
#ifndef HELPER_H
#define HELPER_H

#include <sys/types.h>

struct sshchan;
struct sshloop;
struct stream;

/* What is known of the helper at the server of a session. */
struct helper {
	struct sshloop	*loop;
	const char	*command;	/* of RemoteHelper; not owned */
	int		 no_subsystem;	/* the server refused it */
	int		 missing;	/* there is none, as the log says */
	int		 answered;	/* there is one, whatever follows */
};

enum helper_result {
	HELPER_RUNS,		/* as far as the server knows */
	HELPER_LOST,		/* the session ended before it was known */
	HELPER_REFUSED,		/* the server opened no session channel */
	HELPER_MISSING		/* there is none; this was logged */
};

/* The stream, owned by the callee, if it runs; else why not. */
typedef void helper_cb(enum helper_result, struct stream *, const char *,
    void *);

/* One that is being started; embedded. */
struct helper_run {
	struct helper	*helper;
	struct sshchan	*chan;
	helper_cb	*cb;
	void		*arg;
};

void	helper_init(struct helper *, struct sshloop *, const char *);
int	helper_start(struct helper_run *, struct helper *, helper_cb *,
	    void *);
void	helper_cancel(struct helper_run *);
void	helper_no_reply(struct helper *, struct stream *, const char *);

#endif
