/* SPDX-License-Identifier: ISC */
/*
 * Finds out which program is at the other end of each connection of a client
 * on this machine, as far as the kernel tells it to this user: by the inodes
 * of sockets in /proc/net/tcp{,6}, then by whose descriptors they are.  For
 * the process that asks at a control socket, which has the time; each file is
 * read once for all connections.
 */
#include <sys/types.h>
#include <netinet/in.h>

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "addr.h"
#include "log.h"
#include "program.h"

#define PROGRAM_NAME_MAX	16	/* TASK_COMM_LEN */
#define PROGRAM_PORTS_MAX	64
#define SOCKET_LINK		"socket:["

/* A connection whose program is looked for. */
struct wanted {
	json_t		*flow;
	const char	*client;
	unsigned long	 inode;		/* of its socket; 0: none is known */
};

struct search {
	struct wanted	*list;
	size_t		 n;
	size_t		 left;		/* with an inode and without a program */
	uint16_t	 ports[PROGRAM_PORTS_MAX];	/* of listeners */
	size_t		 nports;
	int		 proc;
};

static int
compare_clients(const void *a, const void *b)
{
	return strcmp(((const struct wanted *)a)->client,
	    ((const struct wanted *)b)->client);
}

static int
compare_inodes(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

/* What a process is called; null if it is gone. */
static json_t *
program_name(int proc, pid_t pid)
{
	char path[64], name[PROGRAM_NAME_MAX + 1], safe[4 * sizeof(name)];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%ld/comm", (long)pid);
	if ((fd = openat(proc, path, O_RDONLY | O_CLOEXEC)) != -1) {
		n = read(fd, name, sizeof(name));
		close(fd);
	}
	if (n > 0 && name[n - 1] == '\n')
		n--;
	return n > 0 ? json_string(log_safe(name, (size_t)n, safe,
	    sizeof(safe))) : json_null();
}

/* The ports that clients connect to. */
static void
note_ports(struct search *s, const json_t *listeners)
{
	const char *name, *port;
	size_t i;

	for (i = 0; i < json_array_size(listeners); i++) {
		name = json_string_value(json_array_get(listeners, i));
		if (name == NULL || *name == '/' ||
		    (port = strrchr(name, ':')) == NULL ||
		    s->nports == PROGRAM_PORTS_MAX)
			continue;
		if (addr_parse_port(&s->ports[s->nports], port + 1) == 0)
			s->nports++;
	}
}

static int
is_listener(const struct search *s, unsigned int port)
{
	size_t i;

	for (i = 0; i < s->nports; i++)
		if (s->ports[i] == port)
			return 1;
	return 0;
}

/* Those that were not looked for yet; the rest is told at once. */
static int
collect(struct search *s, json_t *flows)
{
	json_t *flow, *pid;
	const char *client;
	size_t i;

	s->list = calloc(json_array_size(flows) + 1, sizeof(*s->list));
	if (s->list == NULL)
		return -1;
	for (i = 0; i < json_array_size(flows); i++) {
		flow = json_array_get(flows, i);
		client = json_string_value(json_object_get(flow, "client"));
		if (json_object_get(flow, "program") != NULL || client == NULL)
			continue;
		if ((pid = json_object_get(flow, "pid")) != NULL) {
			json_object_set_new(flow, "program", program_name(
			    s->proc, (pid_t)json_integer_value(pid)));
			continue;
		}
		json_object_set_new(flow, "pid", json_null());
		json_object_set_new(flow, "program", json_null());
		s->list[s->n].flow = flow;
		s->list[s->n++].client = client;
	}
	qsort(s->list, s->n, sizeof(*s->list), compare_clients);
	return 0;
}

/* An address as the kernel writes it: words of 32 bits, the machine's. */
static int
parse_address(struct addr *a, const char *hex, unsigned int port)
{
	uint32_t words[4];
	char word[9];
	size_t i, n = strlen(hex) / 8;

	if (strlen(hex) != 8 && strlen(hex) != 32)
		return -1;
	for (i = 0; i < n; i++) {
		strlcpy(word, hex + 8 * i, sizeof(word));
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	memset(a, 0, sizeof(*a));
	a->type = n == 1 ? ADDR_IPV4 : ADDR_IPV6;
	a->port = (uint16_t)port;
	memcpy(&a->u, words, n * sizeof(words[0]));
	addr_unmap(a);
	return 0;
}

/* A line of /proc/net/tcp: is it the socket of one of ours? */
static void
match_socket(struct search *s, const char *line)
{
	struct wanted key = { .client = NULL }, *w;
	struct addr a;
	char hex[33], name[ADDR_STRLEN];
	unsigned int port, peer;
	unsigned long inode;

	if (sscanf(line, "%*d: %32[0-9A-F]:%x %*[0-9A-F]:%x %*x %*x:%*x "
	    "%*x:%*x %*x %*u %*u %lu", hex, &port, &peer, &inode) != 4 ||
	    inode == 0 || !is_listener(s, peer) ||
	    parse_address(&a, hex, port) == -1)
		return;
	key.client = addr_format(&a, name, sizeof(name));
	w = bsearch(&key, s->list, s->n, sizeof(*s->list), compare_clients);
	if (w == NULL || w->inode != 0)
		return;
	w->inode = inode;
	s->left++;
}

static void
find_sockets(struct search *s, const char *path)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f;
	int fd;

	if ((fd = openat(s->proc, path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	if ((f = fdopen(fd, "r")) == NULL) {
		close(fd);
		return;
	}
	while (getline(&line, &size, f) != -1)
		match_socket(s, line);
	free(line);
	fclose(f);
}

/* Is it a descriptor of one of the sockets? */
static struct wanted *
match_descriptor(const struct search *s, int dir, const char *name)
{
	char link[64];
	struct wanted key = { .client = NULL }, *w;
	ssize_t n;

	if ((n = readlinkat(dir, name, link, sizeof(link) - 1)) <= 0)
		return NULL;
	link[n] = '\0';
	if (strncmp(link, SOCKET_LINK, strlen(SOCKET_LINK)) != 0)
		return NULL;
	key.inode = strtoul(link + strlen(SOCKET_LINK), NULL, 10);
	w = bsearch(&key, s->list, s->n, sizeof(*s->list), compare_inodes);
	if (w == NULL || w->inode == 0 ||
	    !json_is_null(json_object_get(w->flow, "pid")))
		return NULL;
	return w;
}

/* Has this process some of the sockets? */
static void
search_process(struct search *s, const char *pid)
{
	char path[64];
	pid_t number = (pid_t)strtol(pid, NULL, 10);
	struct wanted *w;
	struct dirent *e;
	json_t *name = NULL;
	DIR *dir = NULL;
	int fd;

	snprintf(path, sizeof(path), "%.20s/fd", pid);
	fd = openat(s->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 || (dir = fdopendir(fd)) == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	while (s->left > 0 && (e = readdir(dir)) != NULL) {
		if ((w = match_descriptor(s, fd, e->d_name)) == NULL)
			continue;
		if (name == NULL)
			name = program_name(s->proc, number);
		json_object_set_new(w->flow, "pid", json_integer(number));
		json_object_set(w->flow, "program", name);
		s->left--;
	}
	json_decref(name);
	closedir(dir);
}

static void
search_processes(struct search *s, const char *proc)
{
	struct dirent *e;
	DIR *dir;

	if (s->left == 0 || (dir = opendir(proc)) == NULL)
		return;
	qsort(s->list, s->n, sizeof(*s->list), compare_inodes);
	while (s->left > 0 && (e = readdir(dir)) != NULL)
		if (isdigit((u_char)e->d_name[0]))
			search_process(s, e->d_name);
	closedir(dir);
}

/*
 * Gives each connection of an answer to "flows" the members "pid" and
 * "program", null where they cannot be told; one that has a program, if only
 * null, is left as it is.  The path is that of /proc.
 */
void
program_find(json_t *answer, const char *proc)
{
	struct search s = { .proc = open(proc, O_RDONLY | O_DIRECTORY |
	    O_CLOEXEC) };

	note_ports(&s, json_object_get(answer, "listeners"));
	if (collect(&s, json_object_get(answer, "flows")) == 0 && s.n > 0) {
		find_sockets(&s, "net/tcp");
		find_sockets(&s, "net/tcp6");
		search_processes(&s, proc);
	}
	free(s.list);
	if (s.proc != -1)
		close(s.proc);
}
