/* SPDX-License-Identifier: ISC */
/*
 * Owns the conversation with ssh-agent (draft-miller-ssh-agent).  libssh
 * tries whatever an agent lists, in the agent's order, and stops at the first
 * key it cannot read; so it is given one end of a socket pair, and a thread
 * on the other end answers with a list of our making and passes everything
 * else to the agent.  Knows nothing of the SSH session.
 *
 * libssh waits for each answer, and the loop with it.  So if a signature takes
 * its time, as the agent asks its user for consent, libssh is told that it
 * failed.  It tries again when the agent has answered: then it is shown that
 * key alone, asks for the same signature once more, and gets it.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <libssh/libssh.h>

#include "agent.h"
#include "cliconf.h"
#include "log.h"
#include "unixsock.h"
#include "xmalloc.h"

#define AGENT_MSG_MAX		(256 * 1024)
#define AGENT_KEYS_MAX		1024
#define AGENT_FAILURE		5
#define AGENT_REQUEST_KEYS	11
#define AGENT_KEYS_ANSWER	12
/* Milliseconds that the loop waits: for a list, and for a signature. */
#define AGENT_LIST_PATIENCE	5000
#define AGENT_SIGN_PATIENCE	300

struct agent {
	int		 sock;		/* the agent */
	int		 inner;		/* the thread's end of the pair */
	int		 outer;		/* libssh's end; -1 once taken */
	pthread_t	 thread;
	u_char		*list;		/* the answer that libssh gets */
	size_t		 list_len;
	u_char		*buf;		/* one message, the thread's */
	char		**names;	/* base64 of the keys listed */
	size_t		 nnames;
	char		*signed_with;	/* the same of the last one asked */
	size_t		 signed_len;	/* of that key as in a list */
	u_char		*late;		/* it, if its signature is late */
	int		 late_told;
};

static uint32_t
agent_get_u32(const u_char *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void
agent_put_u32(u_char *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;
}

/* The bytes in base64, as authorized_keys has them.  To be freed. */
char *
agent_base64(const u_char *p, size_t len)
{
	static const char	 digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char			*out, *s;
	uint32_t		 v;
	size_t			 i, n;

	s = out = xmalloc((len + 2) / 3 * 4 + 1);
	for (i = 0; i < len; i += 3) {
		n = len - i;
		v = p[i] << 16;
		if (n > 1)
			v |= p[i + 1] << 8;
		if (n > 2)
			v |= p[i + 2];
		*s++ = digits[v >> 18];
		*s++ = digits[v >> 12 & 63];
		*s++ = n > 1 ? digits[v >> 6 & 63] : '=';
		*s++ = n > 2 ? digits[v & 63] : '=';
	}
	*s = '\0';
	return out;
}

/* Takes a string off the front; -1 when it is not all there. */
static int
agent_get_string(const u_char **p, size_t *left, const u_char **s, size_t *len)
{
	uint32_t	n;

	if (*left < 4 || (n = agent_get_u32(*p)) > *left - 4)
		return -1;
	*s = *p + 4;
	*len = n;
	*p += 4 + (size_t)n;
	*left -= 4 + (size_t)n;
	return 0;
}

/*
 * Takes the body of an agent's list of keys apart.  Returns 0 with an array
 * that points into it, to be given to agent_free_keys(); -1 if malformed.
 */
int
agent_parse_keys(const u_char *body, size_t len, struct agent_key **keys,
    size_t *nkeys)
{
	struct agent_key	*list;
	uint32_t		 count, i;

	*keys = NULL;
	*nkeys = 0;
	if (len < 5 || body[0] != AGENT_KEYS_ANSWER)
		return -1;
	count = agent_get_u32(body + 1);
	if (count > AGENT_KEYS_MAX)
		return -1;
	list = xcalloc(count + 1, sizeof(*list));
	body += 5;
	len -= 5;
	for (i = 0; i < count; i++) {
		if (agent_get_string(&body, &len, &list[i].blob,
		    &list[i].blob_len) == -1 || agent_get_string(&body, &len,
		    &list[i].comment, &list[i].comment_len) == -1) {
			agent_free_keys(list, i);
			return -1;
		}
		list[i].b64 = agent_base64(list[i].blob, list[i].blob_len);
	}
	*keys = list;
	*nkeys = count;
	return 0;
}

/* Frees what agent_parse_keys() returned. */
void
agent_free_keys(struct agent_key *keys, size_t nkeys)
{
	size_t	i;

	for (i = 0; i < nkeys; i++)
		free(keys[i].b64);
	free(keys);
}

static int
agent_read(int fd, u_char *p, size_t len)
{
	ssize_t	n;

	while (len > 0) {
		n = read(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

static int
agent_write(int fd, const u_char *p, size_t len)
{
	ssize_t	n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

/* Reads one message with its length.  Returns the bytes of both, or 0. */
static size_t
agent_read_msg(int fd, u_char *buf)
{
	uint32_t	len;

	if (agent_read(fd, buf, 4) == -1)
		return 0;
	len = agent_get_u32(buf);
	if (len == 0 || len > AGENT_MSG_MAX ||
	    agent_read(fd, buf + 4, len) == -1)
		return 0;
	return 4 + (size_t)len;
}

/* Does the agent answer within so many milliseconds?  -1 is for ever. */
static int
agent_answers(const struct agent *agent, int ms)
{
	struct pollfd	pfd = { .fd = agent->sock, .events = POLLIN };

	return poll(&pfd, 1, ms) != 0;
}

/* Notes with which key libssh wants a signature; -1 if it does not say. */
static int
agent_note_key(struct agent *agent, size_t len)
{
	const u_char	*p = agent->buf + 5, *blob;
	size_t		 left = len - 5, n;

	if (agent_get_string(&p, &left, &blob, &n) == -1)
		return -1;
	free(agent->signed_with);
	agent->signed_with = agent_base64(blob, n);
	agent->signed_len = 4 + n;
	return 0;
}

/* The signature is late. */
static void
agent_set_late(struct agent *agent)
{
	agent->late = xmalloc(agent->signed_len);
	memcpy(agent->late, agent->buf + 5, agent->signed_len);
	agent->late_told = 0;
}

static int
agent_tell_keys(struct agent *agent)
{
	static const u_char	 no_comment[4];
	u_char			 head[9] = { [4] = AGENT_KEYS_ANSWER };

	if (agent->late == NULL)
		return agent_write(agent->inner, agent->list,
		    agent->list_len);
	agent_put_u32(head, 5 + agent->signed_len + sizeof(no_comment));
	agent_put_u32(head + 5, 1);
	if (agent_write(agent->inner, head, sizeof(head)) == -1 ||
	    agent_write(agent->inner, agent->late, agent->signed_len) == -1)
		return -1;
	return agent_write(agent->inner, no_comment, sizeof(no_comment));
}

/* Gets the message answered that is in the buffer, a request to sign. */
static int
agent_pass(struct agent *agent, size_t len)
{
	static const u_char	 failure[] = { 0, 0, 0, 1, AGENT_FAILURE };

	if (agent->late != NULL) {
		free(agent->late);
		agent->late = NULL;
	} else if (agent_write(agent->sock, agent->buf, len) == 0 &&
	    agent_note_key(agent, len) == 0 &&
	    !agent_answers(agent, AGENT_SIGN_PATIENCE))
		agent_set_late(agent);
	if (agent->late == NULL &&
	    (len = agent_read_msg(agent->sock, agent->buf)) != 0)
		return agent_write(agent->inner, agent->buf, len);
	return agent_write(agent->inner, failure, sizeof(failure));
}

/* The thread.  Ends when libssh or agent_close() closes its end. */
static void *
agent_relay(void *arg)
{
	struct agent	*agent = arg;
	size_t		 len;
	int		 ret = 0;

	while (ret == 0 &&
	    (len = agent_read_msg(agent->inner, agent->buf)) != 0)
		ret = agent->buf[4] == AGENT_REQUEST_KEYS ?
		    agent_tell_keys(agent) : agent_pass(agent, len);
	explicit_bzero(agent->buf, 4 + AGENT_MSG_MAX);
	return NULL;
}

/* Can libssh read the key?  It stops at the first that it cannot read. */
static int
agent_key_usable(const struct agent_key *key)
{
	const u_char		*p = key->blob, *name;
	size_t			 left = key->blob_len, len;
	char			 type[64];
	enum ssh_keytypes_e	 kt;
	ssh_key			 k = NULL;
	int			 rc;

	if (agent_get_string(&p, &left, &name, &len) == -1 ||
	    len >= sizeof(type))
		return 0;
	memcpy(type, name, len);
	type[len] = '\0';
	if ((kt = ssh_key_type_from_name(type)) == SSH_KEYTYPE_UNKNOWN)
		return 0;
	if (strstr(type, "-cert-v0") != NULL)
		rc = ssh_pki_import_cert_base64(key->b64, kt, &k);
	else
		rc = ssh_pki_import_pubkey_base64(key->b64, kt, &k);
	ssh_key_free(k);
	return rc == SSH_OK;
}

static void
agent_add_key(struct agent *agent, const struct agent_key *key)
{
	u_char	*p;

	p = agent->list + agent->list_len;
	agent_put_u32(p, key->blob_len);
	memcpy(p + 4, key->blob, key->blob_len);
	p += 4 + key->blob_len;
	agent_put_u32(p, key->comment_len);
	memcpy(p + 4, key->comment, key->comment_len);
	agent->list_len += 8 + key->blob_len + key->comment_len;
	agent->names[agent->nnames++] = xstrdup(key->b64);
}

/*
 * Makes the list that libssh gets: first the keys that the configuration
 * names, in its order, then the agent's others, unless IdentitiesOnly is set.
 */
static void
agent_make_list(struct agent *agent, const struct agent_key *keys,
    size_t nkeys, const struct conf_list *wanted, int only)
{
	size_t	i, w, size = 9;

	for (i = 0; i < nkeys; i++)
		size += 8 + keys[i].blob_len + keys[i].comment_len;
	agent->list = xcalloc(1, size);
	agent->list_len = 9;
	agent->names = xcalloc(nkeys + 1, sizeof(*agent->names));
	for (w = 0; w < wanted->n; w++)
		for (i = 0; i < nkeys; i++)
			if (strcmp(keys[i].b64, wanted->word[w]) == 0 &&
			    !agent_holds(agent, keys[i].b64) &&
			    agent_key_usable(&keys[i]))
				agent_add_key(agent, &keys[i]);
	for (i = 0; !only && i < nkeys; i++)
		if (!agent_holds(agent, keys[i].b64) &&
		    agent_key_usable(&keys[i]))
			agent_add_key(agent, &keys[i]);
	agent_put_u32(agent->list, agent->list_len - 4);
	agent->list[4] = AGENT_KEYS_ANSWER;
	agent_put_u32(agent->list + 5, agent->nnames);
}

/* Asks the agent for its keys and makes the list; -1 when there are none. */
static int
agent_load(struct agent *agent, const struct cliconf *conf,
    const struct conf_list *wanted)
{
	static const u_char	 request[] = { 0, 0, 0, 1, AGENT_REQUEST_KEYS };
	struct agent_key	*keys;
	size_t			 len, nkeys;

	if (agent_write(agent->sock, request, sizeof(request)) == -1 ||
	    !agent_answers(agent, conf->batch_mode ? AGENT_LIST_PATIENCE :
	    -1) || (len = agent_read_msg(agent->sock, agent->buf)) == 0 ||
	    agent_parse_keys(agent->buf + 4, len - 4, &keys, &nkeys) == -1) {
		log_verbose("agent: no list of keys");
		return -1;
	}
	agent_make_list(agent, keys, nkeys, wanted, conf->identities_only);
	agent_free_keys(keys, nkeys);
	log_debug("agent: %zu keys, %zu to be tried", nkeys, agent->nnames);
	return agent->nnames > 0 ? 0 : -1;
}

/* The agent's socket as IdentityAgent and the environment name it, or NULL. */
static const char *
agent_path(const struct cliconf *conf)
{
	const char	*path = conf->identity_agent;

	if (path == NULL || strcmp(path, "SSH_AUTH_SOCK") == 0)
		path = getenv("SSH_AUTH_SOCK");
	else if (strcasecmp(path, "none") == 0)
		path = NULL;
	else if (*path == '$')
		path = getenv(path + 1);
	return path != NULL && *path != '\0' ? path : NULL;
}

static int
agent_connect(const char *path)
{
	int	fd = unixsock_connect(path, 0);

	if (fd == -1)
		log_verbose("agent: %s: %s", path, strerror(errno));
	return fd;
}

/* The thread takes no signals: they belong to the loop. */
static int
agent_start(struct agent *agent)
{
	sigset_t	all, saved;
	int		pair[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	agent->inner = pair[0];
	agent->outer = pair[1];
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	error = pthread_create(&agent->thread, NULL, agent_relay, agent);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	if (error != 0) {
		close(agent->inner);
		agent->inner = -1;
		return -1;
	}
	return 0;
}

/*
 * Connects to the user's agent.  The list names the configured public keys
 * in base64.  Returns NULL when there is no agent or no key of it to try.
 */
struct agent *
agent_open(const struct cliconf *conf, const struct conf_list *wanted)
{
	struct agent	*agent;
	const char	*path;
	int		 fd;

	if ((path = agent_path(conf)) == NULL ||
	    (fd = agent_connect(path)) == -1)
		return NULL;
	agent = xcalloc(1, sizeof(*agent));
	agent->sock = fd;
	agent->inner = agent->outer = -1;
	agent->buf = xmalloc(4 + AGENT_MSG_MAX);
	if (agent_load(agent, conf, wanted) == -1 ||
	    agent_start(agent) == -1) {
		agent_close(agent);
		return NULL;
	}
	return agent;
}

/*
 * The descriptor to be given to ssh_set_agent_socket(); the session owns it
 * from then on.  To be taken once.
 */
int
agent_take_fd(struct agent *agent)
{
	int	fd;

	fd = agent->outer;
	agent->outer = -1;
	return fd;
}

/*
 * The key with which the last signature was asked for, or NULL.  Valid until
 * libssh asks for another: the thread does nothing in between.
 */
const char *
agent_signed_with(const struct agent *agent)
{
	return agent->signed_with;
}

/*
 * When a signature failed: is the agent still busy with it?  Then libssh is to
 * try again when the descriptor that is returned can be read from.  Otherwise,
 * and if that was said of this signature before, -1.
 */
int
agent_late_fd(struct agent *agent)
{
	if (agent->late == NULL || agent->late_told)
		return -1;
	agent->late_told = 1;
	return agent->sock;
}

/* The key at a place of the list that libssh is shown, in base64, or NULL. */
const char *
agent_key(const struct agent *agent, size_t i)
{
	return i < agent->nnames ? agent->names[i] : NULL;
}

/* Is the key, in base64, one of those that libssh is shown? */
int
agent_holds(const struct agent *agent, const char *b64)
{
	size_t	i;

	for (i = 0; i < agent->nnames; i++)
		if (strcmp(agent->names[i], b64) == 0)
			return 1;
	return 0;
}

/*
 * Ends the thread and frees; NULL is ignored.  If the agent is still waiting
 * for its user's consent, its answer is given up, and the session sees end of
 * file.
 */
void
agent_close(struct agent *agent)
{
	size_t	i;

	if (agent == NULL)
		return;
	if (agent->inner != -1) {
		shutdown(agent->sock, SHUT_RDWR);
		shutdown(agent->inner, SHUT_RDWR);
		pthread_join(agent->thread, NULL);
		close(agent->inner);
	}
	if (agent->outer != -1)
		close(agent->outer);
	close(agent->sock);
	for (i = 0; i < agent->nnames; i++)
		free(agent->names[i]);
	free(agent->names);
	free(agent->signed_with);
	free(agent->late);
	free(agent->list);
	free(agent->buf);
	free(agent);
}
