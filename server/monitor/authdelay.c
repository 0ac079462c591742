/* SPDX-License-Identifier: ISC */
/*
 * How long a refusal takes depends on the user's name and on a secret of the
 * host, and not on the work that was done for it, as with sshd(8).  A name has
 * the same time at every login, so that many refusals tell no more than one.
 */
#include <sys/types.h>

#include <errno.h>
#include <sha2.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "authdelay.h"
#include "monotime.h"

/* Makes the secret from data that others cannot know. */
void
authdelay_init(struct authdelay *d, const void *data, size_t len)
{
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, (const u_char *)"delay", sizeof("delay"));
	SHA256Update(&ctx, data, len);
	SHA256Final(d->secret, &ctx);
}

/* Nanoseconds that a refusal of this user takes at least. */
static int64_t
authdelay_of_user(const struct authdelay *d, const char *user)
{
	u_char digest[SHA256_DIGEST_LENGTH];
	uint64_t n;
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, d->secret, sizeof(d->secret));
	SHA256Update(&ctx, (const u_char *)user, strlen(user));
	SHA256Final(digest, &ctx);
	memcpy(&n, digest, sizeof(n));
	return AUTHDELAY_MIN + n % AUTHDELAY_VARY;
}

/*
 * Waits until it is time to refuse a user whose request came at "since"
 * (monotime_ns()).  If the work took longer than the user's delay, that is
 * doubled until it is longer than the work.
 */
void
authdelay_wait(const struct authdelay *d, const char *user, int64_t since)
{
	int64_t delay = authdelay_of_user(d, user), left;
	int64_t elapsed = monotime_ns() - since;
	struct timespec ts;

	if (elapsed >= AUTHDELAY_MAX)
		return;
	while (delay < elapsed)
		delay *= 2;
	left = delay - elapsed;
	ts.tv_sec = left / MONOTIME_SECOND;
	ts.tv_nsec = left % MONOTIME_SECOND;
	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		;
}
