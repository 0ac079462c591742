/* SPDX-License-Identifier: ISC */
/*
 * sockstun-server at an SSH server that is no sockstund: how it is run, and
 * what is known of it.
 */
#ifndef HELPER_H
#define HELPER_H

#include <sys/types.h>
#include <stdint.h>

struct sshchan;
struct sshloop;
struct stream;

enum helper_result {
	HELPER_RUNS,		/* as far as the server knows */
	HELPER_LOST,		/* the session ended before it was known */
	HELPER_REFUSED,		/* the server opened no session channel */
	HELPER_MISSING,		/* the server runs none */
	HELPER_FAILED		/* it does not work now */
};

/* The stream, owned by the callee, if it runs; else why not. */
typedef void helper_cb(enum helper_result, struct stream *, const char *,
    void *);

/* One that is being started; embedded. */
struct helper_run {
	struct helper	*helper;
	struct sshchan	*chan;
	int		 by_command;	/* no subsystem */
	helper_cb	*cb;
	void		*arg;
};

/* What is known of the helper at the server of a session. */
struct helper {
	struct sshloop	*loop;
	const char	*command;	/* of RemoteHelper; not owned */
	int		 no_subsystem;	/* the command is what answers */
	int		 answered;	/* there is one, whatever follows */
	int		 told;		/* the log knows that it is out */
	enum helper_result out;		/* why none is run ... */
	int64_t		 until;		/* ... before then (monotime_ns) */
	struct helper_run quick;	/* nobody has a question for it */
};

void	helper_init(struct helper *, struct sshloop *, const char *);
void	helper_clear(struct helper *);
void	helper_quicken(struct helper *);
int	helper_start(struct helper_run *, struct helper *, helper_cb *,
	    void *);
void	helper_cancel(struct helper_run *);
enum helper_result helper_outlook(const struct helper *);
enum helper_result helper_no_reply(struct helper_run *, struct stream *,
	    const char *);
void	helper_replied(struct helper_run *);

#endif
