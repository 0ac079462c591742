/* SPDX-License-Identifier: ISC */
/*
 * A secret is kept in pages that are never written to a disk: locked, left
 * out of core dumps, empty in a child, and wiped when they are given up.  Of
 * a key it is the whole private half, so that its passphrase need not be kept
 * or asked for; libssh gets a copy for each login, which it wipes.
 */
#include <sys/types.h>
#include <sys/mman.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libssh/libssh.h>

#include "log.h"
#include "remembered.h"
#include "xmalloc.h"

/* A page or a few: an RSA key of 16384 bits in base64 has 17 kB. */
#define REMEMBERED_SIZE		(32 * 1024)

struct remembered {
	char		*secret;	/* REMEMBERED_SIZE, or NULL */
	int		 is_key;	/* else it is a password */
	ssh_key		 cert;		/* of the key, or NULL */
	char		*agent_key;	/* base64, or NULL */
};

/* Nothing yet. */
struct remembered *
remembered_new(void)
{
	return xcalloc(1, sizeof(struct remembered));
}

static void
remembered_clear(struct remembered *r)
{
	if (r->secret != NULL) {
		explicit_bzero(r->secret, REMEMBERED_SIZE);
		munmap(r->secret, REMEMBERED_SIZE);
	}
	ssh_key_free(r->cert);
	free(r->agent_key);
	memset(r, 0, sizeof(*r));
}

/* Wipes; NULL is ignored. */
void
remembered_free(struct remembered *r)
{
	if (r == NULL)
		return;
	remembered_clear(r);
	free(r);
}

/* Pages for a secret; NULL when they cannot be kept off the disk. */
static char *
remembered_pages(void)
{
	char	*p;

	p = mmap(NULL, REMEMBERED_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	if (mlock(p, REMEMBERED_SIZE) == -1) {
		munmap(p, REMEMBERED_SIZE);
		/* ENOMEM, if it may lock no more: libssh is in no want. */
		errno = 0;
		return NULL;
	}
#ifdef MADV_DONTDUMP
	madvise(p, REMEMBERED_SIZE, MADV_DONTDUMP);
	madvise(p, REMEMBERED_SIZE, MADV_WIPEONFORK);
#endif
	return p;
}

static void
remembered_set_secret(struct remembered *r, const char *secret, int is_key)
{
	remembered_clear(r);
	if ((r->secret = remembered_pages()) == NULL ||
	    strlcpy(r->secret, secret, REMEMBERED_SIZE) >= REMEMBERED_SIZE) {
		log_verbose("no locked memory for the %s",
		    is_key ? "private key" : "password");
		remembered_clear(r);
	}
	r->is_key = is_key;
}

/* The private key, and its certificate or NULL; both stay the caller's. */
void
remembered_set_key(struct remembered *r, ssh_key priv, ssh_key cert)
{
	char	*text = NULL;

	if (ssh_pki_export_privkey_base64(priv, NULL, NULL, NULL,
	    &text) != SSH_OK) {
		remembered_clear(r);
		return;
	}
	remembered_set_secret(r, text, 1);
	explicit_bzero(text, strlen(text));
	ssh_string_free_char(text);
	if (r->secret != NULL && cert != NULL)
		r->cert = ssh_key_dup(cert);
}

/* A key that the agent signed with, in base64. */
void
remembered_set_agent_key(struct remembered *r, const char *b64)
{
	remembered_clear(r);
	r->agent_key = xstrdup(b64);
}

void
remembered_set_password(struct remembered *r, const char *password)
{
	remembered_set_secret(r, password, 0);
}

/*
 * The private key, with its certificate; to be freed with ssh_key_free().
 * NULL if it was no key that let the user in.
 */
ssh_key
remembered_key(const struct remembered *r)
{
	ssh_key	 key = NULL;

	if (r->secret == NULL || !r->is_key ||
	    ssh_pki_import_privkey_base64(r->secret, NULL, NULL, NULL,
	    &key) != SSH_OK)
		return NULL;
	if (r->cert != NULL &&
	    ssh_pki_copy_cert_to_privkey(r->cert, key) != SSH_OK) {
		ssh_key_free(key);
		return NULL;
	}
	return key;
}

/* The agent's key, or NULL. */
const char *
remembered_agent_key(const struct remembered *r)
{
	return r->agent_key;
}

/* The password, or NULL. */
const char *
remembered_password(const struct remembered *r)
{
	return r->is_key ? NULL : r->secret;
}
