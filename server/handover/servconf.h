/* SPDX-License-Identifier: ISC */
/* What sockstund_config(5) can say, after defaults. */
#ifndef SERVCONF_H
#define SERVCONF_H

#include <sys/types.h>

#include "conf.h"
#include "servlimits.h"

enum permit_root {
	PERMIT_ROOT_NO,
	PERMIT_ROOT_KEY,	/* prohibit-password */
	PERMIT_ROOT_YES
};

struct servconf {
	struct conf_list ports;
	struct conf_list listen_addrs;
	int		 address_family;	/* AF_* */
	struct conf_list host_keys;
	struct conf_list authorized_keys;	/* %h %u %% patterns */
	struct conf_list allow_users;
	struct conf_list deny_users;
	int		 permit_root;		/* enum permit_root */
	int		 pubkey_auth;
	int		 strict_modes;
	struct servlimits limits;		/* MaxStartups, PerSource* */
	int		 max_auth_tries;
	int		 login_grace;		/* seconds; 0 = none */
	int		 allow_forwarding;	/* AllowTcpForwarding */
	struct conf_list deny_open;
	struct conf_list permit_open;
	int		 permit_local;		/* loopback, own addresses */
	int		 gateway_ports;		/* BIND beyond loopback */
	int		 max_flows;		/* channels of a session */
	int		 max_udp;		/* associations of them */
	int		 udp_timeout;		/* seconds; 0 = none */
	int		 window_budget;		/* MiB of a session */
	int		 dial_timeout;		/* ConnectTimeout, seconds */
	int		 alive_interval;	/* ClientAliveInterval */
	int		 alive_count;
	int		 tcp_keepalive;
	struct conf_list congestion;		/* for congestion_ask() */
	int		 queue_delay;		/* ms */
	int		 client_timeout;	/* seconds; 0 = none */
	int		 log_level;		/* enum log_level */
	int		 log_facility;		/* LOG_DAEMON ... */
	char		*pid_file;		/* "none" for none */
	char		*privsep_user;		/* PrivilegeSeparationUser */
	char		*ciphers;		/* plain lists, never empty */
	char		*macs;
	char		*kex;
	int		 ports_fixed;		/* a file's Port is ignored */
};

extern const struct conf_keyword servconf_keywords[];

void	 servconf_init(struct servconf *);
void	 servconf_clear(struct servconf *);
int	 servconf_set(struct servconf *, const char *, const char *,
	    const char *, char *, size_t);
int	 servconf_set_option(struct servconf *, const char *, const char *,
	    char *, size_t);
int	 servconf_read_file(struct servconf *, const char *, char *, size_t);
int	 servconf_read_text(struct servconf *, const char *, const char *,
	    char *, size_t);
void	 servconf_finish(struct servconf *);
char	*servconf_dump(const struct servconf *);

#endif
