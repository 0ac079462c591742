/* SPDX-License-Identifier: ISC */
/* Lines of authorized_keys files: text in, struct out. */
#ifndef AUTHKEYS_H
#define AUTHKEYS_H

#include <sys/types.h>
#include <time.h>

#include "conf.h"

#define AUTHKEYS_LINE_MAX	16384	/* bytes of a line */
#define AUTHKEYS_PRINT_MAX	64	/* "SHA256:" and 43 characters */

enum authkeys_result {
	AUTHKEYS_BAD = -1,	/* the line cannot be used */
	AUTHKEYS_NONE = 0,	/* blank or a comment */
	AUTHKEYS_KEY = 1
};

struct authkey {
	char		*type;		/* "ssh-ed25519" */
	u_char		*blob;		/* the key as RFC 4253 has it */
	size_t		 bloblen;
	char		*from;		/* pattern list, or NULL: anywhere */
	time_t		 expires;	/* 0: never */
	int		 no_forwarding;
	int		 no_touch;	/* FIDO: nobody need be there */
	int		 verify;	/* FIDO: it must know who is */
	struct conf_list permit_open;	/* empty: none was given */
};

enum authkeys_result
	 authkeys_parse_line(struct authkey *, const char *, char *, size_t);
void	 authkeys_clear(struct authkey *);
int	 authkeys_decode_blob(const char *, const char *, u_char **, size_t *);
int	 authkeys_equal(const struct authkey *, const u_char *, size_t);
int	 authkeys_is_sk(const char *);
const char *authkeys_type_name(const char *);
char	*authkeys_format_print(const u_char *, size_t, char *, size_t);

#endif
