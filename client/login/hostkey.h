/* SPDX-License-Identifier: ISC */
/* Is the server the one that is meant? */
#ifndef HOSTKEY_H
#define HOSTKEY_H

struct cliconf;
struct ssh_session_struct;

enum hostkey_verdict {
	HOSTKEY_REFUSED,	/* the reason was logged */
	HOSTKEY_TRUSTED,
	HOSTKEY_UNSAFE		/* go on, but give it no password */
};

enum hostkey_verdict hostkey_verify(struct ssh_session_struct *,
	    const struct cliconf *);
char	*hostkey_known_types(const struct cliconf *);
const char *hostkey_type_name(int);
int	 hostkey_answer(const char *, const char *);

#endif
