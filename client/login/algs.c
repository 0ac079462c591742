/* SPDX-License-Identifier: ISC */
/*
 * Owns the client's lists of algorithms: the defaults, those of ssh_config(5),
 * and AES-GCM first where the machine has AES in hardware.  Names that libssh
 * does not know are left out; a list of which nothing is left is an error.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#include <asm/hwcap.h>
#endif

#include <libssh/libssh.h>

#include "alglist.h"
#include "algs.h"
#include "cliconf.h"
#include "log.h"
#include "xmalloc.h"

#define ALGS_GCM	"aes128-gcm@openssh.com,aes256-gcm@openssh.com"
#define ALGS_CHACHA	"chacha20-poly1305@openssh.com"
#define ALGS_CTR	"aes128-ctr,aes192-ctr,aes256-ctr"
#define ALGS_MACS							\
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"	\
	"hmac-sha2-256,hmac-sha2-512"
#define ALGS_KEX							\
	"mlkem768x25519-sha256,sntrup761x25519-sha512,"			\
	"sntrup761x25519-sha512@openssh.com,"				\
	"curve25519-sha256,curve25519-sha256@libssh.org,"		\
	"ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"	\
	"diffie-hellman-group18-sha512,diffie-hellman-group16-sha512,"	\
	"diffie-hellman-group-exchange-sha256,"				\
	"diffie-hellman-group14-sha256"
#define ALGS_HOSTKEYS							\
	"ssh-ed25519,"							\
	"ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,"	\
	"sk-ssh-ed25519@openssh.com,"					\
	"sk-ecdsa-sha2-nistp256@openssh.com,"				\
	"rsa-sha2-512,rsa-sha2-256"
#define ALGS_CERTS							\
	"ssh-ed25519-cert-v01@openssh.com,"				\
	"ecdsa-sha2-nistp256-cert-v01@openssh.com,"			\
	"ecdsa-sha2-nistp384-cert-v01@openssh.com,"			\
	"ecdsa-sha2-nistp521-cert-v01@openssh.com,"			\
	"sk-ssh-ed25519-cert-v01@openssh.com,"				\
	"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,"			\
	"rsa-sha2-512-cert-v01@openssh.com,"				\
	"rsa-sha2-256-cert-v01@openssh.com"

static int
algs_have_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_cpu_init();
	return __builtin_cpu_supports("aes") &&
	    __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__) && defined(__linux__)
	return (getauxval(AT_HWCAP) & HWCAP_AES) != 0 &&
	    (getauxval(AT_HWCAP) & HWCAP_PMULL) != 0;
#else
	return 0;
#endif
}

/* The ciphers of this machine, fastest first. */
const char *
algs_default_ciphers(void)
{
	return algs_have_aes() ? ALGS_GCM "," ALGS_CHACHA "," ALGS_CTR :
	    ALGS_CHACHA "," ALGS_GCM "," ALGS_CTR;
}

/*
 * A list of ssh_config(5), or the default if there is none, with its prefix
 * carried out.  To be freed.
 */
char *
algs_expand(const char *spec, const char *dflt)
{
	return spec == NULL ? xstrdup(dflt) :
	    alglist_resolve(spec, dflt, NULL, NULL, 0);
}

/* The type of the key that a host key algorithm is used with. */
static const char *
algs_key_type(const char *alg)
{
	if (strcmp(alg, "rsa-sha2-512") == 0 ||
	    strcmp(alg, "rsa-sha2-256") == 0)
		return "ssh-rsa";
	return alg;
}

/*
 * The host key algorithms with those first that go with the given key types
 * (comma-separated): a host known by one key is asked for that key.  As
 * ssh(1), the order stays when the best algorithm goes with a known key.
 */
char *
algs_prefer(const char *list, const char *types)
{
	char	*copy, *next, *name, *out;
	size_t	 size;
	int	 known, pass;

	size = strlen(list) + 1;
	out = xcalloc(1, size);
	for (pass = 0; pass < 2; pass++) {
		next = copy = xstrdup(list);
		while ((name = strsep(&next, ",")) != NULL) {
			known = alglist_contains(types, algs_key_type(name));
			if (known == (pass == 0))
				alglist_append(out, size, name);
		}
		free(copy);
	}
	return out;
}

/* Sets one list on the session, less what libssh does not know. */
static int
algs_set(ssh_session session, enum ssh_options_e option, const char *what,
    const char *list, char *errstr, size_t errsize)
{
	char	*copy, *next, *name, *known;
	size_t	 size;
	int	 ret = -1;

	size = strlen(list) + 1;
	known = xcalloc(1, size);
	next = copy = xstrdup(list);
	while ((name = strsep(&next, ",")) != NULL) {
		if (*name == '\0')
			continue;
		/* libssh accepts these names, but never offers them. */
		if (option == SSH_OPTIONS_HOSTKEYS &&
		    strstr(name, "-cert-v01@") != NULL) {
			log_debug2("%s %s: certificates of hosts are not "
			    "served", what, name);
			continue;
		}
		if (ssh_options_set(session, option, name) == 0)
			alglist_append(known, size, name);
		else
			log_debug2("%s %s: not known to libssh", what, name);
	}
	if (*known == '\0' || ssh_options_set(session, option, known) != 0)
		snprintf(errstr, errsize, "%s \"%.200s\": none of them is "
		    "supported", what, list);
	else
		ret = 0;
	free(copy);
	free(known);
	return ret;
}

/*
 * Gives the session its algorithms; types names the kinds of key that are
 * known for the host.  Returns 0, or -1 with a reason.
 */
int
algs_apply(ssh_session session, const struct cliconf *conf, const char *types,
    char *errstr, size_t errsize)
{
	const struct {
		const char		*what;
		const char		*spec;
		const char		*dflt;
		enum ssh_options_e	 option;
	} lists[] = {
		{ "KexAlgorithms", conf->kex, ALGS_KEX,
		    SSH_OPTIONS_KEY_EXCHANGE },
		{ "HostKeyAlgorithms", conf->hostkey_algorithms,
		    ALGS_HOSTKEYS, SSH_OPTIONS_HOSTKEYS },
		{ "Ciphers", conf->ciphers, algs_default_ciphers(),
		    SSH_OPTIONS_CIPHERS_C_S },
		{ "Ciphers", conf->ciphers, algs_default_ciphers(),
		    SSH_OPTIONS_CIPHERS_S_C },
		{ "MACs", conf->macs, ALGS_MACS, SSH_OPTIONS_HMAC_C_S },
		{ "MACs", conf->macs, ALGS_MACS, SSH_OPTIONS_HMAC_S_C },
		{ "PubkeyAcceptedAlgorithms", conf->pubkey_algorithms,
		    ALGS_CERTS "," ALGS_HOSTKEYS,
		    SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES },
	};
	char	*list, *ordered;
	size_t	 i;
	int	 ret = 0;

	for (i = 0; ret == 0 && i < sizeof(lists) / sizeof(lists[0]); i++) {
		list = algs_expand(lists[i].spec, lists[i].dflt);
		if (lists[i].option == SSH_OPTIONS_HOSTKEYS) {
			ordered = algs_prefer(list, types);
			free(list);
			list = ordered;
		}
		log_debug2("%s: %s", lists[i].what, list);
		ret = algs_set(session, lists[i].option, lists[i].what, list,
		    errstr, errsize);
		free(list);
	}
	return ret;
}
