/* SPDX-License-Identifier: ISC */
/*
 * Authentication, as libssh asks for it.
 *
 * Before its first request libssh asks for the service "ssh-userauth" and waits
 * for the answer: a round trip of which nothing is learned, as a server that
 * refuses ends the connection.  RFC 4253 lets the request follow at once.
 *
 * And it asks the server about every key of the agent's before it has the agent
 * sign, be it the only one or one that has let the user in before.
 *
 * libssh's functions call each other by the names that they have for others.
 * So two of them are defined here, which the linker prefers, and do what they
 * always did but for this: ssh_service_request() says that the service is
 * granted while the answer is still on its way, ssh_userauth_try_publickey()
 * that the server takes a certain key.  Where libssh does not come here, each
 * costs its round trip.
 */
#include <sys/types.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <libssh/libssh.h>

#include "authcall.h"

typedef int service_request(ssh_session, const char *);
typedef int try_publickey(ssh_session, const char *, const ssh_key);

/* libssh's functions have no argument by which to pass this. */
static const char *authcall_sure;	/* the key not to be asked about, base64 */

/* Asks for the service once; SSH_AGAIN until the server has answered. */
static int
authcall_service(ssh_session session, const char *service)
{
	static service_request *real;

	if (real == NULL && (real = (service_request *)dlsym(RTLD_NEXT,
	    "ssh_service_request")) == NULL)
		return SSH_ERROR;
	return real(session, service);
}

/* Asks for a service, as libssh's function of this name does. */
int
ssh_service_request(ssh_session session, const char *service)
{
	int rc = authcall_service(session, service);

	return rc == SSH_AGAIN ? SSH_OK : rc;
}

/*
 * Which signatures a server takes of an RSA key is told by an extension that
 * may come as late as its answer about the service; without it libssh would
 * choose one that few servers take.
 */
static int
authcall_await_extensions(ssh_session session, ssh_key key)
{
	enum ssh_keytypes_e type = ssh_key_type(key);

	if (type != SSH_KEYTYPE_RSA && type != SSH_KEYTYPE_RSA_CERT01)
		return SSH_OK;
	return authcall_service(session, "ssh-userauth");
}

static int
authcall_is_sure(ssh_key key)
{
	char *b64;
	int same;

	if (authcall_sure == NULL ||
	    ssh_pki_export_pubkey_base64(key, &b64) != SSH_OK)
		return 0;
	same = strcmp(b64, authcall_sure) == 0;
	ssh_string_free_char(b64);
	return same;
}

/* Asks whether a key is good, as libssh's function of this name does. */
int
ssh_userauth_try_publickey(ssh_session session, const char *user,
    const ssh_key key)
{
	static try_publickey *real;
	int rc;

	if ((rc = authcall_await_extensions(session, key)) != SSH_OK)
		return rc == SSH_AGAIN ? SSH_AUTH_AGAIN : SSH_AUTH_ERROR;
	if (authcall_is_sure(key))
		return SSH_AUTH_SUCCESS;
	if (real == NULL && (real = (try_publickey *)dlsym(RTLD_NEXT,
	    "ssh_userauth_try_publickey")) == NULL)
		return SSH_AUTH_ERROR;
	return real(session, user, key);
}

/* Signs with a private key, which may have a certificate: SSH_AUTH_*. */
int
authcall_publickey(ssh_session session, ssh_key key)
{
	int rc = authcall_await_extensions(session, key);

	if (rc != SSH_OK)
		return rc == SSH_AGAIN ? SSH_AUTH_AGAIN : SSH_AUTH_ERROR;
	return ssh_userauth_publickey(session, NULL, key);
}

/*
 * Tries the keys of the agent: SSH_AUTH_*.  With a certain one, in base64 or
 * NULL, it signs without asking whether that is good.
 */
int
authcall_agent(ssh_session session, const char *sure)
{
	int rc;

	authcall_sure = sure;
	rc = ssh_userauth_agent(session, NULL);
	authcall_sure = NULL;
	return rc;
}
