/* SPDX-License-Identifier: ISC */
/*
 * A queue of bytes: appended at the end, consumed at the front, never larger
 * than the limit it was made with.
 */
#ifndef BUF_H
#define BUF_H

#include <sys/types.h>

struct buf {
	u_char	*base;		/* allocation */
	size_t	 off;		/* first byte not yet consumed */
	size_t	 len;		/* bytes from off on */
	size_t	 size;		/* size of the allocation */
	size_t	 limit;		/* len never exceeds it */
};

void		 buf_init(struct buf *, size_t);
void		 buf_clear(struct buf *);
int		 buf_append(struct buf *, const void *, size_t);
u_char		*buf_reserve(struct buf *, size_t);
void		 buf_commit(struct buf *, size_t);
const u_char	*buf_data(const struct buf *);
size_t		 buf_len(const struct buf *);
size_t		 buf_space(const struct buf *);
void		 buf_consume(struct buf *, size_t);

#endif
