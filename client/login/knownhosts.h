/* SPDX-License-Identifier: ISC */
/* The known_hosts files of ssh(1), read and appended to. */
#ifndef KNOWNHOSTS_H
#define KNOWNHOSTS_H

#include <sys/types.h>

struct conf_list;
struct ssh_key_struct;

enum knownhosts_marker {
	KNOWNHOSTS_PLAIN,
	KNOWNHOSTS_MARK_CA,
	KNOWNHOSTS_MARK_REVOKED
};

/* One line taken apart; the strings point into the line. */
struct knownhosts_line {
	enum knownhosts_marker	 marker;
	char			*hosts;
	char			*type;
	char			*key;
};

enum knownhosts_state {
	KNOWNHOSTS_NEW,		/* nothing is known of the host */
	KNOWNHOSTS_OK,
	KNOWNHOSTS_OTHER,	/* known by keys of other types only */
	KNOWNHOSTS_CHANGED,	/* known by another key of this type */
	KNOWNHOSTS_REVOKED
};

/* What was found, and the line that says so (file is NULL when none). */
struct knownhosts_found {
	enum knownhosts_state	 state;
	const char		*file;
	u_long			 line;
	const char		*type;	/* name of that line's type */
	const char		*ca_file;	/* with a @cert-authority */
	u_long			 ca_line;
};

char	*knownhosts_name(const char *, int);
char	*knownhosts_hash(const char *);
int	 knownhosts_valid_name(const char *);
int	 knownhosts_parse_line(char *, struct knownhosts_line *);
int	 knownhosts_match(const struct knownhosts_line *, const char *);
void	 knownhosts_check(const struct conf_list *, const struct conf_list *,
	    const char *, struct ssh_key_struct *, struct knownhosts_found *);
char	*knownhosts_types(const struct conf_list *, const struct conf_list *,
	    const char *);
int	 knownhosts_add(const char *, const char *, struct ssh_key_struct *,
	    char *, size_t);

#endif
