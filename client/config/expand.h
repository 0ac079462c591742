/* SPDX-License-Identifier: ISC */
/* Expansion of "~", "%h" and "${NAME}", and what may be given to a shell. */
#ifndef EXPAND_H
#define EXPAND_H

#include <sys/types.h>

struct cliconf;
struct conf_list;
struct passwd;

/* What tokens stand for: the host as the user gave it and as it is reached. */
struct expand_names {
	const struct cliconf	*conf;
	const char		*host;
	const char		*hostname;
};

#define EXPAND_TILDE	0x01	/* ~ and ~user at the start */
#define EXPAND_ENV	0x02	/* ${NAME} */
#define EXPAND_TOKENS	0x04	/* %h and the others */
#define EXPAND_HOSTNAME	0x08	/* %h and %% only, for HostName */
#define EXPAND_SHELL	0x10	/* the tokens too, for a shell to read */

char	*expand_text(const struct expand_names *, const char *, int, char *,
	    size_t);
int	 expand_string(const struct expand_names *, const char *, char **, int,
	    char *, size_t);
int	 expand_list(const struct expand_names *, const char *,
	    struct conf_list *, int, char *, size_t);
char	*expand_hostname(const struct cliconf *, const char *, char *,
	    size_t);
const struct passwd *expand_passwd(char *, size_t);

int	 expand_safe_host(const char *);
int	 expand_safe_user(const char *);
int	 expand_check_names(const char *, const char *, char *, size_t);

#endif
