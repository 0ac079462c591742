/* SPDX-License-Identifier: ISC */
/*
 * Configuration files with Host, Match, Include, tokens and "~".  The input
 * is the files, with a form feed between them; what they name is one of them,
 * and no command is run.  What was read and finished is written, and read
 * back as the same.
 */
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "fuzz.h"

#define FILES	4

static pid_t	 no_fork(void);
static pid_t	 no_waitpid(pid_t, int *, int);
static int	 no_glob(const char *, int, int (*)(const char *, int),
		    glob_t *);
static void	 no_globfree(glob_t *);
static int	 no_open(const char *, int);
static int	 no_fstat(int, struct stat *);
static int	 no_close(int);

#define fork		no_fork
#define waitpid		no_waitpid
#define glob(p, f, e, g) no_glob(p, f, e, g)
#define globfree	no_globfree
#define open(path, how)	no_open(path, how)
#define fstat		no_fstat
#define close		no_close
#define slurp		no_slurp
#define canonical_name	no_canonical_name
#include "clifiles.c"

static char name[] = "alice", home[] = "/home/alice";
static struct passwd alice = { .pw_name = name, .pw_dir = home };
static const char *files[FILES];
static size_t lens[FILES];
static int opened;		/* files in one input, so that it ends */

struct passwd *
getpwuid(uid_t uid)
{
	return &alice;
}

struct passwd *
getpwnam(const char *user)
{
	return *user == 'a' ? &alice : NULL;
}

/* The parent of a child that was never there. */
static pid_t
no_fork(void)
{
	return 1;
}

static pid_t
no_waitpid(pid_t pid, int *status, int options)
{
	*status = opened % 2 << 8;
	return pid;
}

/* No name server is asked. */
char *
no_canonical_name(const struct cliconf *conf, const char *host, char *err,
    size_t errlen)
{
	char *full;

	if (conf->canonical_domains.n == 0)
		return xstrdup(host);
	xasprintf(&full, "%.20s.test", strchr(host, '%') == NULL ? host : "h");
	return full;
}

/* A path stands for itself. */
static int
no_glob(const char *path, int flags, int (*error)(const char *, int),
    glob_t *gl)
{
	gl->gl_pathc = 1;
	gl->gl_pathv = xcalloc(1, sizeof(*gl->gl_pathv));
	gl->gl_pathv[0] = xstrdup(path);
	return 0;
}

static void
no_globfree(glob_t *gl)
{
	free(gl->gl_pathv[0]);
	free(gl->gl_pathv);
}

/* The last byte of a path says which file it is. */
static int
no_open(const char *path, int how)
{
	size_t len = strlen(path);

	errno = ENOENT;
	return len == 0 || ++opened > 16 ? -1 :
	    (unsigned char)path[len - 1] % FILES;
}

static int
no_fstat(int fd, struct stat *sb)
{
	memset(sb, 0, sizeof(*sb));
	return 0;
}

static int
no_close(int fd)
{
	return 0;
}

void *
slurp(int fd, size_t max, size_t *len)
{
	char *text = malloc(lens[fd] + 1);

	check(text != NULL);
	memcpy(text, files[fd], lens[fd]);
	*len = lens[fd];
	return text;
}

static void
split_files(const char *data, size_t size)
{
	const char *end;
	size_t i;

	for (i = 0; i < FILES; i++) {
		end = memchr(data, '\f', size);
		files[i] = data;
		lens[i] = end == NULL ? size : (size_t)(end - data);
		data += lens[i] + (end != NULL);
		size -= lens[i] + (end != NULL);
	}
}

/* What is printed by -G gives the same when it is read as a file. */
static void
check_again(const struct cliconf *conf)
{
	struct cliconf again;
	struct conf_text text;
	char line[CONF_LINE_MAX + 1], why[CONF_ERR_MAX], *a, *b;

	a = cliconf_dump(conf);
	check(a != NULL);
	cliconf_init(&again);
	conf_text_init(&text, a, strlen(a));
	while (conf_text_next(&text, line, why, sizeof(why)) == 1)
		check(cliconf_set_option(&again, line, why,
		    sizeof(why)) == 0);
	b = cliconf_dump(&again);
	check(b != NULL && strcmp(a, b) == 0);
	cliconf_clear(&again);
	free(a);
	free(b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cliconf unset;
	struct cliconf conf;
	char err[CONF_ERR_MAX] = "";

	if (unset.port == 0) {
		fuzz_watch_log();
		cliconf_init(&unset);
	}
	conf = unset;
	opened = 0;
	split_files((const char *)data, size);
	if (cliconf_read_files(&conf, "host.example", "a", err,
	    sizeof(err)) == -1 ||
	    cliconf_finish(&conf, "host.example", err, sizeof(err)) == -1)
		check(*err != '\0');
	else
		check_again(&conf);
	cliconf_clear(&conf);
	return 0;
}
