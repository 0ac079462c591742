/* SPDX-License-Identifier: ISC */
/*
 * Owns the keywords of sockstund_config(5): their table, their defaults and
 * what their values may be.  The dump is how a process hands its
 * configuration to the next one, so whatever is read can be written and read
 * again without change.  Nothing is opened here but the file itself.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "addr.h"
#include "conf.h"
#include "match.h"
#include "pathnames.h"
#include "ruleset.h"
#include "servalgs.h"
#include "servconf.h"
#include "slurp.h"
#include "xmalloc.h"

#define SSHD_KEY_DIR	"/etc/ssh"

static conf_parse	servconf_parse_port, servconf_parse_listen;
static conf_parse	servconf_parse_users, servconf_parse_path;
static conf_parse	servconf_parse_rule;

static const struct conf_type servconf_type_port =
    CONF_TYPE_LIST(servconf_parse_port, conf_list_format);
static const struct conf_type servconf_type_listen =
    CONF_TYPE_LIST(servconf_parse_listen, conf_list_format);
static const struct conf_type servconf_type_users =
    CONF_TYPE_LIST(servconf_parse_users, conf_list_format);
static const struct conf_type servconf_type_path =
    CONF_TYPE_LIST(servconf_parse_path, conf_list_format);
static const struct conf_type servconf_type_rule =
    CONF_TYPE_LIST(servconf_parse_rule, conf_list_format);

static const struct conf_choice servconf_roots[] = {
	{ "yes", PERMIT_ROOT_YES }, { "prohibit-password", PERMIT_ROOT_KEY },
	{ "without-password", PERMIT_ROOT_KEY }, { "no", PERMIT_ROOT_NO },
	{ NULL, 0 }
};
static const struct conf_choice servconf_forwarding[] = {
	{ "yes", 1 }, { "no", 0 }, { "all", 1 }, { "local", 1 },
	{ "remote", 0 }, { NULL, 0 }
};
static const struct conf_choice servconf_facilities[] = {
	{ "DAEMON", LOG_DAEMON }, { "USER", LOG_USER }, { "AUTH", LOG_AUTH },
	{ "AUTHPRIV", LOG_AUTHPRIV }, { "LOCAL0", LOG_LOCAL0 },
	{ "LOCAL1", LOG_LOCAL1 }, { "LOCAL2", LOG_LOCAL2 },
	{ "LOCAL3", LOG_LOCAL3 }, { "LOCAL4", LOG_LOCAL4 },
	{ "LOCAL5", LOG_LOCAL5 }, { "LOCAL6", LOG_LOCAL6 },
	{ "LOCAL7", LOG_LOCAL7 }, { NULL, 0 }
};
static const struct conf_range servconf_times = { 0, 365 * 86400 };
/* The kernel allows at most so many seconds between two probes. */
static const struct conf_range servconf_timeouts = { 0, 32767 };
static const struct conf_range servconf_dials = { 1, 365 * 86400 };
static const struct conf_range servconf_budgets = { 0, 2047 };
static const struct conf_range servconf_flows = { 1, 1048576 };

#define F(field)	offsetof(struct servconf, field)
#define UNSUPPORTED(name) \
	{ name, NULL, 0, CONF_UNSUPPORTED, NULL, NULL }
#define FLAG(name, field) \
	{ name, &conf_type_flag, F(field), 0, "yes", NULL }
#define ALGORITHMS(name, field, dflt) \
	{ name, &servalgs_type, F(field), 0, dflt, servalgs_ ## field }
#define NUMBER(name, field, dflt, range) \
	{ name, &conf_type_int, F(field), 0, dflt, range }
#define TIME(name, field, dflt, range) \
	{ name, &conf_type_time, F(field), 0, dflt, range }
#define CHOICE(name, field, dflt, choices) \
	{ name, &conf_type_choice, F(field), 0, dflt, choices }
#define STRING(name, field, dflt) \
	{ name, &conf_type_string, F(field), 0, dflt, NULL }
#define LIST(name, type, field, flags, dflt) \
	{ name, &servconf_type_ ## type, F(field), flags, dflt, NULL }
#define LIMIT(name, type, field, dflt) \
	{ name, &servlimits_type_ ## type, F(limits.field), 0, dflt, NULL }

const struct conf_keyword servconf_keywords[] = {
	LIST("Port", port, ports, CONF_APPEND, "2222"),
	LIST("ListenAddress", listen, listen_addrs, CONF_APPEND, NULL),
	CHOICE("AddressFamily", address_family, "any", conf_families),
	{ "HostKey", &conf_type_list, F(host_keys), CONF_APPEND, NULL, NULL },
	LIST("AuthorizedKeysFile", path, authorized_keys, CONF_WORDS,
	    ".ssh/authorized_keys .ssh/authorized_keys2"),
	LIST("AllowUsers", users, allow_users, CONF_APPEND | CONF_WORDS, NULL),
	LIST("DenyUsers", users, deny_users, CONF_APPEND | CONF_WORDS, NULL),
	CHOICE("PermitRootLogin", permit_root, "no", servconf_roots),
	FLAG("PubkeyAuthentication", pubkey_auth),
	FLAG("StrictModes", strict_modes),
	LIMIT("MaxStartups", startups, startups, "10:30:100"),
	LIMIT("PerSourceMaxStartups", source, per_source, "8"),
	LIMIT("PerSourceNetBlockSize", bits, bits, "32:64"),
	NUMBER("MaxAuthTries", max_auth_tries, "6", &conf_positive),
	TIME("LoginGraceTime", login_grace, "120", &servconf_times),
	CHOICE("AllowTcpForwarding", allow_forwarding, "yes",
	    servconf_forwarding),
	LIST("DenyOpen", rule, deny_open, CONF_WORDS, NULL),
	LIST("PermitOpen", rule, permit_open, CONF_WORDS, NULL),
	{ "PermitLocal", &conf_type_flag, F(permit_local), 0, NULL, NULL },
	FLAG("GatewayPorts", gateway_ports),
	NUMBER("MaxFlows", max_flows, "16384", &servconf_flows),
	NUMBER("MaxUDPAssociations", max_udp, "1024", &conf_counts),
	TIME("UDPTimeout", udp_timeout, "300", &servconf_times),
	NUMBER("WindowBudget", window_budget, "64", &servconf_budgets),
	TIME("ConnectTimeout", dial_timeout, "60", &servconf_dials),
	TIME("ClientAliveInterval", alive_interval, "0", &servconf_times),
	NUMBER("ClientAliveCountMax", alive_count, "3", &conf_counts),
	TIME("ClientTimeout", client_timeout, "60", &servconf_timeouts),
	FLAG("TCPKeepAlive", tcp_keepalive),
	{ "KeepAlive", &conf_type_flag, F(tcp_keepalive), CONF_ALIAS, NULL,
	    NULL },
	{ "CongestionControl", &conf_type_commas, F(congestion), 0, "bbr",
	    &conf_congestion },
	NUMBER("QueueDelay", queue_delay, "10", &conf_queue_delays),
	{ "LogLevel", &conf_type_level, F(log_level), 0, "INFO", NULL },
	CHOICE("SyslogFacility", log_facility, "AUTH", servconf_facilities),
	STRING("PidFile", pid_file, PATH_PIDFILE),
	STRING("PrivilegeSeparationUser", privsep_user, PRIVSEP_USER),
	ALGORITHMS("Ciphers", ciphers, SERVALGS_CIPHERS),
	ALGORITHMS("MACs", macs, SERVALGS_MACS),
	ALGORITHMS("KexAlgorithms", kex, SERVALGS_KEX),

	/*
	 * Keywords of sshd(8) that have no meaning here.  They are errors: if
	 * one were ignored, an administrator might believe that it holds.
	 */
	UNSUPPORTED("AcceptEnv"), UNSUPPORTED("AFSTokenPassing"),
	UNSUPPORTED("AllowAgentForwarding"), UNSUPPORTED("AllowGroups"),
	UNSUPPORTED("AllowStreamLocalForwarding"),
	UNSUPPORTED("AuthenticationMethods"),
	UNSUPPORTED("AuthorizedKeysCommand"),
	UNSUPPORTED("AuthorizedKeysCommandUser"),
	UNSUPPORTED("AuthorizedKeysFile2"),
	UNSUPPORTED("AuthorizedPrincipalsCommand"),
	UNSUPPORTED("AuthorizedPrincipalsCommandUser"),
	UNSUPPORTED("AuthorizedPrincipalsFile"), UNSUPPORTED("Banner"),
	UNSUPPORTED("CASignatureAlgorithms"),
	UNSUPPORTED("ChallengeResponseAuthentication"),
	UNSUPPORTED("ChannelTimeout"), UNSUPPORTED("CheckMail"),
	UNSUPPORTED("ChrootDirectory"), UNSUPPORTED("Compression"),
	UNSUPPORTED("DebianBanner"), UNSUPPORTED("DenyGroups"),
	UNSUPPORTED("DisableForwarding"), UNSUPPORTED("DSAAuthentication"),
	UNSUPPORTED("ExposeAuthInfo"), UNSUPPORTED("FingerprintHash"),
	UNSUPPORTED("ForceCommand"), UNSUPPORTED("GSSAPIAuthentication"),
	UNSUPPORTED("GSSAPICleanupCredentials"),
	UNSUPPORTED("GSSAPIDelegateCredentials"),
	UNSUPPORTED("GSSAPIKexAlgorithms"),
	UNSUPPORTED("GSSAPIKeyExchange"),
	UNSUPPORTED("GSSAPIStoreCredentialsOnRekey"),
	UNSUPPORTED("GSSAPIStrictAcceptorCheck"),
	UNSUPPORTED("HostbasedAcceptedAlgorithms"),
	UNSUPPORTED("HostbasedAcceptedKeyTypes"),
	UNSUPPORTED("HostbasedAuthentication"),
	UNSUPPORTED("HostbasedUsesNameFromPacketOnly"),
	UNSUPPORTED("HostCertificate"), UNSUPPORTED("HostDSAKey"),
	UNSUPPORTED("HostKeyAgent"), UNSUPPORTED("HostKeyAlgorithms"),
	UNSUPPORTED("IgnoreRhosts"), UNSUPPORTED("IgnoreUserKnownHosts"),
	UNSUPPORTED("Include"), UNSUPPORTED("IPQoS"),
	UNSUPPORTED("KbdInteractiveAuthentication"),
	UNSUPPORTED("KerberosAuthentication"),
	UNSUPPORTED("KerberosGetAFSToken"),
	UNSUPPORTED("KerberosOrLocalPasswd"),
	UNSUPPORTED("KerberosTgtPassing"),
	UNSUPPORTED("KerberosTicketCleanup"),
	UNSUPPORTED("KeyRegenerationInterval"), UNSUPPORTED("LogVerbose"),
	UNSUPPORTED("Match"), UNSUPPORTED("MaxSessions"),
	UNSUPPORTED("ModuliFile"), UNSUPPORTED("PAMServiceName"),
	UNSUPPORTED("PasswordAuthentication"),
	UNSUPPORTED("PermitEmptyPasswords"), UNSUPPORTED("PermitListen"),
	UNSUPPORTED("PermitTTY"), UNSUPPORTED("PermitTunnel"),
	UNSUPPORTED("PermitUserEnvironment"), UNSUPPORTED("PermitUserRC"),
	UNSUPPORTED("PerSourcePenalties"),
	UNSUPPORTED("PerSourcePenaltyExemptList"),
	UNSUPPORTED("PrintLastLog"), UNSUPPORTED("PrintMotd"),
	UNSUPPORTED("Protocol"), UNSUPPORTED("PubkeyAcceptedAlgorithms"),
	UNSUPPORTED("PubkeyAcceptedKeyTypes"),
	UNSUPPORTED("PubkeyAuthOptions"), UNSUPPORTED("RDomain"),
	UNSUPPORTED("RefuseConnection"), UNSUPPORTED("RekeyLimit"),
	UNSUPPORTED("RequiredRSASize"),
	UNSUPPORTED("ReverseMappingCheck"), UNSUPPORTED("RevokedKeys"),
	UNSUPPORTED("RhostsAuthentication"),
	UNSUPPORTED("RhostsRSAAuthentication"),
	UNSUPPORTED("RSAAuthentication"),
	UNSUPPORTED("SecurityKeyProvider"), UNSUPPORTED("ServerKeyBits"),
	UNSUPPORTED("SetEnv"), UNSUPPORTED("SkeyAuthentication"),
	UNSUPPORTED("SshdAuthPath"), UNSUPPORTED("SshdSessionPath"),
	UNSUPPORTED("StreamLocalBindMask"),
	UNSUPPORTED("StreamLocalBindUnlink"), UNSUPPORTED("Subsystem"),
	UNSUPPORTED("TrustedUserCAKeys"),
	UNSUPPORTED("UnusedConnectionTimeout"), UNSUPPORTED("UseDNS"),
	UNSUPPORTED("UseLogin"), UNSUPPORTED("UsePAM"),
	UNSUPPORTED("UsePrivilegeSeparation"),
	UNSUPPORTED("VerifyReverseMapping"), UNSUPPORTED("VersionAddendum"),
	UNSUPPORTED("X11DisplayOffset"), UNSUPPORTED("X11Forwarding"),
	UNSUPPORTED("X11UseLocalhost"), UNSUPPORTED("XAuthLocation"),
	{ NULL, NULL, 0, 0, NULL, NULL }
};

/* Is it the number of a port that one can listen on? */
static int
servconf_is_port(const char *text)
{
	uint16_t port;

	return addr_parse_port(&port, text) == 0;
}

static int
servconf_parse_port(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	if (!servconf_is_port(arg)) {
		strlcpy(err, "expected 0 to 65535", errlen);
		return -1;
	}
	return conf_list_parse(kw, value, arg, err, errlen);
}

/* An IPv6 address, which may have a scope. */
static int
servconf_is_ipv6(const char *text)
{
	char buf[INET6_ADDRSTRLEN];
	struct in6_addr in6;

	if (strcspn(text, "%") >= sizeof(buf))
		return 0;
	strlcpy(buf, text, sizeof(buf));
	buf[strcspn(buf, "%")] = '\0';
	return inet_pton(AF_INET6, buf, &in6) == 1;
}

/* Splits an address to listen on in place; NULL if it cannot be one. */
static char *
servconf_split_listen(char *text, char **port)
{
	char *host = addr_split_hostport(text, port);

	if (host == NULL || *host == '\0' || strpbrk(host, "[] \t/") != NULL)
		return NULL;
	if (strchr(host, ':') != NULL && !servconf_is_ipv6(host))
		return NULL;
	return host;
}

static int
servconf_parse_listen(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	char *copy = xstrdup(arg), *port;
	int ret = -1;

	if (servconf_split_listen(copy, &port) == NULL)
		strlcpy(err, "bad address", errlen);
	else if (port != NULL && !servconf_is_port(port))
		strlcpy(err, "bad port number", errlen);
	else
		ret = conf_list_parse(kw, value, arg, err, errlen);
	free(copy);
	return ret;
}

/* A pattern of users, perhaps with @ and a list of hosts. */
static int
servconf_parse_users(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	struct addr nobody;

	memset(&nobody, 0, sizeof(nobody));
	if (match_user("", arg, NULL, &nobody) == -1) {
		strlcpy(err, "bad list of addresses", errlen);
		return -1;
	}
	return conf_list_parse(kw, value, arg, err, errlen);
}

/* A path below the home folder or with the tokens %h, %u and %%. */
static int
servconf_parse_path(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	const char *s;

	for (s = strchr(arg, '%'); s != NULL; s = strchr(s + 2, '%')) {
		if (s[1] == '\0' || strchr("hu%", s[1]) == NULL) {
			strlcpy(err, "tokens are %h, %u and %%", errlen);
			return -1;
		}
	}
	return conf_list_parse(kw, value, arg, err, errlen);
}

/* Destinations of PermitOpen or DenyOpen; "any" and "none" stand alone. */
static int
servconf_parse_rule(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	const struct conf_list *list = value;
	struct ruleset *rules;
	int ret, alone;

	alone = strcmp(arg, "any") == 0 || strcmp(arg, "none") == 0;
	if (list->n > 0 && (alone || strcmp(list->word[0], "any") == 0 ||
	    strcmp(list->word[0], "none") == 0)) {
		strlcpy(err, "\"any\" and \"none\" stand alone", errlen);
		return -1;
	}
	if (!alone) {
		if ((rules = ruleset_new()) == NULL)
			return -1;
		ret = ruleset_add(rules, arg);
		ruleset_free(rules);
		if (ret == -1) {
			strlcpy(err, "expected host:port", errlen);
			return -1;
		}
	}
	return conf_list_parse(kw, value, arg, err, errlen);
}

/* No keyword has a value yet. */
void
servconf_init(struct servconf *conf)
{
	memset(conf, 0, sizeof(*conf));
	conf_clear(servconf_keywords, conf);
}

/* Frees what the configuration owns. */
void
servconf_clear(struct servconf *conf)
{
	conf_clear(servconf_keywords, conf);
	conf->ports_fixed = 0;
}

/*
 * Sets a keyword of the command line (-p, -h) to a value that is taken as it
 * is.  Returns 0, or -1 with a reason that begins with "where: ".
 */
int
servconf_set(struct servconf *conf, const char *keyword, const char *value,
    const char *where, char *err, size_t errlen)
{
	char why[CONF_ERR_MAX];

	if (conf_set_value(servconf_keywords, conf, keyword, value, why,
	    sizeof(why)) == -1) {
		snprintf(err, errlen, "%s: %s", where, why);
		return -1;
	}
	if (strcasecmp(keyword, "Port") == 0)
		conf->ports_fixed = 1;
	return 0;
}

/*
 * Takes the argument of -o.  The first of several values is kept, so options
 * come before the file; a Port here replaces those of the file.
 */
int
servconf_set_option(struct servconf *conf, const char *option,
    const char *where, char *err, size_t errlen)
{
	char name[64], why[CONF_ERR_MAX];

	if (conf_set_line(servconf_keywords, conf, option, why,
	    sizeof(why)) == -1) {
		snprintf(err, errlen, "%s: %s", where, why);
		return -1;
	}
	if (conf_line_keyword(option, name, sizeof(name)) &&
	    strcasecmp(name, "Port") == 0)
		conf->ports_fixed = 1;
	return 0;
}

/* Is the keyword of the line Port, and does the command line say that? */
static int
servconf_is_fixed(const struct servconf *conf, const char *line)
{
	char name[64];

	return conf->ports_fixed && conf_line_keyword(line, name,
	    sizeof(name)) && strcasecmp(name, "Port") == 0;
}

static int
servconf_read_bytes(struct servconf *conf, const char *data, size_t len,
    const char *where, char *err, size_t errlen)
{
	char line[CONF_LINE_MAX + 1], why[CONF_ERR_MAX];
	struct servconf scratch;
	struct conf_text text;
	int r;

	servconf_init(&scratch);
	conf_text_init(&text, data, len);
	while ((r = conf_text_next(&text, line, why, sizeof(why))) == 1)
		if ((r = conf_take_line(servconf_keywords,
		    servconf_is_fixed(conf, line) ? NULL : conf, &scratch,
		    line, why, sizeof(why))) == -1)
			break;
	if (r == -1)
		snprintf(err, errlen, "%s line %d: %s", where, text.line,
		    why);
	return r;
}

/*
 * Reads the lines of a text, such as a dump.  Returns 0, or -1 with a reason
 * that names the place in "where".
 */
int
servconf_read_text(struct servconf *conf, const char *text,
    const char *where, char *err, size_t errlen)
{
	return servconf_read_bytes(conf, text, strlen(text), where, err,
	    errlen);
}

/*
 * Reads a file.  Returns 0, or -1 with a reason; errno is ENOENT if there is
 * no such file, and 0 if its text is wrong.
 */
int
servconf_read_file(struct servconf *conf, const char *path, char *err,
    size_t errlen)
{
	char *text;
	size_t len;
	int fd, saved, ret = -1;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1) {
		saved = errno;
		snprintf(err, errlen, "%s: %s", path, strerror(saved));
		errno = saved;
		return -1;
	}
	if ((text = slurp(fd, CONF_FILE_MAX, &len)) == NULL)
		snprintf(err, errlen, "%s: %s", path, strerror(errno));
	else
		ret = servconf_read_bytes(conf, text, len, path, err, errlen);
	free(text);
	close(fd);
	errno = 0;
	return ret;
}

/* Adds "host:port" for an address: its own port, or each Port in turn. */
static void
servconf_add_listen(struct conf_list *list, const char *word,
    const struct conf_list *ports)
{
	char *copy = xstrdup(word), *host, *port, *text, why[CONF_ERR_MAX];
	size_t i, n;

	host = servconf_split_listen(copy, &port);
	n = port != NULL ? 1 : ports->n;
	for (i = 0; i < n && list->n < CONF_LIST_MAX; i++) {
		xasprintf(&text, strchr(host, ':') != NULL ? "[%s]:%s" :
		    "%s:%s", host, port != NULL ? port : ports->word[i]);
		conf_list_parse(NULL, list, text, why, sizeof(why));
		free(text);
	}
	free(copy);
}

/* Gives every ListenAddress its port; without any, the wildcards. */
static void
servconf_finish_listen(struct servconf *conf)
{
	struct conf_list list = { NULL, 0 };
	size_t i;

	for (i = 0; i < conf->listen_addrs.n; i++)
		servconf_add_listen(&list, conf->listen_addrs.word[i],
		    &conf->ports);
	if (list.n == 0 && conf->address_family != AF_INET)
		servconf_add_listen(&list, "[::]", &conf->ports);
	if (conf->listen_addrs.n == 0 && conf->address_family != AF_INET6)
		servconf_add_listen(&list, "0.0.0.0", &conf->ports);
	conf_list_clear(&conf->listen_addrs);
	conf->listen_addrs = list;
}

/* Adds the default host keys that a folder has. */
static void
servconf_add_keys(struct conf_list *list, const char *dir)
{
	static const char *const types[] = { "ed25519", "ecdsa", "rsa" };
	char *path;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		xasprintf(&path, "%s/ssh_host_%s_key", dir, types[i]);
		if (access(path, F_OK) == 0)
			conf_list_add(list, path);
		free(path);
	}
}

/*
 * Gives what was not said its default and brings lists to their final form:
 * ListenAddress is "host:port" throughout, "PermitOpen any" and "DenyOpen
 * none" vanish, PermitLocal is no for root alone, HostKey has those default
 * files that exist (sshd's only for root).  May be called again.
 */
void
servconf_finish(struct servconf *conf)
{
	conf_fill_defaults(servconf_keywords, conf);
	servconf_finish_listen(conf);
	if (conf->permit_open.n == 1 &&
	    strcmp(conf->permit_open.word[0], "any") == 0)
		conf_list_clear(&conf->permit_open);
	if (conf->deny_open.n == 1 &&
	    strcmp(conf->deny_open.word[0], "none") == 0)
		conf_list_clear(&conf->deny_open);
	if (conf->permit_local == CONF_UNSET)
		conf->permit_local = geteuid() != 0;
	if (conf->host_keys.n == 0)
		servconf_add_keys(&conf->host_keys, PATH_HOST_KEY_DIR);
	if (conf->host_keys.n == 0 && geteuid() == 0)
		servconf_add_keys(&conf->host_keys, SSHD_KEY_DIR);
}

/*
 * The configuration as -T prints it and as it is read again: a text to be
 * freed, or NULL if a value is longer than CONF_LINE_MAX bytes.
 */
char *
servconf_dump(const struct servconf *conf)
{
	return conf_dump(servconf_keywords, conf);
}
