/* SPDX-License-Identifier: ISC */
/*
 * Owns the keys that can be tried: those that the agent holds, which libssh
 * tries by itself, then those of files, each with its certificate before it
 * is tried without.  Knows nothing of the session.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include <libssh/libssh.h>

#include "agent.h"
#include "candidates.h"
#include "cliconf.h"
#include "identity.h"
#include "xmalloc.h"

struct candidates {
	struct agent	*agent;		/* NULL: none, or it has no key */
	int		 refused;	/* it would not sign */
	char		*preferred;	/* a key of the agent's, base64 */
	size_t		 count;		/* private keys, the agent's too */
	struct identity	*ids;
	size_t		 nids;
	size_t		 cur;
	int		 use_cert;	/* of ids[cur] */
};

/* First the keys of CertificateFile, then those of IdentityFile. */
static void
candidates_load(struct candidates *c, const struct cliconf *conf)
{
	const struct conf_list	*files = &conf->identity_files;
	const struct conf_list	*certs = &conf->certificate_files;
	struct identity		*ids;
	size_t			 i, n = 0;

	c->ids = xcalloc(certs->n + files->n + 1, sizeof(*c->ids));
	ids = c->ids + certs->n;
	for (i = 0; i < files->n; i++)
		if (identity_load(&ids[n], files->word[i]) == 0)
			n++;
	for (i = 0; i < certs->n; i++)
		if (identity_load_cert(&c->ids[c->nids], certs->word[i],
		    ids, n) == 0)
			c->nids++;
	memmove(c->ids + c->nids, ids, n * sizeof(*ids));
	c->nids += n;
}

/* NULL is ignored. */
void
candidates_free(struct candidates *c)
{
	size_t	i;

	if (c == NULL)
		return;
	for (i = 0; i < c->nids; i++)
		identity_clear(&c->ids[i]);
	free(c->ids);
	free(c->preferred);
	agent_close(c->agent);
	free(c);
}

/* The agent that has keys to be tried, or NULL. */
struct agent *
candidates_agent(const struct candidates *c)
{
	return c->agent;
}

/* How many private keys there are, the agent's and those of files. */
size_t
candidates_count(const struct candidates *c)
{
	return c->count;
}

/*
 * The key of the agent's, in base64, that is worth a signature before the
 * server was asked about it: the preferred one or an only one.  Or NULL.
 */
const char *
candidates_sure_key(const struct candidates *c)
{
	if (c->agent == NULL)
		return NULL;
	if (c->preferred != NULL && agent_holds(c->agent, c->preferred))
		return c->preferred;
	return c->count == 1 ? agent_key(c->agent, 0) : NULL;
}

/* The agent would not sign: its keys have a turn as files, too. */
void
candidates_set_refused(struct candidates *c)
{
	c->refused = 1;
}

/* Back to the first file. */
void
candidates_rewind(struct candidates *c)
{
	c->cur = 0;
	c->use_cert = 1;
}

/* Goes on from a certificate to its key without it, or to the next file. */
void
candidates_next(struct candidates *c)
{
	if (!c->use_cert || c->ids[c->cur].only_cert) {
		c->cur++;
		c->use_cert = 1;
	} else
		c->use_cert = 0;
}

/* Is there nothing to try at this turn, or was it tried through the agent? */
static int
candidates_is_void(const struct candidates *c)
{
	const struct identity	*id = &c->ids[c->cur];
	const char		*b64 = c->use_cert ? id->cert64 : id->pub64;

	return (c->use_cert && id->cert == NULL) || (c->agent != NULL &&
	    !c->refused && b64 != NULL && agent_holds(c->agent, b64));
}

/* A certificate of its own, by CertificateFile, is of a key that counts. */
static void
candidates_take_count(struct candidates *c)
{
	size_t	i;

	while (c->agent != NULL && agent_key(c->agent, c->count) != NULL)
		c->count++;
	for (i = 0; i < c->nids; i++)
		if (!c->ids[i].only_cert && (c->ids[i].pub64 == NULL ||
		    c->agent == NULL ||
		    !agent_holds(c->agent, c->ids[i].pub64)))
			c->count++;
}

/*
 * Loads the configured public keys, and asks the agent for its keys: first the
 * preferred one, in base64 or NULL, then those that are configured.
 */
struct candidates *
candidates_new(const struct cliconf *conf, const char *preferred)
{
	struct conf_list	 wanted = { NULL, 0 };
	struct candidates	*c;
	struct identity		*id;
	size_t			 i;

	c = xcalloc(1, sizeof(*c));
	candidates_load(c, conf);
	if (preferred != NULL) {
		c->preferred = xstrdup(preferred);
		conf_list_add(&wanted, preferred);
	}
	for (i = 0; i < c->nids; i++) {
		id = &c->ids[i];
		if (id->cert64 != NULL)
			conf_list_add(&wanted, id->cert64);
		if (id->pub64 != NULL)
			conf_list_add(&wanted, id->pub64);
	}
	c->agent = agent_open(conf, &wanted);
	conf_list_clear(&wanted);
	candidates_rewind(c);
	candidates_take_count(c);
	return c;
}

/*
 * The file whose turn it is, and the certificate if it is that one's turn, else
 * NULL.  NULL after the last; what is returned lives as long as the candidates.
 */
const struct identity *
candidates_current(struct candidates *c, ssh_key *cert)
{
	while (c->cur < c->nids && candidates_is_void(c))
		candidates_next(c);
	if (c->cur == c->nids)
		return NULL;
	*cert = c->use_cert ? c->ids[c->cur].cert : NULL;
	return &c->ids[c->cur];
}
