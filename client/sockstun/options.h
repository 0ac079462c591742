/* SPDX-License-Identifier: ISC */
/* What the user asked for on the command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <sys/types.h>

#include "cliconf.h"

#define EXIT_OWN	255	/* an error of our own, as with ssh(1) */

struct options {
	struct cliconf	 conf;		/* -o and the letters like it, files */
	struct cliconf	*others;	/* the same for further far ends */
	size_t		 nothers;
	const char	*destinations;	/* as the command line has them */
	const char	*instead;	/* of the first of these, or NULL */
	const char	*config_file;
	const char	*log_file;
	char		*host;		/* as the user gave it */
	char		**command;	/* after "--", or NULL */
	const char	*ctl_cmd;	/* -O, or NULL */
	int		 dump;		/* -G */
	int		 verbose;	/* how often -v was given */
	int		 quiet;
};

void	 options_parse(struct options *, int, char **);
int	 options_reload(struct options *, int, char **, char *, size_t);
void	 options_clear(struct options *);
void	 options_dump(const struct options *);

#endif
