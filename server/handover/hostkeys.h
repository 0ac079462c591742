/* SPDX-License-Identifier: ISC */
/* The bytes of the host key files, loaded once and handed on packed. */
#ifndef HOSTKEYS_H
#define HOSTKEYS_H

#include <sys/types.h>

#include "privsep.h"

#define HOSTKEYS_FILE_MAX	65536	/* bytes of one file */
#define HOSTKEYS_TOTAL_MAX	60000	/* of all */
#define HOSTKEYS_MAX		PRIVSEP_HOSTKEYS_MAX

struct conf_list;

struct hostkey {
	char		*path;		/* NULL of a public half */
	u_char		*data;
	size_t		 len;
};

struct hostkeys {
	struct hostkey	 key[HOSTKEYS_MAX];
	size_t		 n;
};

void	 hostkeys_load(struct hostkeys *, const struct conf_list *);
void	 hostkeys_remove(struct hostkeys *, size_t);
void	 hostkeys_clear(struct hostkeys *);
u_char	*hostkeys_pack(const struct hostkeys *, size_t *);

#endif
