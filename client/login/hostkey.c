/* SPDX-License-Identifier: ISC */
/*
 * Owns the verdict on a server's key, as ssh(1) reaches it: what the
 * known_hosts files say, what StrictHostKeyChecking wants, and the dialogue
 * with the user.  Knows nothing of the format of those files.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libssh/libssh.h>

#include "cliconf.h"
#include "hostkey.h"
#include "knownhosts.h"
#include "log.h"
#include "prompt.h"
#include "revoked.h"
#include "xmalloc.h"

/* What one question is about; all of it belongs to hostkey_verify(). */
struct hostkey {
	const struct cliconf	*conf;
	ssh_session		 session;
	ssh_key			 key;
	const char		*host;	/* or its alias */
	char			*name;	/* as in the files */
	const char		*type;	/* ED25519, RSA, ... */
	char			*fingerprint;
	struct knownhosts_found	 found;
};

/* The name that ssh(1) shows for a libssh key type. */
const char *
hostkey_type_name(int type)
{
	switch (type) {
	case SSH_KEYTYPE_RSA:
		return "RSA";
	case SSH_KEYTYPE_DSS:
		return "DSA";
	case SSH_KEYTYPE_ECDSA:
	case SSH_KEYTYPE_ECDSA_P256:
	case SSH_KEYTYPE_ECDSA_P384:
	case SSH_KEYTYPE_ECDSA_P521:
		return "ECDSA";
	case SSH_KEYTYPE_ED25519:
		return "ED25519";
	case SSH_KEYTYPE_SK_ECDSA:
		return "ECDSA-SK";
	case SSH_KEYTYPE_SK_ED25519:
		return "ED25519-SK";
	default:
		return "unknown";
	}
}

/* The name under which the host is looked up, HostKeyAlias first. */
static char *
hostkey_lookup_name(const struct cliconf *conf)
{
	if (conf->hostkey_alias != NULL)
		return knownhosts_name(conf->hostkey_alias, 0);
	return knownhosts_name(conf->hostname, conf->port);
}

/*
 * The types of key by which the host is known, for the order of algorithms.
 * To be freed.
 */
char *
hostkey_known_types(const struct cliconf *conf)
{
	char	*name, *types;

	name = hostkey_lookup_name(conf);
	types = knownhosts_types(&conf->user_known_hosts,
	    &conf->global_known_hosts, name);
	free(name);
	return types;
}

static char *
hostkey_fingerprint(ssh_key key)
{
	u_char	*hash = NULL;
	char	*text, *copy = NULL;
	size_t	 len;

	if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash,
	    &len) != SSH_OK)
		return NULL;
	text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
	if (text != NULL)
		copy = xstrdup(text);
	ssh_string_free_char(text);
	ssh_clean_pubkey_hash(&hash);
	return copy;
}

/* An answer to the dialogue: 1 yes, 0 no, -1 ask again. */
int
hostkey_answer(const char *answer, const char *fingerprint)
{
	size_t	len;

	answer += strspn(answer, " \t");
	len = strcspn(answer, " \t\r\n");
	if (len == 0 || (len == 2 && strncasecmp(answer, "no", 2) == 0))
		return 0;
	if (len == 3 && strncasecmp(answer, "yes", 3) == 0)
		return 1;
	if (len == strlen(fingerprint) &&
	    strncmp(answer, fingerprint, len) == 0)
		return 1;
	return -1;
}

/* The server's address, or what stands for it behind a proxy. */
static void
hostkey_peer(ssh_session session, char *buf, size_t size)
{
	struct sockaddr_storage	ss;
	socklen_t		len = sizeof(ss);

	if (getpeername(ssh_get_fd(session), (struct sockaddr *)&ss,
	    &len) == -1 || (ss.ss_family != AF_INET &&
	    ss.ss_family != AF_INET6) || getnameinfo((struct sockaddr *)&ss,
	    len, buf, size, NULL, 0, NI_NUMERICHOST) != 0)
		strlcpy(buf, "<no hostip for proxy command>", size);
}

static int
hostkey_ask(struct hostkey *hk)
{
	const char	*question;
	char		 peer[NI_MAXHOST], *text, *answer;
	int		 verdict = -1;

	if (hk->conf->batch_mode) {
		log_warnx("No %s host key is known for %.200s, and nobody may "
		    "be asked.", hk->type, hk->name);
		return 0;
	}
	hostkey_peer(hk->session, peer, sizeof(peer));
	xasprintf(&text, "The authenticity of host '%.200s (%s)' can't be "
	    "established.\n%s key fingerprint is %s.\n"
	    "Are you sure you want to continue connecting "
	    "(yes/no/[fingerprint])? ", hk->name, peer, hk->type,
	    hk->fingerprint);
	for (question = text; verdict == -1;
	    question = "Please type 'yes', 'no' or the fingerprint: ") {
		answer = prompt_read(question, PROMPT_ECHO);
		verdict = answer == NULL ? 0 :
		    hostkey_answer(answer, hk->fingerprint);
		prompt_free(answer);
	}
	free(text);
	return verdict;
}

static void
hostkey_remember(struct hostkey *hk)
{
	const char	*file;
	char		*name, errstr[256];
	int		 ret;

	if (hk->conf->user_known_hosts.n == 0)
		return;
	file = hk->conf->user_known_hosts.word[0];
	name = hk->conf->hash_known_hosts ? knownhosts_hash(hk->name) :
	    xstrdup(hk->name);
	ret = knownhosts_add(file, name, hk->key, errstr, sizeof(errstr));
	free(name);
	if (ret == -1)
		log_warnx("Failed to add the host to the list of known hosts "
		    "(%s): %s", file, errstr);
	else
		log_info("Warning: Permanently added '%.200s' (%s) to the "
		    "list of known hosts.", hk->name, hk->type);
}

/* Nobody can be asked, or is to be: what makes the host a known one? */
static void
hostkey_advise(const struct hostkey *hk)
{
	if (hk->conf->user_known_hosts.n > 0)
		log_info("To trust it, connect once with "
		    "StrictHostKeyChecking ask, or put its key into %s.",
		    hk->conf->user_known_hosts.word[0]);
}

/* As ssh(1): a host on another port may be known by its bare name. */
static int
hostkey_known_without_port(struct hostkey *hk)
{
	struct knownhosts_found	 found;
	char			*name;

	if (hk->conf->hostkey_alias != NULL || hk->conf->port == 22)
		return 0;
	name = knownhosts_name(hk->conf->hostname, 0);
	knownhosts_check(&hk->conf->user_known_hosts,
	    &hk->conf->global_known_hosts, name, hk->key, &found);
	free(name);
	if (found.state == KNOWNHOSTS_REVOKED)
		hk->found = found;
	return found.state == KNOWNHOSTS_OK;
}

static enum hostkey_verdict
hostkey_new(struct hostkey *hk)
{
	if (!knownhosts_valid_name(hk->host)) {
		log_warnx("The host name \"%.200s\" cannot be written to a "
		    "known_hosts file.", hk->host);
		return HOSTKEY_REFUSED;
	}
	if (hk->found.ca_file != NULL)
		log_warnx("%s:%lu trusts an authority for %.200s, but "
		    "certificates of hosts are not served: the host's own key "
		    "has to be known.", hk->found.ca_file, hk->found.ca_line,
		    hk->name);
	switch (hk->conf->strict_hostkey) {
	case STRICT_YES:
		log_warnx("No %s host key is known for %.200s and you have "
		    "requested strict checking.", hk->type, hk->name);
		hostkey_advise(hk);
		return HOSTKEY_REFUSED;
	case STRICT_ACCEPT_NEW:
	case STRICT_NO:
		break;
	default:
		if (!hostkey_ask(hk))
			return HOSTKEY_REFUSED;
	}
	hostkey_remember(hk);
	return HOSTKEY_TRUSTED;
}

static void
hostkey_box(const char *text)
{
	static const char	 edge[] =
	    "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@";

	log_warnx("%s", edge);
	log_warnx("@%*s%-*s@", 4, "", (int)sizeof(edge) - 7, text);
	log_warnx("%s", edge);
}

static enum hostkey_verdict
hostkey_revoked(struct hostkey *hk)
{
	hostkey_box("WARNING: REVOKED HOST KEY DETECTED!");
	log_warnx("The %s host key for %s is marked as revoked in %s:%lu.",
	    hk->type, hk->name, hk->found.file, hk->found.line);
	log_warnx("This could mean that a stolen key is being used to");
	log_warnx("impersonate this host.");
	return HOSTKEY_REFUSED;
}

static enum hostkey_verdict
hostkey_changed(struct hostkey *hk)
{
	const struct cliconf	*conf = hk->conf;

	hostkey_box("WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!");
	log_warnx("IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!");
	log_warnx("Someone could be eavesdropping on you right now "
	    "(man-in-the-middle attack)!");
	log_warnx("It is also possible that a host key has just been changed.");
	log_warnx("The fingerprint for the %s key sent by the remote host is",
	    hk->type);
	log_warnx("%s.", hk->fingerprint);
	log_warnx("Please contact your system administrator.");
	log_warnx("Offending %s key in %s:%lu",
	    hostkey_type_name(ssh_key_type_from_name(hk->found.type)),
	    hk->found.file, hk->found.line);
	log_warnx("If you know that the change is right, remove it with:");
	log_warnx("  ssh-keygen -f \"%s\" -R \"%s\"", hk->found.file, hk->name);
	if (conf->strict_hostkey != STRICT_NO) {
		log_warnx("Host key for %.200s has changed and you have "
		    "requested strict checking.", hk->name);
		return HOSTKEY_REFUSED;
	}
	if (conf->password_auth)
		log_warnx("Password authentication is disabled to avoid "
		    "man-in-the-middle attacks.");
	if (conf->kbdint_auth)
		log_warnx("Keyboard-interactive authentication is disabled "
		    "to avoid man-in-the-middle attacks.");
	return HOSTKEY_UNSAFE;
}

/* Does RevokedHostKeys let no host have this key? */
static int
hostkey_is_banned(struct hostkey *hk)
{
	const char	*file = hk->conf->revoked_host_keys;
	char		 why[256];
	int		 found;

	if (file == NULL || strcasecmp(file, "none") == 0)
		return 0;
	found = revoked_find(file, hk->key, why, sizeof(why));
	if (found == 1)
		log_warnx("Host key %s %s revoked by file %s", hk->type,
		    hk->fingerprint, file);
	else if (found == -1)
		log_warnx("Error checking host key %s %s in revoked keys "
		    "file %s: %s", hk->type, hk->fingerprint, file, why);
	return found != 0;
}

static enum hostkey_verdict
hostkey_judge(struct hostkey *hk)
{
	if (hostkey_is_banned(hk))
		return HOSTKEY_REFUSED;
	knownhosts_check(&hk->conf->user_known_hosts,
	    &hk->conf->global_known_hosts, hk->name, hk->key, &hk->found);
	if (hk->found.state == KNOWNHOSTS_NEW &&
	    hostkey_known_without_port(hk)) {
		log_verbose("found matching key w/out port");
		return HOSTKEY_TRUSTED;
	}
	switch (hk->found.state) {
	case KNOWNHOSTS_OK:
		log_verbose("Host '%.200s' is known and matches the %s host "
		    "key.", hk->name, hk->type);
		log_verbose("Found key in %s:%lu", hk->found.file,
		    hk->found.line);
		return HOSTKEY_TRUSTED;
	case KNOWNHOSTS_NEW:
		return hostkey_new(hk);
	case KNOWNHOSTS_REVOKED:
		return hostkey_revoked(hk);
	case KNOWNHOSTS_OTHER:
	case KNOWNHOSTS_CHANGED:
		break;
	}
	return hostkey_changed(hk);
}

/*
 * Judges the key of a session whose key exchange is done; asks on the
 * terminal if it must.  Everything the user has to know is logged.
 */
enum hostkey_verdict
hostkey_verify(ssh_session session, const struct cliconf *conf)
{
	struct hostkey		hk;
	enum hostkey_verdict	verdict = HOSTKEY_REFUSED;

	memset(&hk, 0, sizeof(hk));
	hk.conf = conf;
	hk.session = session;
	if (ssh_get_server_publickey(session, &hk.key) != SSH_OK ||
	    (hk.fingerprint = hostkey_fingerprint(hk.key)) == NULL) {
		log_warnx("%s: no host key", conf->hostname);
		goto out;
	}
	hk.host = conf->hostkey_alias != NULL ? conf->hostkey_alias :
	    conf->hostname;
	hk.name = hostkey_lookup_name(conf);
	hk.type = hostkey_type_name(ssh_key_type(hk.key));
	log_verbose("Server host key: %s %s",
	    ssh_key_type_to_char(ssh_key_type(hk.key)), hk.fingerprint);
	verdict = hostkey_judge(&hk);
 out:
	if (verdict == HOSTKEY_REFUSED)
		log_warnx("Host key verification failed.");
	ssh_key_free(hk.key);
	free(hk.fingerprint);
	free(hk.name);
	return verdict;
}
