/* SPDX-License-Identifier: ISC */
/*
 * What was asked for, by the command line and by configuration files, is
 * gathered in this folder in one struct cliconf.
 *
 * This file owns the keywords of sockstun_config(5): their table, their
 * defaults, and what -o and -G do with them.  Which files are read and which
 * of their lines hold is decided in clifiles.c; "~", "%h" and "${NAME}" are
 * expanded in expand.c.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <ctype.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "cliconf.h"
#include "conf.h"
#include "expand.h"
#include "log.h"
#include "xmalloc.h"

static conf_parse	cliconf_parse_mask;
static conf_parse	cliconf_parse_command, cliconf_parse_jump;
static conf_parse	cliconf_parse_forward;
static conf_format	cliconf_format_mask;
static conf_parse	cliconf_parse_cname;
static conf_format	cliconf_format_nothing;
static conf_parse	cliconf_parse_rekey;
static conf_format	cliconf_format_rekey;
static int		cliconf_rekey_isset(const void *);
static void		cliconf_rekey_clear(void *);
static int		cliconf_mask_isset(const void *);
static void		cliconf_mask_clear(void *);

static const struct conf_type cliconf_type_mask = {
	cliconf_parse_mask, cliconf_format_mask, cliconf_mask_isset,
	cliconf_mask_clear
};
static const struct conf_type cliconf_type_rekey = {
	cliconf_parse_rekey, cliconf_format_rekey, cliconf_rekey_isset,
	cliconf_rekey_clear
};
static const struct conf_type cliconf_type_forward =
    CONF_TYPE_LIST(cliconf_parse_forward, conf_list_format);
static const struct conf_type cliconf_type_command =
    CONF_TYPE_STRING(cliconf_parse_command);
static const struct conf_type cliconf_type_jump =
    CONF_TYPE_STRING(cliconf_parse_jump);

static const struct conf_type cliconf_type_cnames =
    CONF_TYPE_LIST(cliconf_parse_cname, conf_list_format);
static const struct conf_type cliconf_type_told =
    CONF_TYPE_LIST(conf_list_parse, cliconf_format_nothing);

static const struct conf_choice cliconf_strict[] = {
	{ "yes", STRICT_YES }, { "no", STRICT_NO }, { "ask", STRICT_ASK },
	{ "accept-new", STRICT_ACCEPT_NEW }, { "off", STRICT_NO },
	{ "true", STRICT_YES }, { "false", STRICT_NO }, { NULL, 0 }
};
static const struct conf_choice cliconf_pubkey[] = {
	{ "yes", 1 }, { "no", 0 }, { "unbound", 1 }, { "host-bound", 1 },
	{ "true", 1 }, { "false", 0 }, { NULL, 0 }
};
static const struct conf_choice cliconf_canonicalize[] = {
	{ "yes", CANONICALIZE_YES }, { "no", CANONICALIZE_NO },
	{ "always", CANONICALIZE_ALWAYS }, { "true", CANONICALIZE_YES },
	{ "false", CANONICALIZE_NO }, { NULL, 0 }
};
static const struct conf_naming cliconf_methods = {
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@.-_",
	CONF_LINE_MAX
};
static const struct conf_range cliconf_ports = { 1, 65535 };
static const struct conf_range cliconf_budgets = { 0, 2047 };
static const struct conf_range cliconf_assocs = { 0, 65535 };

/* A keyword that is not served: what asks for nothing, and what to do. */
struct cliconf_told {
	const char	*nothing;
	const char	*advice;
};

#define F(field)	offsetof(struct cliconf, field)
#define IGNORED(name)	{ name, NULL, 0, CONF_IGNORED, NULL, NULL }
#define OF_FILES(name)	{ name, NULL, 0, CONF_FILE, NULL, NULL }
#define FLAG(name, field, dflt) \
	{ name, &conf_type_flag, F(field), 0, dflt, NULL }
#define STRING(name, field) \
	{ name, &conf_type_string, F(field), 0, NULL, NULL }
#define NAMES(name, field, flags) \
	{ name, &conf_type_names, F(field), flags, NULL, NULL }
#define NUMBER(name, field, dflt, range) \
	{ name, &conf_type_int, F(field), 0, dflt, range }
#define TIME(name, field, dflt) \
	{ name, &conf_type_time, F(field), 0, dflt, &conf_counts }
#define TOLD(n, name, nothing, advice) \
	{ name, &cliconf_type_told, F(told[n]), CONF_WORDS, NULL, \
	    &(const struct cliconf_told){ nothing, advice } }

const struct conf_keyword cliconf_keywords[] = {
	OF_FILES("Host"), OF_FILES("Match"), OF_FILES("Include"),
	STRING("User", user),
	STRING("HostName", hostname),
	NUMBER("Port", port, "22", &cliconf_ports),
	{ "AddressFamily", &conf_type_choice, F(address_family), 0, "any",
	    conf_families },
	STRING("BindAddress", bind_address),
	TIME("ConnectTimeout", connect_timeout, "none"),
	NUMBER("ConnectionAttempts", connection_attempts, "1",
	    &conf_positive),
	FLAG("BatchMode", batch_mode, "no"),
	{ "IdentityFile", &conf_type_list, F(identity_files),
	    CONF_APPEND | CONF_WORDS, "~/.ssh/id_rsa ~/.ssh/id_ecdsa "
	    "~/.ssh/id_ecdsa_sk ~/.ssh/id_ed25519 ~/.ssh/id_ed25519_sk",
	    NULL },
	{ "CertificateFile", &conf_type_list, F(certificate_files),
	    CONF_APPEND, NULL, NULL },
	{ "AddKeysToAgent", &conf_type_string, F(add_keys), CONF_REST, NULL,
	    NULL },
	FLAG("IdentitiesOnly", identities_only, "no"),
	STRING("IdentityAgent", identity_agent),
	{ "UserKnownHostsFile", &conf_type_list, F(user_known_hosts),
	    CONF_WORDS, "~/.ssh/known_hosts ~/.ssh/known_hosts2", NULL },
	{ "GlobalKnownHostsFile", &conf_type_list, F(global_known_hosts),
	    CONF_WORDS, "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
	    NULL },
	{ "StrictHostKeyChecking", &conf_type_choice, F(strict_hostkey), 0,
	    "ask", cliconf_strict },
	FLAG("HashKnownHosts", hash_known_hosts, "no"),
	STRING("HostKeyAlias", hostkey_alias),
	NAMES("HostKeyAlgorithms", hostkey_algorithms, 0),
	{ "ProxyCommand", &cliconf_type_command, F(proxy_command), CONF_REST,
	    NULL, NULL },
	FLAG("ProxyUseFdpass", proxy_fdpass, "no"),
	{ "ProxyJump", &cliconf_type_jump, F(proxy_jump), 0, NULL, NULL },
	{ "DynamicForward", &cliconf_type_forward, F(dynamic_forwards),
	    CONF_APPEND, NULL, NULL },
	FLAG("ExitOnForwardFailure", exit_on_forward_failure, "no"),
	STRING("ControlPath", control_path),
	{ "FarEnd", &conf_type_list, F(far_ends), CONF_OWN | CONF_APPEND |
	    CONF_WORDS, NULL, NULL },
	{ "FailBack", &conf_type_flag, F(fail_back), CONF_OWN, "no", NULL },
	{ "Reconnect", &conf_type_flag, F(reconnect), CONF_OWN, "yes", NULL },
	{ "PermitPasswordReuse", &conf_type_flag, F(password_reuse), CONF_OWN,
	    "no", NULL },
	{ "AuthRetries", &conf_type_int, F(auth_retries), CONF_OWN, "3",
	    &conf_positive },
	{ "FastOpen", &conf_type_flag, F(fast_open), CONF_OWN, "no", NULL },
	{ "WindowBudget", &conf_type_int, F(window_budget), CONF_OWN, "64",
	    &cliconf_budgets },
	{ "RemoteHelper", &conf_type_string, F(remote_helper),
	    CONF_OWN | CONF_REST, "sockstun-server", NULL },
	{ "UDPTimeout", &conf_type_time, F(udp_timeout), CONF_OWN, "300",
	    &conf_counts },
	{ "MaxUDPAssociations", &conf_type_int, F(max_udp_assocs), CONF_OWN,
	    "1024", &cliconf_assocs },
	FLAG("GatewayPorts", gateway_ports, "no"),
	{ "StreamLocalBindMask", &cliconf_type_mask, F(bind_mask), 0, "0177",
	    NULL },
	FLAG("StreamLocalBindUnlink", bind_unlink, "no"),
	{ "PubkeyAuthentication", &conf_type_choice, F(pubkey_auth), 0, "yes",
	    cliconf_pubkey },
	FLAG("PasswordAuthentication", password_auth, "yes"),
	FLAG("KbdInteractiveAuthentication", kbdint_auth, "yes"),
	{ "ChallengeResponseAuthentication", &conf_type_flag, F(kbdint_auth),
	    CONF_ALIAS, NULL, NULL },
	{ "PreferredAuthentications", &conf_type_commas, F(preferred_auth), 0,
	    "publickey,keyboard-interactive,password", &cliconf_methods },
	NUMBER("NumberOfPasswordPrompts", password_prompts, "3",
	    &conf_counts),
	NAMES("Ciphers", ciphers, 0),
	NAMES("MACs", macs, 0),
	NAMES("KexAlgorithms", kex, 0),
	NAMES("PubkeyAcceptedAlgorithms", pubkey_algorithms, 0),
	NAMES("PubkeyAcceptedKeyTypes", pubkey_algorithms, CONF_ALIAS),
	TIME("ServerAliveInterval", alive_interval, "15"),
	NUMBER("ServerAliveCountMax", alive_count, "3", &conf_counts),
	FLAG("TCPKeepAlive", tcp_keepalive, "yes"),
	{ "KeepAlive", &conf_type_flag, F(tcp_keepalive), CONF_ALIAS, NULL,
	    NULL },
	{ "CongestionControl", &conf_type_commas, F(congestion), CONF_OWN,
	    "bbr", &conf_congestion },
	{ "QueueDelay", &conf_type_int, F(queue_delay), CONF_OWN, "10",
	    &conf_queue_delays },
	{ "RekeyLimit", &cliconf_type_rekey, F(rekey_limit), CONF_WORDS,
	    "default none", &conf_counts },
	FLAG("ForkAfterAuthentication", fork_after_auth, "no"),
	{ "LogLevel", &conf_type_level, F(log_level), 0, "INFO", NULL },
	{ "IgnoreUnknown", &conf_type_string, F(ignore_unknown), 0, NULL,
	    NULL },
	STRING("Tag", tag),
	{ "CanonicalizeHostname", &conf_type_choice, F(canonicalize), 0, "no",
	    cliconf_canonicalize },
	{ "CanonicalDomains", &conf_type_list, F(canonical_domains),
	    CONF_WORDS, NULL, NULL },
	NUMBER("CanonicalizeMaxDots", canonical_max_dots, "1", &conf_counts),
	FLAG("CanonicalizeFallbackLocal", canonical_fallback, "yes"),
	{ "CanonicalizePermittedCNAMEs", &cliconf_type_cnames,
	    F(canonical_cnames), CONF_WORDS, NULL, NULL },
	NUMBER("RequiredRSASize", required_rsa_size, "1024", &conf_counts),
	STRING("RevokedHostKeys", revoked_host_keys),
	{ "RefuseConnection", &conf_type_string, F(refuse_connection), 0,
	    NULL, NULL },

	/* Without them something is less safe, or not as it was asked for. */
	TOLD(0, "BindInterface", "none", "give BindAddress an address of it"),
	TOLD(1, "ChannelTimeout", "none", "connections may be idle"),
	TOLD(2, "CheckHostIP", "no", "the host's key is known by its name"),
	TOLD(3, "Compression", "no", "what the far end sends could unpack to "
	    "a thousand times its size"),
	TOLD(4, "HostbasedAuthentication", "no", "use a key of the user's"),
	TOLD(5, "KnownHostsCommand", "none", "put the host's key into a file "
	    "of UserKnownHostsFile"),
	TOLD(6, "NoHostAuthenticationForLocalhost", "no", "the key is "
	    "verified here as anywhere; give each host a HostKeyAlias"),
	TOLD(7, "PermitLocalCommand", "no", "LocalCommand is not run; give a "
	    "command after \"--\""),
	TOLD(8, "PKCS11Provider", "none", "add the key to ssh-agent with "
	    "ssh-add -s"),
	TOLD(9, "SecurityKeyProvider", "internal", "add the key to ssh-agent "
	    "with ssh-add -S"),
	TOLD(10, "VerifyHostKeyDNS", "no", "put the host's key into a file of "
	    "UserKnownHostsFile"),

	/* What else ssh(1) of releases 9.2 to 10 and of Debian knows. */
	IGNORED("AFSTokenPassing"), IGNORED("CASignatureAlgorithms"),
	IGNORED("Cipher"), IGNORED("ClearAllForwardings"),
	IGNORED("CompressionLevel"), IGNORED("ControlMaster"),
	IGNORED("ControlPersist"), IGNORED("DSAAuthentication"),
	IGNORED("EnableEscapeCommandline"), IGNORED("EnableSSHKeysign"),
	IGNORED("EscapeChar"), IGNORED("FallBackToRsh"),
	IGNORED("FingerprintHash"), IGNORED("ForwardAgent"),
	IGNORED("ForwardX11"), IGNORED("ForwardX11Timeout"),
	IGNORED("ForwardX11Trusted"), IGNORED("GlobalKnownHostsFile2"),
	IGNORED("GSSAPIAuthentication"), IGNORED("GSSAPIClientIdentity"),
	IGNORED("GSSAPIDelegateCredentials"), IGNORED("GSSAPIKexAlgorithms"),
	IGNORED("GSSAPIKeyExchange"), IGNORED("GSSAPIRenewalForcesRekey"),
	IGNORED("GSSAPIServerIdentity"), IGNORED("GSSAPITrustDns"),
	IGNORED("HostbasedAcceptedAlgorithms"), IGNORED("HostbasedKeyTypes"),
	IGNORED("IdentityFile2"), IGNORED("IPQoS"),
	IGNORED("KbdInteractiveDevices"), IGNORED("KerberosAuthentication"),
	IGNORED("KerberosTgtPassing"), IGNORED("LocalCommand"),
	IGNORED("LocalForward"), IGNORED("LogVerbose"),
	IGNORED("ObscureKeystrokeTiming"), IGNORED("PermitRemoteOpen"),
	IGNORED("Protocol"), IGNORED("ProtocolKeepAlives"),
	IGNORED("RemoteCommand"), IGNORED("RemoteForward"),
	IGNORED("RequestTTY"), IGNORED("RhostsAuthentication"),
	IGNORED("RhostsRSAAuthentication"), IGNORED("RSAAuthentication"),
	IGNORED("SendEnv"), IGNORED("SessionType"), IGNORED("SetEnv"),
	IGNORED("SetupTimeOut"), IGNORED("SkeyAuthentication"),
	IGNORED("SmartcardDevice"), IGNORED("StdinNull"),
	IGNORED("SyslogFacility"), IGNORED("TISAuthentication"),
	IGNORED("Tunnel"), IGNORED("TunnelDevice"), IGNORED("UpdateHostKeys"),
	IGNORED("UsePrivilegedPort"), IGNORED("UserKnownHostsFile2"),
	IGNORED("UseRoaming"), IGNORED("UseRsh"), IGNORED("VersionAddendum"),
	IGNORED("VisualHostKey"), IGNORED("WarnWeakCrypto"),
	IGNORED("XAuthLocation"),
	{ NULL, NULL, 0, 0, NULL, NULL }
};

/* What does nothing is no part of the configuration that is shown. */
static int
cliconf_format_nothing(const struct conf_keyword *kw, const void *value,
    size_t i, char *buf, size_t size)
{
	return -1;
}

/* "names:names", or "none". */
static int
cliconf_parse_cname(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	if (strcasecmp(arg, "none") != 0 && strchr(arg, ':') == NULL) {
		strlcpy(err, "expected names:names or none", errlen);
		return -1;
	}
	return conf_list_parse(kw, value, arg, err, errlen);
}

static int
cliconf_mask_isset(const void *value)
{
	return *(const mode_t *)value != (mode_t)CONF_UNSET;
}

static void
cliconf_mask_clear(void *value)
{
	*(mode_t *)value = (mode_t)CONF_UNSET;
}

static int
cliconf_parse_mask(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	size_t len = strlen(arg);

	if (len > 8 || strspn(arg, "01234567") != len ||
	    strtoul(arg, NULL, 8) > 0777) {
		strlcpy(err, "expected an octal number up to 0777", errlen);
		return -1;
	}
	*(mode_t *)value = strtoul(arg, NULL, 8);
	return 0;
}

static int
cliconf_format_mask(const struct conf_keyword *kw, const void *value,
    size_t i, char *buf, size_t size)
{
	if (i > 0 || !cliconf_mask_isset(value))
		return -1;
	snprintf(buf, size, "0%03o", (unsigned int)*(const mode_t *)value);
	return 0;
}

static int
cliconf_rekey_isset(const void *value)
{
	return ((const struct rekey_limit *)value)->bytes != CONF_UNSET;
}

static void
cliconf_rekey_clear(void *value)
{
	struct rekey_limit *limit = value;

	limit->bytes = CONF_UNSET;
	limit->seconds = CONF_UNSET;
}

/* First word: "default", or bytes with K, M or G.  Second word: a time. */
static int
cliconf_parse_rekey(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	static const char units[] = "KMG";
	struct rekey_limit *limit = value;
	const char *unit = NULL, *why = NULL;
	char number[16];
	long long n = 0;
	size_t len = strlen(arg);

	if (limit->bytes != CONF_UNSET && limit->seconds != CONF_UNSET) {
		strlcpy(err, "more than a number of bytes and a time", errlen);
		return -1;
	}
	if (limit->bytes != CONF_UNSET)
		return conf_type_time.parse(kw, &limit->seconds, arg, err,
		    errlen);
	if (strcasecmp(arg, "default") != 0) {
		if (len > 1)
			unit = strchr(units, toupper((u_char)arg[len - 1]));
		snprintf(number, sizeof(number), "%.*s",
		    (int)(len - (unit != NULL)), arg);
		n = strtonum(number, 0, INT_MAX, &why);
		if (unit != NULL)
			n <<= 10 * (unit - units + 1);
		if (why == NULL && n > 0 && n < 16)
			why = "too small";
	}
	if (why != NULL) {
		strlcpy(err, why, errlen);
		return -1;
	}
	limit->bytes = n;
	return 0;
}

static int
cliconf_format_rekey(const struct conf_keyword *kw, const void *value,
    size_t i, char *buf, size_t size)
{
	const struct rekey_limit *limit = value;

	if (i > 0 || !cliconf_rekey_isset(value))
		return -1;
	snprintf(buf, size, "%lld %d", limit->bytes,
	    limit->seconds != CONF_UNSET ? limit->seconds : 0);
	return 0;
}

/* Whichever of ProxyCommand and ProxyJump comes first holds, as in ssh. */
static int
cliconf_parse_command(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	struct cliconf *conf = (void *)((char *)value - kw->offset);

	if (conf->proxy_jump != NULL)
		return 0;
	return conf_string_parse(kw, value, arg, err, errlen);
}

static int
cliconf_parse_jump(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	struct cliconf *conf = (void *)((char *)value - kw->offset);

	if (conf->proxy_command != NULL)
		return 0;
	return conf_string_parse(kw, value, arg, err, errlen);
}

/*
 * "[bind_address:]port", or the path of a socket.  A list keeps no word twice,
 * but port 0 stands for another port each time: it is added without that
 * check.
 */
static int
cliconf_parse_forward(const struct conf_keyword *kw, void *value,
    const char *arg, char *err, size_t errlen)
{
	struct conf_list *list = value;
	char *copy = xstrdup(arg), *host, *text;
	const char *why = NULL;
	uint16_t port = 1;

	host = addr_split_hostport(copy, &text);
	if (*arg == '/')
		;
	else if (host != NULL && text == NULL && *arg != '[' &&
	    strchr(arg, ':') != NULL)
		why = "an IPv6 address needs brackets";
	else if (host == NULL || addr_parse_port(&port, text != NULL ? text :
	    arg) == -1)
		why = "bad port number";
	free(copy);
	if (why != NULL) {
		strlcpy(err, why, errlen);
		return -1;
	}
	if (port != 0 || list->n >= CONF_LIST_MAX)
		return conf_list_parse(kw, value, arg, err, errlen);
	conf_list_add(list, arg);
	return 0;
}

/* Nothing is said yet. */
void
cliconf_init(struct cliconf *conf)
{
	memset(conf, 0, sizeof(*conf));
	conf_clear(cliconf_keywords, conf);
}

/* Frees what the configuration owns. */
void
cliconf_clear(struct cliconf *conf)
{
	conf_clear(cliconf_keywords, conf);
}

/*
 * Sets a keyword to a value that is taken as it is (-p, -i, -D ...), unless
 * an earlier call set it.  Returns 0, or -1 with a reason.
 */
int
cliconf_set(struct cliconf *conf, const char *keyword, const char *value,
    char *err, size_t errlen)
{
	return conf_set_value(cliconf_keywords, conf, keyword, value, err,
	    errlen);
}

/*
 * Takes the argument of -o.  The first of several values is kept, so options
 * come before the files.  Returns 0, or -1 with a reason.
 */
int
cliconf_set_option(struct cliconf *conf, const char *option, char *err,
    size_t errlen)
{
	char why[CONF_ERR_MAX];

	if (conf_set_line(cliconf_keywords, conf, option, why,
	    sizeof(why)) == 0)
		return 0;
	snprintf(err, errlen, "command-line: %s", why);
	return -1;
}

/* The configuration as -G prints it; to be freed. */
char *
cliconf_dump(const struct cliconf *conf)
{
	return conf_dump(cliconf_keywords, conf);
}

/* The keywords that ssh(1) does not know, with commas; to be freed. */
char *
cliconf_own_keywords(void)
{
	const struct conf_keyword *kw;
	char *list = xstrdup(""), *longer;

	for (kw = cliconf_keywords; kw->name != NULL; kw++) {
		if ((kw->flags & CONF_OWN) == 0)
			continue;
		xasprintf(&longer, "%s%s%s", list, *list != '\0' ? "," : "",
		    kw->name);
		free(list);
		list = longer;
	}
	return list;
}

/* Logs, a line each, which keywords are set in vain. */
void
cliconf_tell(const struct cliconf *conf)
{
	const struct conf_keyword *kw;
	const struct cliconf_told *told;
	const struct conf_list *value;

	for (kw = cliconf_keywords; kw->name != NULL; kw++) {
		value = (const void *)((const char *)conf + kw->offset);
		told = kw->arg;
		if (kw->type == &cliconf_type_told && value->n > 0 &&
		    strcasecmp(value->word[0], told->nothing) != 0 &&
		    strcasecmp(value->word[0], "false") != 0)
			log_info("%s is not served: %s.", kw->name,
			    told->advice);
	}
}

/* Is the value of IdentityAgent a word that stands for itself? */
static int
cliconf_is_agent_word(const char *s)
{
	return s != NULL && (strcmp(s, "SSH_AUTH_SOCK") == 0 ||
	    (*s == '$' && s[1] != '{'));
}

/* Expands every value that has "~", "${NAME}" or tokens. */
static int
cliconf_finish_values(struct cliconf *conf, const char *host, char *err,
    size_t errlen)
{
	static const int all = EXPAND_TILDE | EXPAND_ENV | EXPAND_TOKENS;
	struct expand_names names = { conf, host, conf->hostname };

	if (expand_list(&names, "identityfile",
	    &conf->identity_files, all, err, errlen) == -1 ||
	    expand_list(&names, "certificatefile",
	    &conf->certificate_files, all, err, errlen) == -1 ||
	    expand_list(&names, "userknownhostsfile",
	    &conf->user_known_hosts, all, err, errlen) == -1 ||
	    expand_list(&names, "globalknownhostsfile",
	    &conf->global_known_hosts, 0, err, errlen) == -1)
		return -1;
	if (!cliconf_is_agent_word(conf->identity_agent) &&
	    expand_string(&names, "identityagent",
	    &conf->identity_agent, all, err, errlen) == -1)
		return -1;
	if (expand_string(&names, "controlpath",
	    &conf->control_path, all, err, errlen) == -1 ||
	    expand_string(&names, "revokedhostkeys",
	    &conf->revoked_host_keys, EXPAND_TILDE | EXPAND_ENV, err,
	    errlen) == -1 ||
	    expand_string(&names, "proxycommand",
	    &conf->proxy_command, EXPAND_SHELL, err, errlen) == -1)
		return -1;
	return expand_string(&names, "proxyjump", &conf->proxy_jump,
	    EXPAND_SHELL, err, errlen);
}

/* Settles the host's and the user's name. */
static int
cliconf_finish_names(struct cliconf *conf, const char *host, char *err,
    size_t errlen)
{
	const struct passwd *pw;
	char *real;

	if ((pw = expand_passwd(err, errlen)) == NULL)
		return -1;
	if ((real = expand_hostname(conf, host, err, errlen)) == NULL)
		return -1;
	free(conf->hostname);
	conf->hostname = real;
	if (conf->user == NULL)
		conf->user = xstrdup(pw->pw_name);
	return expand_check_names(host, NULL, err, errlen) == -1 ? -1 :
	    expand_check_names(conf->hostname, conf->user, err, errlen);
}

/*
 * Gives what no option and no file said its default and expands "~" and the
 * tokens; host is the one that the user gave.  To be called once, after the
 * files.  Returns 0, or -1 with a reason.
 */
int
cliconf_finish(struct cliconf *conf, const char *host, char *err,
    size_t errlen)
{
	char *text;

	if (cliconf_finish_names(conf, host, err, errlen) == -1)
		return -1;
	conf_fill_defaults(cliconf_keywords, conf);
	if (cliconf_finish_values(conf, host, err, errlen) == -1)
		return -1;
	if ((text = cliconf_dump(conf)) == NULL) {
		snprintf(err, errlen, "a value is longer than %d bytes",
		    CONF_LINE_MAX);
		return -1;
	}
	free(text);
	return 0;
}

/* Seconds after which a request of a client's must have its answer. */
int
cliconf_answer_time(const struct cliconf *conf)
{
	return conf->connect_timeout > 0 ? conf->connect_timeout :
	    CLICONF_ANSWER_TIME;
}
