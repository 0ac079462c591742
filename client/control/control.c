/* SPDX-License-Identifier: ISC */
/*
 * This room is for the control socket and those who ask at it.  Here is the
 * side of the running sockstun: a request is one line with one word, the
 * answer one line of JSON, and then the connection is closed.  Which words
 * there are and what is answered is given from outside (answers.c).
 *
 * Only the user who runs sockstun, and root, are answered, whatever the
 * permissions of the socket are.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <jansson.h>

#include "control.h"
#include "listener.h"
#include "log.h"
#include "xmalloc.h"

/* Who asks has so many seconds to say it, and to take the answer. */
#define CONTROL_PATIENCE	10
#define CONTROL_ASKERS		16	/* at once */
#define CONTROL_MASK		0177

struct asker {
	TAILQ_ENTRY(asker)	 entry;
	struct control		*control;
	struct bufferevent	*bev;
	int			 answered;
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
	bufferevent_free(a->bev);
	free(a);
}

static json_t *
control_error(const char *text)
{
	return json_pack("{s:i, s:s}", "version", CONTROL_VERSION, "error",
	    text);
}

static json_t *
control_answer(const struct control *c, const char *word)
{
	const struct control_command *command;

	for (command = c->commands; command->name != NULL; command++)
		if (strcmp(command->name, word) == 0)
			return command->answer(c->arg);
	return control_error("unknown command");
}

/* Sends an answer, which is consumed; the connection ends when it is gone. */
static void
asker_answer(struct asker *a, json_t *answer)
{
	char *text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;

	json_decref(answer);
	a->answered = 1;
	if (text == NULL || bufferevent_write(a->bev, text,
	    strlen(text)) == -1 || bufferevent_write(a->bev, "\n", 1) == -1) {
		log_warnx("control socket: out of memory");
		free(text);
		asker_free(a);
		return;
	}
	free(text);
	bufferevent_disable(a->bev, EV_READ);
}

static void
asker_read_cb(struct bufferevent *bev, void *arg)
{
	struct asker *a = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	char *line;

	line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF);
	if (line != NULL)
		asker_answer(a, control_answer(a->control, line));
	else if (evbuffer_get_length(in) >= CONTROL_REQUEST_MAX)
		asker_answer(a, control_error("the request is too long"));
	free(line);
}

/* All was sent. */
static void
asker_write_cb(struct bufferevent *bev, void *arg)
{
	struct asker *a = arg;

	if (a->answered)
		asker_free(a);
}

static void
asker_event_cb(struct bufferevent *bev, short what, void *arg)
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
	static const struct timeval patience = { CONTROL_PATIENCE, 0 };
	struct control *c = arg;
	struct asker *a;

	if (!control_knows(fd) || c->n == CONTROL_ASKERS ||
	    (a = calloc(1, sizeof(*a))) == NULL) {
		close(fd);
		return;
	}
	a->control = c;
	a->bev = bufferevent_socket_new(c->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (a->bev == NULL) {
		close(fd);
		free(a);
		return;
	}
	TAILQ_INSERT_TAIL(&c->askers, a, entry);
	c->n++;
	bufferevent_setcb(a->bev, asker_read_cb, asker_write_cb,
	    asker_event_cb, a);
	bufferevent_setwatermark(a->bev, EV_READ, 0, CONTROL_REQUEST_MAX);
	if (bufferevent_set_timeouts(a->bev, &patience, &patience) == -1 ||
	    bufferevent_enable(a->bev, EV_READ | EV_WRITE) == -1)
		asker_free(a);
}

/*
 * Connects to the socket of a running sockstun.  Returns the descriptor, or -1
 * with errno.
 */
int
control_connect(const char *path)
{
	struct sockaddr_un sun;
	int fd, saved;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
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
