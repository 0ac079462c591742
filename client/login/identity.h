/* SPDX-License-Identifier: ISC */
/* One identity file: its public half, its certificate, its private half. */
#ifndef IDENTITY_H
#define IDENTITY_H

struct cliconf;
struct ssh_key_struct;

struct identity {
	char			*file;
	struct ssh_key_struct	*pub;	/* NULL: not known yet */
	struct ssh_key_struct	*cert;	/* NULL: none */
	char			*pub64;	/* base64 of the two, or NULL */
	char			*cert64;
	int			 only_cert;	/* the key is another's */
};

int	 identity_load(struct identity *, const char *);
int	 identity_load_cert(struct identity *, const char *,
	    const struct identity *, size_t);
void	 identity_clear(struct identity *);
struct ssh_key_struct *identity_load_plain(const struct identity *);
struct ssh_key_struct *identity_load_private(const struct identity *,
	    const struct cliconf *, int *);

#endif
