/* SPDX-License-Identifier: ISC */
/*
 * Two network namespaces with a TUN device each, made as root or in a user
 * namespace.  What is impossible here ends the process with status 77, by
 * which the tests know that it was skipped.
 */
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <arpa/inet.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netns.h"

#define SKIPPED		77
#define DEVICE		"path0"
#define MTU		1500
/* Packets that the kernel keeps for us; the default may be too few. */
#define TXQLEN		10000

/* Writes to a file of /proc. */
static int
put_file(const char *path, const char *text)
{
	ssize_t n;
	int fd;

	if ((fd = open(path, O_WRONLY | O_CLOEXEC)) == -1)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == -1 ? -1 : 0;
}

/* A program that we start may enter the other network, and configure both. */
static void
pass_capabilities(void)
{
	static const int needed[] = {
		CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_SYS_PTRACE
	};
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2];
	size_t i;

	if (syscall(SYS_capget, &header, data) == -1)
		err(1, "capget");
	data[0].inheritable = data[0].permitted;
	if (syscall(SYS_capset, &header, data) == -1)
		err(1, "capset");
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, needed[i], 0,
		    0) == -1)
			err(1, "capabilities");
}

/* Its user is who we are, so that programs find themselves at home. */
static void
enter_user_namespace(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWUSER) == -1)
		err(SKIPPED, "no user namespaces here");
	snprintf(map, sizeof(map), "%u %u 1", uid, uid);
	if (put_file("/proc/self/uid_map", map) == -1)
		err(SKIPPED, "no user namespaces here: uid_map");
	snprintf(map, sizeof(map), "%u %u 1", gid, gid);
	if (put_file("/proc/self/setgroups", "deny") == -1 ||
	    put_file("/proc/self/gid_map", map) == -1)
		err(SKIPPED, "no user namespaces here: gid_map");
	pass_capabilities();
}

static void
set_flags(int s, const char *device)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP | IFF_RUNNING };

	strlcpy(ifr.ifr_name, device, sizeof(ifr.ifr_name));
	if (ioctl(s, SIOCSIFFLAGS, &ifr) == -1)
		err(1, "%s up", device);
}

static void
set_address(int s, unsigned long request, const char *address)
{
	struct ifreq ifr = { .ifr_name = DEVICE };
	struct sockaddr_in sin = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, address, &sin.sin_addr) != 1)
		errx(1, "%s: not an address", address);
	memcpy(&ifr.ifr_addr, &sin, sizeof(sin));
	if (ioctl(s, request, &ifr) == -1)
		err(1, "%s %s", DEVICE, address);
}

static void
configure(const char *address)
{
	struct ifreq ifr = { .ifr_name = DEVICE };
	int s;

	if ((s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) == -1)
		err(1, "socket");
	/* Only what the programs send is to be counted. */
	put_file("/proc/sys/net/ipv6/conf/" DEVICE "/disable_ipv6", "1");
	ifr.ifr_mtu = MTU;
	if (ioctl(s, SIOCSIFMTU, &ifr) == -1)
		err(1, "%s mtu", DEVICE);
	ifr.ifr_qlen = TXQLEN;
	/* Root of the host alone may; what is then dropped is in the report. */
	(void)ioctl(s, SIOCSIFTXQLEN, &ifr);
	set_address(s, SIOCSIFADDR, address);
	set_address(s, SIOCSIFNETMASK, "255.255.255.0");
	set_flags(s, "lo");
	set_flags(s, DEVICE);
	close(s);
}

/*
 * The kernel lets a namespace have by name only what the host allows everybody;
 * a route may ask for any algorithm.  It holds for a connection from its start,
 * so a program that asks for another must do so when it is connected.
 */
static void
set_congestion(const char *name)
{
	char command[160];

	if (put_file("/proc/sys/net/ipv4/tcp_congestion_control", name) == 0)
		return;
	snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin; "
	    "ip route replace 10.7.0.0/24 dev %s congctl %s", DEVICE, name);
	if (strpbrk(name, " ;|&$<>()`'\"\n") != NULL || system(command) != 0)
		errx(SKIPPED, "no congestion control %s here", name);
}

static void
apply(const struct netns_setting *s)
{
	char path[256];

	if (strcmp(s->name, "tcp_congestion_control") == 0) {
		set_congestion(s->value);
		return;
	}
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", s->name);
	if (put_file(path, s->value) == -1)
		err(SKIPPED, "%s=%s", s->name, s->value);
}

/* Moves us to a network of its own, and returns its device. */
static int
make_one(const char *address, const struct netns_setting *settings, size_t n)
{
	struct ifreq ifr = {
		.ifr_name = DEVICE, .ifr_flags = IFF_TUN | IFF_NO_PI |
		IFF_VNET_HDR
	};
	size_t i;
	int fd;

	if (unshare(CLONE_NEWNET) == -1)
		err(SKIPPED, "no network namespaces here");
	if ((fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) == -1)
		err(SKIPPED, "no TUN devices here");
	if (ioctl(fd, TUNSETIFF, &ifr) == -1)
		err(SKIPPED, "no TUN devices here");
	if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) == -1)
		err(1, "TUNSETOFFLOAD");
	configure(address);
	/* A connection is not to profit from what one before has found out. */
	put_file("/proc/sys/net/ipv4/tcp_no_metrics_save", "1");
	for (i = 0; i < n; i++)
		apply(&settings[i]);
	return fd;
}

static pid_t
start_holder(void)
{
	pid_t pid, parent = getpid();

	if ((pid = fork()) == -1)
		err(1, "fork");
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "path-far");
	if (getppid() != parent)
		_exit(0);
	/* Not to keep open what others wait for the end of. */
	close_range(0, ~0U, 0);
	for (;;)
		pause();
}

/*
 * Makes both; afterwards we are in the near one, and a child that dies with us
 * is in the far one.  The settings hold for both.
 */
void
netns_make(struct netns *ns, const struct netns_setting *settings, size_t n)
{
	int fd;

	ns->user = geteuid() != 0;
	if (ns->user)
		enter_user_namespace();
	ns->near = make_one(NETNS_NEAR, settings, n);
	if ((fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)) == -1)
		err(1, "/proc/self/ns/net");
	ns->far = make_one(NETNS_FAR, settings, n);
	ns->holder = start_holder();
	if (setns(fd, CLONE_NEWNET) == -1)
		err(1, "setns");
	close(fd);
}

/* Packets that the network of a process could not hand over to its device. */
u_long
netns_dropped(pid_t pid)
{
	char path[64], line[512], *p;
	u_long dropped = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if ((p = strstr(line, DEVICE ":")) != NULL)
			sscanf(p + strlen(DEVICE) + 1, "%*u %*u %*u %*u %*u "
			    "%*u %*u %*u %*u %*u %*u %lu", &dropped);
	fclose(f);
	return dropped;
}
