/* SPDX-License-Identifier: ISC */
/*
 * Makes the Nth call of a function fail, in one process of ours.
 *
 * It is linked into all our programs (make fault), in front of the libraries,
 * so what libssh and the others call comes here, too; and it stays when a
 * program executes itself again, with another user or without an environment.
 * What shall fail is said in a file "fault" in the folder of the program
 * (plan.py), which is mapped at the first call, long before any sandbox is
 * closed.  In it all calls are counted, and it is told there which call failed
 * and where.  From then on the shim makes no system call of its own.  Without
 * that file it does nothing.
 *
 * A process has the name of its role and the number that it is of these, as
 * the second sockstund-net since the start of the daemon: net.2.
 */
#include <sys/types.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

/* The sanitizers have allocation and signals for themselves. */
#ifndef FAULT_SANITIZED
#define FAULT_SANITIZED	0
#endif

#define FAULT_MAGIC	0x464c5432
#define FAULT_NAME	16
#define FAULT_SLOTS	64
#define FAULT_FUNCS	20
#define FAULT_RANGES	8
#define FAULT_FRAMES	32
#define FAULT_TEXT	4096
#define FAULT_TRACE	(1 << 19)

/* plan.py has the same list, with names, and the same layout of the file. */
enum fault_func {
	F_MALLOC, F_READ, F_WRITE, F_CONNECT, F_ACCEPT, F_SOCKET,
	F_SOCKETPAIR, F_PIPE, F_EPOLL_CTL, F_SENDMSG, F_RECVMSG, F_SEND,
	F_RECV, F_DUP, F_FORK, F_THREAD, F_OPEN, F_EPOLL_CREATE
};

enum fault_mode {
	FAULT_OFF,
	FAULT_ONCE,
	FAULT_FOR_GOOD
};

/* One process. */
struct fault_slot {
	char		 name[FAULT_NAME];
	uint32_t	 pid;
	uint32_t	 unused;
	uint64_t	 calls[FAULT_FUNCS];
};

/* Which call came from where: a number for each stack of a process. */
struct fault_call {
	uint16_t	 slot;
	uint16_t	 func;
	uint32_t	 n;
	uint64_t	 stack;
};

/* A call that failed, or a signal that ended a process. */
struct fault_event {
	uint32_t	 times;
	uint32_t	 pid;
	uint32_t	 what;		/* function, or signal */
	uint32_t	 unused;
	uint64_t	 n;
	char		 name[FAULT_NAME];
	char		 text[FAULT_TEXT];	/* the stack, a line a frame */
};

struct fault_file {
	uint32_t	 magic;
	uint32_t	 nslots;
	/* the plan */
	char		 name[FAULT_NAME];
	uint32_t	 mode;
	uint32_t	 func;
	uint32_t	 error;
	uint32_t	 nranges;	/* 0: all calls; else those below one */
	uint64_t	 n;
	struct {
		uint64_t	 from;
		uint64_t	 to;
	} range[FAULT_RANGES];
	uint64_t	 matches;	/* calls below one of the ranges */
	uint32_t	 trace;
	uint32_t	 ntraced;
	/* what happened */
	struct fault_event fired;
	struct fault_event crashed;
	struct fault_slot slot[FAULT_SLOTS];
	struct fault_call call[FAULT_TRACE];
};

struct fault_stack {
	uintptr_t	 pc[FAULT_FRAMES];
	int		 n;
};

extern const char	 __executable_start[];

/* What the C library has, but its headers do not tell. */
ssize_t			 __read_chk(int, void *, size_t, size_t);
int			 __openat_2(int, const char *, int);
void			*__libc_malloc(size_t);
void			*__libc_calloc(size_t, size_t);
void			*__libc_realloc(void *, size_t);
void			*__libc_memalign(size_t, size_t);

static struct fault_file *file;
static struct fault_slot *self;
static char		 program[64];	/* "/" and its name */
static int		 tried;
static int		 failing;	/* for good */
static __thread int	 busy;

static _Unwind_Reason_Code
fault_add_frame(struct _Unwind_Context *ctx, void *arg)
{
	struct fault_stack *st = arg;
	uintptr_t pc = _Unwind_GetIP(ctx);

	if (pc == 0 || st->n == FAULT_FRAMES)
		return _URC_END_OF_STACK;
	st->pc[st->n++] = pc;
	return _URC_NO_REASON;
}

static void
fault_tell(struct fault_event *ev, int what, uint64_t n)
{
	struct fault_stack st = { .n = 0 };
	const char *base;
	Dl_info info;
	size_t len = 0;
	int i;

	if (__atomic_fetch_add(&ev->times, 1, __ATOMIC_RELAXED) > 0)
		return;
	_Unwind_Backtrace(fault_add_frame, &st);
	for (i = 2; i < st.n && len < FAULT_TEXT; i++) {
		/* A return address may be the next function's. */
		if (dladdr((void *)(st.pc[i] - 1), &info) == 0)
			continue;
		/* Of the program itself it has what is now the title. */
		base = strrchr(info.dli_fname, '/');
		if (info.dli_fbase == __executable_start)
			base = program;
		len += snprintf(ev->text + len, FAULT_TEXT - len,
		    "%s 0x%lx %s\n", base == NULL ? info.dli_fname : base + 1,
		    (unsigned long)(st.pc[i] - 1 - (uintptr_t)info.dli_fbase),
		    info.dli_sname == NULL ? "?" : info.dli_sname);
	}
	ev->what = what;
	ev->n = n;
	memcpy(ev->name, self->name, FAULT_NAME);
	__atomic_store_n(&ev->pid, self->pid, __ATOMIC_RELEASE);
}

/* The signal ends the process when it comes again. */
static void
fault_crashed(int sig)
{
	fault_tell(&file->crashed, sig, 0);
}

static void
fault_catch_signals(void)
{
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
	struct sigaction sa = {
		.sa_handler = fault_crashed, .sa_flags = SA_RESETHAND
	};
	size_t i;

	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaction(sigs[i], &sa, NULL);
}

/* The file beside the program, or NULL. */
static struct fault_file *
fault_map(void)
{
	char path[PATH_MAX], *slash;
	void *p = MAP_FAILED;
	long n;
	int fd;

	n = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path,
	    sizeof(path) - sizeof("fault"));
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	if ((slash = strrchr(path, '/')) == NULL)
		return NULL;
	snprintf(program, sizeof(program), "%s", slash);
	memcpy(slash + 1, "fault", sizeof("fault"));
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return NULL;
	p = (void *)syscall(SYS_mmap, NULL, sizeof(*file),
	    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0L);
	syscall(SYS_close, fd);
	return p == MAP_FAILED ? NULL : p;
}

/* The role: the last part of the program's name, or what follows -R. */
static void
fault_find_role(char role[FAULT_NAME])
{
	char line[512], *name, *p;
	long n;
	int fd;

	role[0] = '\0';
	fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline",
	    O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return;
	n = syscall(SYS_read, fd, line, sizeof(line) - 1);
	syscall(SYS_close, fd);
	line[n < 0 ? 0 : n] = '\0';
	name = (p = strrchr(line, '/')) == NULL ? line : p + 1;
	if (strcmp(name, "sockstund") == 0) {
		p = line + strlen(line) + 1;
		name = n > p - line && strcmp(p, "-R") == 0 ? p + 3 :
		    (char *)"listener";
	} else if (strcmp(name, "sockstun-server") == 0)
		name = (char *)"helper";
	else if ((p = strchr(name, '-')) != NULL)
		name = p + 1;
	snprintf(role, FAULT_NAME - 3, "%s", name);
}

/* A program that executes itself again in the same role stays the same. */
static struct fault_slot *
fault_find_slot(void)
{
	struct fault_slot *s;
	char role[FAULT_NAME], name[FAULT_NAME + 4];
	uint32_t i, mine, same = 1, pid = (uint32_t)syscall(SYS_getpid);
	size_t len;

	fault_find_role(role);
	len = strlen(role);
	mine = __atomic_fetch_add(&file->nslots, 1, __ATOMIC_RELAXED);
	for (i = 0; i < mine && i < FAULT_SLOTS; i++) {
		s = &file->slot[i];
		if (strncmp(s->name, role, len) != 0 || s->name[len] != '.')
			continue;
		same++;
		if (s->pid == pid)
			return s;
	}
	if (mine >= FAULT_SLOTS)
		return NULL;
	s = &file->slot[mine];
	snprintf(name, sizeof(name), "%s.%u", role, same);
	memcpy(s->name, name, FAULT_NAME - 1);
	s->pid = pid;
	return s;
}

static void
fault_init(void)
{
	tried = 1;
	if ((file = fault_map()) == NULL)
		return;
	if (file->magic != FAULT_MAGIC || (self = fault_find_slot()) == NULL) {
		file = NULL;
		return;
	}
	if (!FAULT_SANITIZED)
		fault_catch_signals();
}

static void
fault_trace(enum fault_func func, uint64_t n)
{
	struct fault_stack st = { .n = 0 };
	struct fault_call *c;
	uint64_t hash = 14695981039346656037ULL;
	uint32_t at;
	int i;

	at = __atomic_fetch_add(&file->ntraced, 1, __ATOMIC_RELAXED);
	if (at >= FAULT_TRACE)
		return;
	_Unwind_Backtrace(fault_add_frame, &st);
	for (i = 2; i < st.n; i++)
		hash = (hash ^ st.pc[i]) * 1099511628211ULL;
	c = &file->call[at];
	c->slot = (uint16_t)(self - file->slot);
	c->func = (uint16_t)func;
	c->n = (uint32_t)n;
	c->stack = hash;
}

/* Does the plan's function stand in the stack? */
static int
fault_is_below(void)
{
	struct fault_stack st = { .n = 0 };
	uintptr_t at;
	uint32_t r;
	int i;

	_Unwind_Backtrace(fault_add_frame, &st);
	for (i = 0; i < st.n; i++) {
		at = st.pc[i] - 1 - (uintptr_t)__executable_start;
		for (r = 0; r < file->nranges && r < FAULT_RANGES; r++) {
			if (at >= file->range[r].from &&
			    at < file->range[r].to)
				return 1;
		}
	}
	return 0;
}

static int
fault_is_planned(enum fault_func func, uint64_t n)
{
	if (file->mode == FAULT_OFF || file->func != (uint32_t)func ||
	    strncmp(file->name, self->name, FAULT_NAME) != 0)
		return 0;
	if (failing)
		return 1;
	if (file->nranges > 0) {
		if (!fault_is_below())
			return 0;
		n = __atomic_add_fetch(&file->matches, 1, __ATOMIC_RELAXED);
	}
	if (n != file->n)
		return 0;
	failing = file->mode == FAULT_FOR_GOOD;
	return 1;
}

/* Counts a call; is it to fail, with errno? */
static int __attribute__((noinline))
fault(enum fault_func func)
{
	uint64_t n;
	int saved, planned;

	if (busy || (tried && file == NULL))
		return 0;
	busy = 1;
	saved = errno;
	if (!tried)
		fault_init();
	planned = 0;
	if (file != NULL) {
		n = __atomic_add_fetch(&self->calls[func], 1,
		    __ATOMIC_RELAXED);
		if (file->trace)
			fault_trace(func, n);
		if ((planned = fault_is_planned(func, n)))
			fault_tell(&file->fired, func, n);
	}
	errno = planned ? (int)file->error : saved;
	busy = 0;
	return planned;
}

#if !FAULT_SANITIZED
/* --- memory; what the C library allocates itself comes here, too */

void *
malloc(size_t size)
{
	return fault(F_MALLOC) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return fault(F_MALLOC) ? NULL : __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	return fault(F_MALLOC) ? NULL : __libc_realloc(p, size);
}

void *
memalign(size_t align, size_t size)
{
	return fault(F_MALLOC) ? NULL : __libc_memalign(align, size);
}

void *
aligned_alloc(size_t align, size_t size)
{
	return fault(F_MALLOC) ? NULL : __libc_memalign(align, size);
}

int
posix_memalign(void **p, size_t align, size_t size)
{
	if (fault(F_MALLOC))
		return ENOMEM;
	*p = __libc_memalign(align, size);
	return *p == NULL ? ENOMEM : 0;
}

#endif
/* --- system calls */

ssize_t
read(int fd, void *buf, size_t len)
{
	return fault(F_READ) ? -1 : syscall(SYS_read, fd, buf, len);
}

ssize_t
__read_chk(int fd, void *buf, size_t len, size_t size)
{
	return read(fd, buf, len);
}

ssize_t
pread(int fd, void *buf, size_t len, off_t off)
{
	return fault(F_READ) ? -1 : syscall(SYS_pread64, fd, buf, len, off);
}

ssize_t
readv(int fd, const struct iovec *iov, int n)
{
	return fault(F_READ) ? -1 : syscall(SYS_readv, fd, iov, n);
}

ssize_t
write(int fd, const void *buf, size_t len)
{
	return fault(F_WRITE) ? -1 : syscall(SYS_write, fd, buf, len);
}

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	return fault(F_WRITE) ? -1 : syscall(SYS_writev, fd, iov, n);
}

int
connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	return fault(F_CONNECT) ? -1 : (int)syscall(SYS_connect, fd, sa, len);
}

int
accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	return fault(F_ACCEPT) ? -1 :
	    (int)syscall(SYS_accept4, fd, sa, len, flags);
}

int
accept(int fd, struct sockaddr *sa, socklen_t *len)
{
	return accept4(fd, sa, len, 0);
}

int
socket(int domain, int type, int protocol)
{
	return fault(F_SOCKET) ? -1 :
	    (int)syscall(SYS_socket, domain, type, protocol);
}

int
socketpair(int domain, int type, int protocol, int pair[2])
{
	return fault(F_SOCKETPAIR) ? -1 :
	    (int)syscall(SYS_socketpair, domain, type, protocol, pair);
}

int
pipe2(int fds[2], int flags)
{
	return fault(F_PIPE) ? -1 : (int)syscall(SYS_pipe2, fds, flags);
}

int
pipe(int fds[2])
{
	return pipe2(fds, 0);
}

int
epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	/* Taking away needs no memory. */
	if (op != EPOLL_CTL_DEL && fault(F_EPOLL_CTL))
		return -1;
	return (int)syscall(SYS_epoll_ctl, ep, op, fd, ev);
}

int
epoll_create1(int flags)
{
	return fault(F_EPOLL_CREATE) ? -1 :
	    (int)syscall(SYS_epoll_create1, flags);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	return fault(F_SENDMSG) ? -1 : syscall(SYS_sendmsg, fd, m, flags);
}

int
sendmmsg(int fd, struct mmsghdr *m, unsigned int n, int flags)
{
	return fault(F_SENDMSG) ? -1 :
	    (int)syscall(SYS_sendmmsg, fd, m, n, flags);
}

ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	return fault(F_RECVMSG) ? -1 : syscall(SYS_recvmsg, fd, m, flags);
}

int
recvmmsg(int fd, struct mmsghdr *m, unsigned int n, int flags,
    struct timespec *ts)
{
	return fault(F_RECVMSG) ? -1 :
	    (int)syscall(SYS_recvmmsg, fd, m, n, flags, ts);
}

ssize_t
sendto(int fd, const void *buf, size_t len, int flags,
    const struct sockaddr *sa, socklen_t salen)
{
	return fault(F_SEND) ? -1 :
	    syscall(SYS_sendto, fd, buf, len, flags, sa, salen);
}

ssize_t
recvfrom(int fd, void *restrict buf, size_t len, int flags,
    struct sockaddr *restrict sa, socklen_t *restrict salen)
{
	return fault(F_RECV) ? -1 :
	    syscall(SYS_recvfrom, fd, buf, len, flags, sa, salen);
}

/* A program whose sshwire.c has these comes here by sendto and recvfrom. */
ssize_t __attribute__((weak))
send(int fd, const void *buf, size_t len, int flags)
{
	return sendto(fd, buf, len, flags, NULL, 0);
}

ssize_t __attribute__((weak))
recv(int fd, void *buf, size_t len, int flags)
{
	return recvfrom(fd, buf, len, flags, NULL, NULL);
}

int
dup(int fd)
{
	return fault(F_DUP) ? -1 : (int)syscall(SYS_dup, fd);
}

static int
fault_fcntl(int fd, int cmd, long arg)
{
	if ((cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) && fault(F_DUP))
		return -1;
	return (int)syscall(SYS_fcntl, fd, cmd, arg);
}

int
fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return fault_fcntl(fd, cmd, arg);
}

int
fcntl64(int fd, int cmd, ...)
{
	va_list ap;
	long arg;

	va_start(ap, cmd);
	arg = va_arg(ap, long);
	va_end(ap);
	return fault_fcntl(fd, cmd, arg);
}

static int
fault_open(int dir, const char *path, int flags, va_list ap)
{
	int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, int) : 0;

	return fault(F_OPEN) ? -1 :
	    (int)syscall(SYS_openat, dir, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = fault_open(AT_FDCWD, path, flags, ap);
	va_end(ap);
	return fd;
}

int
openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	int fd;

	va_start(ap, flags);
	fd = fault_open(dir, path, flags, ap);
	va_end(ap);
	return fd;
}

int
__openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

int
memfd_create(const char *name, unsigned int flags)
{
	return fault(F_OPEN) ? -1 :
	    (int)syscall(SYS_memfd_create, name, flags);
}

/* --- processes and threads */

pid_t
fork(void)
{
	pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");

	return fault(F_FORK) ? -1 : real();
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*start)(void *), void *arg)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
	    void *) = (int (*)(pthread_t *, const pthread_attr_t *,
	    void *(*)(void *), void *))dlsym(RTLD_NEXT, "pthread_create");

	return fault(F_THREAD) ? errno : real(thread, attr, start, arg);
}
