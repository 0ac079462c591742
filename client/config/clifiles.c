/* SPDX-License-Identifier: ISC */
/*
 * Owns which configuration files are read and which of their lines hold for
 * a host: Host, Match and Include.  What a keyword means is left to the table
 * in cliconf.c.
 */
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "canonical.h"
#include "cliconf.h"
#include "conf.h"
#include "expand.h"
#include "log.h"
#include "match.h"
#include "pathnames.h"
#include "slurp.h"
#include "xmalloc.h"

#define CLIFILES_DEPTH	16	/* Include within Include, as in ssh */
#define SSH_SYSTEM_DIR	"/etc/ssh"

/* One reading of one configuration file and all that it includes. */
struct clifile {
	struct cliconf		*conf;
	struct cliconf		*scratch;	/* for lines that do not hold */
	const char		*host;		/* as the user gave it */
	char			*target;	/* its name now, for "Host" */
	char			*user;		/* who runs the program */
	char			*home;
	const char		*dir;		/* where Include looks */
	int			 is_user;	/* Include may begin with ~ */
	int			 is_ssh;	/* ssh's own file */
	int			 final;		/* second reading */
	int			 want_final;	/* "Match final" was seen */
	int			 inactive;	/* included where none holds */
	int			 depth;
	char			*err;
	size_t			 errlen;
};

static int	clifile_read(struct clifile *, const char *, int, int);

/* Is nobody but the user in this group, as far as the system lists users? */
static int
clifile_is_private(const struct clifile *cf, gid_t gid)
{
	const struct group *gr = getgrgid(gid);
	const struct passwd *pw;
	char **member;
	int alone = 0;

	if (gr == NULL)
		return 0;
	for (member = gr->gr_mem; *member != NULL; member++) {
		if (strcmp(*member, cf->user) != 0)
			return 0;
		alone = 1;
	}
	setpwent();
	while ((pw = getpwent()) != NULL)
		if (pw->pw_gid == gid && (alone =
		    strcmp(pw->pw_name, cf->user) == 0) == 0)
			break;
	endpwent();
	return alone;
}

/*
 * May the user trust this file?  Only he and root may write to it, or as on
 * Debian a group that is his alone.
 */
static int
clifile_is_safe(const struct clifile *cf, int fd)
{
	struct stat sb;

	return fstat(fd, &sb) == 0 &&
	    (sb.st_uid == 0 || sb.st_uid == getuid()) &&
	    (sb.st_mode & S_IWOTH) == 0 &&
	    ((sb.st_mode & S_IWGRP) == 0 ||
	    clifile_is_private(cf, sb.st_gid));
}

/* Does a "Host" line hold?  A match with "!" rules out the whole line. */
static int
clifile_host(const struct clifile *cf, const struct conf_list *words)
{
	size_t i;
	int found = 0;

	for (i = 1; i < words->n; i++) {
		if (*words->word[i] == '!') {
			if (match_pattern(cf->target,
			    words->word[i] + 1))
				return 0;
		} else if (match_pattern(cf->target, words->word[i]))
			found = 1;
	}
	return found;
}

/* Runs a command by the user's shell.  Returns 1 if it succeeds, 0 or -1. */
static int
clifile_exec(const char *command, char *why, size_t size)
{
	const char *shell = getenv("SHELL");
	int fd, status;
	pid_t pid;

	if (shell == NULL || *shell == '\0')
		shell = "/bin/sh";
	if ((pid = fork()) == 0) {
		if ((fd = open("/dev/null", O_RDWR)) == -1 ||
		    dup2(fd, STDIN_FILENO) == -1 ||
		    dup2(fd, STDOUT_FILENO) == -1)
			_exit(1);
		closefrom(STDERR_FILENO + 1);
		execl(shell, shell, "-c", command, (char *)NULL);
		_exit(127);
	}
	while (pid != -1 && waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			pid = -1;
	if (pid == -1 || !WIFEXITED(status)) {
		snprintf(why, size, "Match exec \"%.100s\" failed", command);
		return -1;
	}
	return WEXITSTATUS(status) == 0;
}

/* Does "exec" hold?  The command may have tokens. */
static int
clifile_match_exec(const struct clifile *cf, const char *hostname,
    const char *arg, char *why, size_t size)
{
	struct expand_names names = { cf->conf, cf->host, hostname };
	char *command;
	int ret;

	if ((command = expand_text(&names, arg, EXPAND_SHELL, why,
	    size)) == NULL)
		return -1;
	ret = clifile_exec(command, why, size);
	free(command);
	return ret;
}

/* The text that a criterion with patterns is matched with, or NULL. */
static const char *
clifile_subject(const struct clifile *cf, const char *name)
{
	if (strcasecmp(name, "user") == 0)
		return cf->conf->user != NULL ? cf->conf->user : cf->user;
	if (strcasecmp(name, "localuser") == 0)
		return cf->user;
	if (strcasecmp(name, "sessiontype") == 0)
		return "none";
	if (strcasecmp(name, "tagged") == 0)
		return cf->conf->tag != NULL ? cf->conf->tag : "";
	if (strcasecmp(name, "command") == 0)
		return "";
	return NULL;
}

/*
 * Does one criterion hold?  A command is run only if all before it held
 * (active).  Returns 1, 0, -2 for a criterion that never holds, or -1 with a
 * reason.
 */
static int
clifile_criterion(struct clifile *cf, const char *name, const char *arg,
    const char *hostname, int active, char *why, size_t size)
{
	const char *subject;

	if (strcasecmp(name, "host") == 0)
		return match_hostname(hostname, arg) == 1;
	if (strcasecmp(name, "originalhost") == 0)
		return match_hostname(cf->host, arg) == 1;
	if (strcasecmp(name, "exec") == 0)
		return active ? clifile_match_exec(cf, hostname, arg, why,
		    size) : 0;
	if ((subject = clifile_subject(cf, name)) != NULL)
		return *subject == '\0' ? *arg == '\0' :
		    match_pattern_list(subject, arg, 0) == 1;
	if (cf->is_ssh) {
		log_debug("Match attribute %s is not known here: no match",
		    name);
		return -2;
	}
	snprintf(why, size, "Unsupported Match attribute %.100s", name);
	return -1;
}

/* Splits "name=arg", or takes the argument from the next word. */
static const char *
clifile_match_arg(char *name, const struct conf_list *words, size_t *i,
    char *why, size_t size)
{
	char *eq = strchr(name, '=');

	if (eq != NULL) {
		*eq = '\0';
		return eq + 1;
	}
	if (*i + 1 < words->n)
		return words->word[++*i];
	snprintf(why, size, "missing argument for Match '%.100s'", name);
	return NULL;
}

/* Does the i-th word, with its argument, hold?  Returns 1, 0 or -1. */
static int
clifile_match_word(struct clifile *cf, const struct conf_list *words,
    size_t *i, const char *hostname, int active, char *why, size_t size)
{
	char *name = words->word[*i];
	const char *arg;
	int negated, r;

	if ((negated = *name == '!'))
		name++;
	if (strcasecmp(name, "all") == 0) {
		if (*i + 1 == words->n)
			return !negated;
		snprintf(why, size, "'%.100s' cannot be combined with other "
		    "Match attributes", words->word[*i]);
		return -1;
	}
	if (strcasecmp(name, "final") == 0 ||
	    strcasecmp(name, "canonical") == 0) {
		if (!negated && strcasecmp(name, "final") == 0)
			cf->want_final = 1;
		return cf->final != negated;
	}
	if ((arg = clifile_match_arg(name, words, i, why, size)) == NULL)
		return -1;
	r = clifile_criterion(cf, name, arg, hostname, active, why, size);
	if (r == -2)
		return 0;
	return r == -1 ? -1 : r != negated;
}

/* Does a "Match" line hold?  Every criterion must. */
static int
clifile_match(struct clifile *cf, const struct conf_list *words, char *why,
    size_t size)
{
	char *hostname;
	size_t i;
	int r, active = !cf->inactive;

	if ((hostname = expand_hostname(cf->conf, cf->host, why,
	    size)) == NULL)
		return -1;
	for (i = 1; i < words->n; i++) {
		r = clifile_match_word(cf, words, &i, hostname, active, why,
		    size);
		if (r != 1)
			active = r;
		if (r == -1)
			break;
	}
	free(hostname);
	return active;
}

/*
 * Reads the files of one word of "Include".  Returns 0, or -1; then either
 * there is a reason in why, or a file that was read left its own in cf->err.
 */
static int
clifile_include(struct clifile *cf, const char *word, char *why, size_t size)
{
	struct expand_names names = { cf->conf, cf->host, NULL };
	char *hostname, *path = NULL, *text = NULL;
	size_t i;
	glob_t gl;
	int r, ret = -1;

	if (*word == '~' && !cf->is_user) {
		snprintf(why, size, "bad include path %.100s", word);
		return -1;
	}
	memset(&gl, 0, sizeof(gl));
	if ((hostname = expand_hostname(cf->conf, cf->host, why,
	    size)) == NULL)
		return -1;
	names.hostname = hostname;
	if ((text = expand_text(&names, word, EXPAND_TILDE | EXPAND_ENV |
	    EXPAND_TOKENS, why, size)) == NULL) {
		ret = cf->inactive ? 0 : -1;
		goto out;
	}
	xasprintf(&path, "%s%s%s", *text == '/' ? "" : cf->dir,
	    *text == '/' ? "" : "/", text);
	r = glob(path, 0, NULL, &gl);
	if (r != 0 && r != GLOB_NOMATCH) {
		snprintf(why, size, "glob failed for %.100s", path);
		goto out;
	}
	ret = 0;
	for (i = 0; ret == 0 && i < gl.gl_pathc; i++)
		ret = clifile_read(cf, gl.gl_pathv[i], 1, 0);
	globfree(&gl);
 out:
	free(path);
	free(text);
	free(hostname);
	return ret;
}

/* Obeys Host, Match or Include. */
static int
clifile_directive(struct clifile *cf, const char *line, int *active,
    char *why, size_t size)
{
	struct conf_list words;
	size_t i;
	int was_inactive, ret = 0;

	if (conf_split(line, &words, why, size) == -1)
		return -1;
	if (words.n == 1) {
		snprintf(why, size, "no argument after keyword \"%s\"",
		    words.word[0]);
		ret = -1;
	} else if (strcasecmp(words.word[0], "Host") == 0)
		*active = !cf->inactive && clifile_host(cf, &words);
	else if (strcasecmp(words.word[0], "Match") == 0) {
		if ((ret = clifile_match(cf, &words, why, size)) != -1)
			*active = ret;
		ret = ret == -1 ? -1 : 0;
	} else {
		was_inactive = cf->inactive;
		cf->inactive = !*active;
		for (i = 1; ret == 0 && i < words.n; i++)
			ret = clifile_include(cf, words.word[i], why, size);
		cf->inactive = was_inactive;
	}
	conf_list_clear(&words);
	return ret;
}

/* Is a keyword that the table lacks to be passed over?  0, or -1. */
static int
clifile_unknown(const struct clifile *cf, const char *path, int num,
    const char *name, char *why, size_t size)
{
	if (cf->is_ssh || (cf->conf->ignore_unknown != NULL &&
	    match_pattern_list(name, cf->conf->ignore_unknown, 1) == 1)) {
		log_debug("%s line %d: ignored unknown option \"%s\"", path,
		    num, name);
		return 0;
	}
	snprintf(why, size, "Bad configuration option: %.100s", name);
	return -1;
}

/* Obeys one line.  One that does not hold is still checked for errors. */
static int
clifile_line(struct clifile *cf, const char *path, int num, const char *line,
    int *active, char *why, size_t size)
{
	const struct conf_keyword *kw;
	char name[128];
	int obeyed;

	if (!conf_line_keyword(line, name, sizeof(name)))
		return 0;
	if ((kw = conf_find(cliconf_keywords, name)) == NULL)
		return clifile_unknown(cf, path, num, name, why, size);
	if (kw->flags & CONF_FILE)
		return clifile_directive(cf, line, active, why, size);
	obeyed = *active;
	/* That is the path of a socket of ssh's, whose language is another. */
	if (cf->is_ssh && strcmp(kw->name, "ControlPath") == 0)
		obeyed = 0;
	return conf_take_line(cliconf_keywords, obeyed ? cf->conf : NULL,
	    cf->scratch, line, why, size);
}

/* Every line of a text; the first bad one ends it with cf->err set. */
static int
clifile_parse(struct clifile *cf, const char *path, const char *data,
    size_t len)
{
	char line[CONF_LINE_MAX + 1], why[CONF_ERR_MAX] = "";
	struct conf_text text;
	int r, active = !cf->inactive;

	conf_text_init(&text, data, len);
	while ((r = conf_text_next(&text, line, why, sizeof(why))) == 1)
		if ((r = clifile_line(cf, path, text.line, line, &active, why,
		    sizeof(why))) == -1)
			break;
	if (r == -1 && *why != '\0')
		snprintf(cf->err, cf->errlen, "%s line %d: %s", path,
		    text.line, why);
	return r;
}

/*
 * Reads a file and what it includes; one that cannot be opened is passed
 * over unless it must exist.  Returns 0, or -1 with cf->err set.
 */
static int
clifile_read(struct clifile *cf, const char *path, int check, int must_exist)
{
	size_t len;
	char *text = NULL;
	int fd, ret = -1;

	if (cf->depth > CLIFILES_DEPTH) {
		snprintf(cf->err, cf->errlen, "%s: Too many recursive "
		    "configuration includes", path);
		return -1;
	}
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		if (!must_exist)
			return 0;
		snprintf(cf->err, cf->errlen, "Can't open user config file "
		    "%s: %s", path, strerror(errno));
		return -1;
	}
	if (check && !clifile_is_safe(cf, fd))
		snprintf(cf->err, cf->errlen, "Bad owner or permissions on "
		    "%s", path);
	else if ((text = slurp(fd, CONF_FILE_MAX, &len)) == NULL)
		snprintf(cf->err, cf->errlen, "%s: %s", path,
		    strerror(errno));
	else {
		log_debug("reading configuration data %s", path);
		cf->depth++;
		ret = clifile_parse(cf, path, text, len);
		cf->depth--;
	}
	free(text);
	close(fd);
	return ret;
}

/*
 * After the first reading: the name that "Host" is matched with in the second,
 * which is that of HostName, or the full one if that is asked for; the second
 * reading may then say more about it.  0, or -1 with cf->err set.
 */
static int
clifile_settle_target(struct clifile *cf)
{
	struct cliconf *conf = cf->conf;
	char *name, *full;

	if ((name = expand_hostname(conf, cf->host, cf->err,
	    cf->errlen)) == NULL)
		return -1;
	if (canonical_is_asked(conf)) {
		cf->want_final = 1;
		full = canonical_name(conf, name, cf->err, cf->errlen);
		if (full != NULL && strcmp(full, name) != 0) {
			free(conf->hostname);
			conf->hostname = xstrdup(full);
		}
		free(name);
		name = full;
	}
	free(cf->target);
	cf->target = name;
	return name == NULL ? -1 : 0;
}

/* One round over the file of -F, or over the user's and the system's. */
static int
clifile_round(struct clifile *cf, const char *file)
{
	char *ssh_dir, *ours, *theirs;
	int ret;

	if (file != NULL && strcasecmp(file, "none") == 0)
		return 0;
	xasprintf(&ssh_dir, "%s/.ssh", cf->home);
	xasprintf(&ours, "%s/sockstun_config", ssh_dir);
	xasprintf(&theirs, "%s/config", ssh_dir);
	cf->dir = ssh_dir;
	cf->is_user = 1;
	cf->is_ssh = 0;
	if (file != NULL)
		ret = clifile_read(cf, file, 0, 1);
	else if ((ret = clifile_read(cf, ours, 1, 0)) == 0) {
		cf->is_ssh = 1;
		ret = clifile_read(cf, theirs, 1, 0);
	}
	if (file == NULL && ret == 0) {
		cf->is_user = 0;
		cf->is_ssh = 0;
		cf->dir = SYSCONFDIR;
		ret = clifile_read(cf, PATH_CLIENT_CONFIG, 0, 0);
	}
	if (file == NULL && ret == 0) {
		cf->is_ssh = 1;
		cf->dir = SSH_SYSTEM_DIR;
		ret = clifile_read(cf, SSH_SYSTEM_DIR "/ssh_config", 0, 0);
	}
	free(ssh_dir);
	free(ours);
	free(theirs);
	return ret;
}

/*
 * Reads what the files say of the host that the user gave: the file of -F
 * alone ("none": no file), or with NULL ~/.ssh/sockstun_config, ~/.ssh/config
 * and the system's two.  What is set already stays.  The host and the user of
 * the command line are checked first: a file may give them to a shell.
 * Returns 0, or -1 with a reason.
 */
int
cliconf_read_files(struct cliconf *conf, const char *host, const char *file,
    char *err, size_t errlen)
{
	const struct passwd *pw;
	struct cliconf scratch;
	struct clifile cf = { .conf = conf, .scratch = &scratch,
	    .host = host, .err = err, .errlen = errlen };
	int ret;

	conf->config_file = file;
	if (expand_check_names(host, conf->user, err, errlen) == -1)
		return -1;
	if ((pw = expand_passwd(err, errlen)) == NULL)
		return -1;
	cf.user = xstrdup(pw->pw_name);
	cf.home = xstrdup(pw->pw_dir);
	cf.target = xstrdup(host);
	cliconf_init(&scratch);
	if ((ret = clifile_round(&cf, file)) == 0)
		ret = clifile_settle_target(&cf);
	if (ret == 0 && cf.want_final) {
		cf.final = 1;
		ret = clifile_round(&cf, file);
	}
	free(cf.target);
	free(cf.user);
	free(cf.home);
	return ret;
}
