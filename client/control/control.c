/* SPDX-License-Identifier: ISC */
/*
 * This room is for the control socket and those who ask at it.  Here is the
 * side of the running sockstun: a request is one line with one word, the
 * answer one line of JSON, and then the connection is closed.  Which words
 * there are and what is answered is given from outside (answers.c).
 *
 * A long list is made and sent slice by slice, as the one who asks takes it,
 * with a turn of the loop between two slices: the flows are not held up.
 *
 * Only the user who runs sockstun, and root, are answered, whatever the
 * permissions of the socket are.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <jansson.h>

#include "buf.h"
#include "control.h"
#include "eventloop.h"
#include "listener.h"
#include "log.h"
#include "stream.h"
#include "unixsock.h"
#include "xmalloc.h"

/* Who asks has so many seconds to say it, and to take some of the answer. */
#define CONTROL_PATIENCE	10
#define CONTROL_ASKERS		16	/* at once */
#define CONTROL_MASK		0177
/* Bytes of an answer that wait: an object, and a slice of its list. */
#define CONTROL_ANSWER_MAX	(1 << 20)

struct asker {
	TAILQ_ENTRY(asker)	 entry;
	struct control		*control;
	struct stream		*stream;
	struct event		*timeout;
	struct buf		 in;
	struct buf		 out;
	const struct control_command *list;	/* of which more is to come */
	uint64_t		 last;		/* where its slice ended */
	const char		*separator;	/* before the next slice */
};
TAILQ_HEAD(asker_list, asker);

struct control {
	struct event_base	*base;
	struct listener		*listener;
	const struct control_command *commands;
	void			*arg;
	char			*path;
	dev_t			 dev;		/* the socket that is ours */
	ino_t			 ino;
	struct asker_list	 askers;
	size_t			 n;
};

static void
asker_free(struct asker *a)
{
	TAILQ_REMOVE(&a->control->askers, a, entry);
	a->control->n--;
	if (a->stream != NULL)
		a->stream->ops->close(a->stream, STREAM_CLOSE);
	if (a->timeout != NULL)
		event_free(a->timeout);
	buf_clear(&a->in);
	buf_clear(&a->out);
	free(a);
}

/* The asker has done something, and has time again. */
static void
asker_wait(struct asker *a, int want)
{
	static const struct timeval patience = { CONTROL_PATIENCE, 0 };

	eventloop_watch(a->timeout, &patience);
	a->stream->ops->want(a->stream, want);
}

static int
asker_say(struct asker *a, const char *text)
{
	return buf_append(&a->out, text, strlen(text));
}

/* Adds JSON, which is consumed, without its first and last so many bytes. */
static int
asker_add(struct asker *a, json_t *json, size_t first, size_t last)
{
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	int ret = -1;

	json_decref(json);
	if (text != NULL)
		ret = buf_append(&a->out, text + first, strlen(text) - first -
		    last);
	free(text);
	return ret;
}

/* The next slice, or the end. */
static int
asker_add_slice(struct asker *a)
{
	json_t *slice;

	if ((slice = a->list->slice(a->control->arg, &a->last)) == NULL)
		return -1;
	if (json_array_size(slice) == 0) {
		json_decref(slice);
		a->list = NULL;
		return asker_say(a, "]}\n");
	}
	if (asker_say(a, a->separator) == -1) {
		json_decref(slice);
		return -1;
	}
	a->separator = ",";
	return asker_add(a, slice, 1, 1);
}

/* An answer to a word, up to its list if it has one. */
static int
asker_add_answer(struct asker *a, const char *word)
{
	const struct control_command *c;

	for (c = a->control->commands; c->name != NULL; c++)
		if (strcmp(c->name, word) == 0)
			break;
	if (c->name == NULL)
		return asker_say(a, CONTROL_ERROR("unknown command"));
	if (asker_add(a, c->answer(a->control->arg), 0, 1) == -1)
		return asker_say(a, CONTROL_ERROR("out of memory"));
	if (c->list == NULL)
		return asker_say(a, "}\n");
	a->list = c;
	a->separator = "";
	return asker_say(a, ",\"") | asker_say(a, c->list) |
	    asker_say(a, "\":[");
}

/* Sends what there is, then the next slice; ends after the last. */
static void
asker_write(struct asker *a)
{
	ssize_t n;

	if (buf_len(&a->out) == 0 && asker_add_slice(a) == -1) {
		log_warnx("control socket: out of memory");
		asker_free(a);
		return;
	}
	n = a->stream->ops->write(a->stream, buf_data(&a->out),
	    buf_len(&a->out));
	if (n > 0)
		buf_consume(&a->out, (size_t)n);
	if ((n == -1 && errno != EAGAIN) ||
	    (buf_len(&a->out) == 0 && a->list == NULL))
		asker_free(a);
	else
		asker_wait(a, STREAM_WANT_WRITE);
}

/*
 * Is the request there, or will there be none?  ssh(1), which takes this for
 * a socket of its own, begins with a zero byte and waits for an answer.
 */
static int
asker_has_said(struct asker *a)
{
	const u_char *said = buf_data(&a->in);
	size_t i, n = buf_len(&a->in);

	for (i = 0; i < n; i++)
		if (!isprint(said[i]))
			return 1;
	return buf_space(&a->in) == 0;
}

static void
asker_read(struct asker *a)
{
	char word[CONTROL_REQUEST_MAX + 1];
	size_t room = buf_space(&a->in);
	u_char *space;
	ssize_t n;

	if ((space = buf_reserve(&a->in, room)) == NULL) {
		asker_free(a);
		return;
	}
	n = a->stream->ops->read(a->stream, space, room);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		asker_free(a);
		return;
	}
	buf_commit(&a->in, (size_t)n);
	if (!asker_has_said(a))
		return;
	memcpy(word, buf_data(&a->in), buf_len(&a->in));
	word[buf_len(&a->in)] = '\0';
	word[strcspn(word, "\n")] = '\0';
	if (asker_add_answer(a, word) == -1) {
		asker_free(a);
		return;
	}
	asker_write(a);
}

static void
asker_stream_cb(struct stream *st, enum stream_event ev, void *arg)
{
	struct asker *a = arg;

	if (ev == STREAM_READABLE)
		asker_read(a);
	else if (ev == STREAM_WRITABLE)
		asker_write(a);
	else
		asker_free(a);
}

static void
asker_timeout_cb(evutil_socket_t fd, short what, void *arg)
{
	asker_free(arg);
}

/* May this user ask? */
static int
control_knows(int fd)
{
	uid_t uid;
	gid_t gid;

	if (getpeereid(fd, &uid, &gid) == -1)
		return 0;
	if (uid == getuid() || uid == 0)
		return 1;
	log_info("control socket: user %lu may not ask", (unsigned long)uid);
	return 0;
}

static void
control_accept_cb(struct listener *l, int fd, const struct sockaddr *sa,
    socklen_t len, void *arg)
{
	struct control *c = arg;
	struct asker *a;

	if (!control_knows(fd) || c->n == CONTROL_ASKERS ||
	    (a = calloc(1, sizeof(*a))) == NULL) {
		close(fd);
		return;
	}
	a->control = c;
	TAILQ_INSERT_TAIL(&c->askers, a, entry);
	c->n++;
	buf_init(&a->in, CONTROL_REQUEST_MAX);
	buf_init(&a->out, CONTROL_ANSWER_MAX);
	a->timeout = evtimer_new(c->base, asker_timeout_cb, a);
	if ((a->stream = sockstream_new(c->base, fd)) == NULL)
		close(fd);
	if (a->timeout == NULL || a->stream == NULL) {
		asker_free(a);
		return;
	}
	a->stream->cb = asker_stream_cb;
	a->stream->arg = a;
	asker_wait(a, STREAM_WANT_READ);
}

/*
 * Connects to the socket of a running sockstun, without waiting.  Returns the
 * descriptor, which is non-blocking, or -1 with errno.
 */
int
control_connect(const char *path)
{
	return unixsock_connect(path, SOCK_NONBLOCK);
}

/* Removes a socket of this user's on which nobody listens any more. */
static int
control_remove_stale(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) == -1 || !S_ISSOCK(st.st_mode) ||
	    st.st_uid != getuid())
		return -1;
	if ((fd = control_connect(path)) != -1) {
		close(fd);
		return -1;
	}
	return errno == ECONNREFUSED ? unlink(path) : -1;
}

/* Makes the socket.  Returns the descriptor, or -1 after the reason. */
static int
control_bind(struct control *c)
{
	const char *why;
	struct stat st;
	int fd;

	fd = listener_bind_unix(c->path, CONTROL_MASK, &why);
	if (fd == -1 && control_remove_stale(c->path) == 0)
		fd = listener_bind_unix(c->path, CONTROL_MASK, &why);
	if (fd == -1)
		log_warnx("control socket %s: %s", c->path, why);
	else if (lstat(c->path, &st) == 0) {
		c->dev = st.st_dev;
		c->ino = st.st_ino;
	}
	return fd;
}

/*
 * Listens at a path, or on a descriptor if it is not -1, and answers these
 * commands, which end with one without a name; arg is passed to them.  NULL
 * after the reason was logged.
 */
struct control *
control_open(struct event_base *base, const char *path, int fd,
    const struct control_command *commands, void *arg)
{
	struct control *c = xcalloc(1, sizeof(*c));

	c->base = base;
	c->commands = commands;
	c->arg = arg;
	TAILQ_INIT(&c->askers);
	if (fd == -1) {
		c->path = xstrdup(path);
		fd = control_bind(c);
	}
	if (fd == -1) {
		control_close(c);
		return NULL;
	}
	c->listener = listener_new(base, fd, control_accept_cb, c);
	return c;
}

/* Removes the socket, unless another has taken its place.  NULL is ignored. */
void
control_close(struct control *c)
{
	struct asker *a;
	struct stat st;

	if (c == NULL)
		return;
	while ((a = TAILQ_FIRST(&c->askers)) != NULL)
		asker_free(a);
	if (c->ino != 0 && lstat(c->path, &st) == 0 &&
	    st.st_dev == c->dev && st.st_ino == c->ino)
		unlink(c->path);
	listener_free(c->listener);
	free(c->path);
	free(c);
}
