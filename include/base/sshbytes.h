/* SPDX-License-Identifier: ISC */
/*
 * The data types of SSH (RFC 4251, section 5): taken from bytes in order, or
 * put together.  A step that fails is remembered, so it is enough to ask once
 * at the end.
 */
#ifndef SSHBYTES_H
#define SSHBYTES_H

#include <sys/types.h>
#include <stdint.h>

/* Bytes being taken apart; they stay their owner's. */
struct sshread {
	const u_char	*p;
	size_t		 left;
	int		 bad;	/* something was not there */
};

/* Bytes being put together; all zero to begin with. */
struct sshwrite {
	u_char		*data;
	size_t		 len;
	size_t		 size;
	int		 bad;	/* memory was out, or there is too much */
};

/* A string inside of bytes that were taken apart. */
struct sshstring {
	const u_char	*data;
	size_t		 len;
};

void		 sshread_init(struct sshread *, const void *, size_t);
u_char		 sshread_u8(struct sshread *);
uint32_t	 sshread_u32(struct sshread *);
struct sshstring sshread_string(struct sshread *);
struct sshstring sshread_mpint(struct sshread *);
int		 sshread_end(const struct sshread *);
int		 sshstring_is(struct sshstring, const char *);

void		 sshwrite_u8(struct sshwrite *, u_char);
void		 sshwrite_u32(struct sshwrite *, uint32_t);
void		 sshwrite_bytes(struct sshwrite *, const void *, size_t);
void		 sshwrite_string(struct sshwrite *, const void *, size_t);
void		 sshwrite_text(struct sshwrite *, const char *);
void		 sshwrite_mpint(struct sshwrite *, const void *, size_t);
void		 sshwrite_clear(struct sshwrite *);

#endif
