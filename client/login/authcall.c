/* SPDX-License-Identifier: ISC */
/*
 * Authentication, as libssh asks for it.
 *
 * Before its first request libssh asks for the service "ssh-userauth" and waits
 * for the answer: a round trip of which nothing is learned, as a server that
 * refuses ends the connection.  RFC 4253 lets the request follow at once.
 *
 * libssh's functions call each other by the names that they have for others.
 * So ssh_service_request() is defined here, which the linker prefers: it does
 * what it always did, and says that the service is granted while the answer is
 * still on its way.  Where libssh does not come here it costs the round trip.
 */
#include <sys/types.h>

#include <dlfcn.h>
#include <stdlib.h>

#include <libssh/libssh.h>

#include "authcall.h"

typedef int service_request(ssh_session, const char *);

/* libssh's functions have no argument by which to pass this. */
static int	 authcall_waits;	/* for the service to be granted */

/* Asks for a service, as libssh's function of this name does. */
int
ssh_service_request(ssh_session session, const char *service)
{
	static service_request *real;
	int rc;

	if (real == NULL && (real = (service_request *)dlsym(RTLD_NEXT,
	    "ssh_service_request")) == NULL)
		return SSH_ERROR;
	rc = real(session, service);
	return rc == SSH_AGAIN && !authcall_waits ? SSH_OK : rc;
}

/*
 * Which signatures a server takes of an RSA key is told by an extension that
 * may come as late as its answer about the service, and libssh would choose
 * one that few servers take.
 */
static int
authcall_is_rsa(ssh_key key)
{
	enum ssh_keytypes_e type = ssh_key_type(key);

	return type == SSH_KEYTYPE_RSA || type == SSH_KEYTYPE_RSA_CERT01;
}

/* Asks without a proof, to be told the methods: SSH_AUTH_*. */
int
authcall_none(ssh_session session)
{
	authcall_waits = 0;
	return ssh_userauth_none(session, NULL);
}

/* Signs with a private key, which may have a certificate: SSH_AUTH_*. */
int
authcall_publickey(ssh_session session, ssh_key key)
{
	authcall_waits = authcall_is_rsa(key);
	return ssh_userauth_publickey(session, NULL, key);
}
