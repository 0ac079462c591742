/* SPDX-License-Identifier: ISC */
/* What the command line, sockstun_config(5) and ssh_config(5) say. */
#ifndef CLICONF_H
#define CLICONF_H

#include <sys/types.h>

#include "conf.h"

enum strict_hostkey {
	STRICT_NO,
	STRICT_YES,
	STRICT_ASK,
	STRICT_ACCEPT_NEW
};

enum canonicalize {
	CANONICALIZE_NO,
	CANONICALIZE_YES,
	CANONICALIZE_ALWAYS	/* behind a proxy, too */
};

/* Keywords that are not served, which is told if they are set. */
#define CLICONF_TOLD	11

/* After how much or how long keys are exchanged anew; 0: libssh decides. */
struct rekey_limit {
	long long	 bytes;
	int		 seconds;
};

/* Seconds for an answer without ConnectTimeout, as for the key exchange. */
#define CLICONF_ANSWER_TIME	120

struct cliconf {
	const char	*config_file;	/* of -F, or NULL; not owned */
	char		*hostname;	/* what is connected to; %h expanded */
	char		*user;
	int		 port;
	int		 address_family;	/* AF_* */
	char		*bind_address;
	int		 connect_timeout;	/* seconds, 0 = the usual */
	int		 connection_attempts;
	int		 batch_mode;
	struct conf_list identity_files;	/* ~ and % expanded */
	struct conf_list certificate_files;
	char		*add_keys;	/* AddKeysToAgent, only warned of */
	int		 identities_only;
	char		*identity_agent;	/* NULL, "none", path, $VAR */
	struct conf_list user_known_hosts;	/* expanded paths */
	struct conf_list global_known_hosts;
	int		 hash_known_hosts;
	int		 strict_hostkey;	/* enum strict_hostkey */
	char		*hostkey_alias;
	char		*hostkey_algorithms;	/* NULL: the library's */
	char		*proxy_command;	/* expanded; NULL or "none": none */
	int		 proxy_fdpass;	/* the command passes a descriptor */
	char		*proxy_jump;	/* NULL or "none": none */
	struct conf_list dynamic_forwards;	/* as given to -D */
	int		 exit_on_forward_failure;
	char		*control_path;	/* expanded; NULL or "none": none */
	struct conf_list far_ends;	/* beside the one that was given */
	int		 fail_back;	/* to the first, when it is well */
	int		 reconnect;
	int		 password_reuse;	/* for the next session */
	int		 auth_retries;	/* denials in a row, when it was up */
	int		 fast_open;
	int		 window_budget;	/* MiB */
	char		*remote_helper;	/* a command, or "none" */
	int		 udp_timeout;	/* seconds, 0 = none */
	int		 max_udp_assocs;	/* of a session */
	int		 gateway_ports;
	mode_t		 bind_mask;	/* StreamLocalBindMask */
	int		 bind_unlink;	/* StreamLocalBindUnlink */
	int		 pubkey_auth;
	int		 password_auth;
	int		 kbdint_auth;
	struct conf_list preferred_auth;	/* method names in order */
	int		 password_prompts;
	char		*ciphers;	/* NULL: chosen for the machine */
	char		*macs;
	char		*kex;
	char		*pubkey_algorithms;
	int		 alive_interval;	/* ServerAliveInterval */
	int		 alive_count;
	int		 tcp_keepalive;
	struct conf_list congestion;	/* for congestion_ask() */
	int		 queue_delay;	/* ms */
	struct rekey_limit rekey_limit;
	int		 fork_after_auth;
	int		 log_level;	/* enum log_level */
	char		*ignore_unknown;	/* patterns of IgnoreUnknown */
	char		*tag;		/* for "Match tagged", or NULL */
	int		 canonicalize;	/* enum canonicalize */
	struct conf_list canonical_domains;
	int		 canonical_max_dots;
	int		 canonical_fallback;	/* to the name as given */
	struct conf_list canonical_cnames;	/* "names:names" */
	int		 required_rsa_size;	/* bits */
	char		*revoked_host_keys;	/* a file; NULL or "none" */
	char		*refuse_connection;	/* what to say, or NULL */
	struct conf_list told[CLICONF_TOLD];	/* what does nothing */
};

extern const struct conf_keyword cliconf_keywords[];

void	 cliconf_init(struct cliconf *);
void	 cliconf_clear(struct cliconf *);
int	 cliconf_set(struct cliconf *, const char *, const char *, char *,
	    size_t);
int	 cliconf_set_option(struct cliconf *, const char *, char *, size_t);
int	 cliconf_read_files(struct cliconf *, const char *, const char *,
	    char *, size_t);
int	 cliconf_answer_time(const struct cliconf *);
int	 cliconf_finish(struct cliconf *, const char *, char *, size_t);
char	*cliconf_dump(const struct cliconf *);
char	*cliconf_own_keywords(void);
void	 cliconf_tell(const struct cliconf *);

#endif
