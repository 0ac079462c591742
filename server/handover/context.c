/* SPDX-License-Identifier: ISC */
/*
 * The context of a dialer as bytes: strings with their NULs, user and peer
 * first, then the rules.  What a rule means is not known here.
 */
#include <sys/types.h>

#include <string.h>

#include "conf.h"
#include "context.h"
#include "xmalloc.h"

static void
context_add(char **text, size_t *len, const char *s)
{
	size_t n = strlen(s) + 1;

	*text = xrecallocarray(*text, *len, *len + n, 1);
	memcpy(*text + *len, s, n);
	*len += n;
}

/* The context as *lenp bytes, which the caller frees. */
char *
context_pack(const struct context *ctx, size_t *lenp)
{
	char *text = NULL;
	size_t i;

	*lenp = 0;
	context_add(&text, lenp, ctx->user);
	context_add(&text, lenp, ctx->peer);
	for (i = 0; i < ctx->permit_open.n; i++)
		context_add(&text, lenp, ctx->permit_open.word[i]);
	return text;
}

/* The next string, or NULL. */
static const char *
context_next(const char **p, const char *end)
{
	const char *s = *p;

	if (s == end)
		return NULL;
	*p = s + strlen(s) + 1;
	return s;
}

/*
 * Reads what context_pack() made; user and peer stay in it, so that it must
 * outlive the context.  The caller clears the rules.  Returns 0, or -1 with
 * nothing to clear.
 */
int
context_unpack(struct context *ctx, const char *text, size_t len)
{
	const char *end = text + len, *rule;

	memset(ctx, 0, sizeof(*ctx));
	if (len == 0 || end[-1] != '\0')
		return -1;
	ctx->user = context_next(&text, end);
	ctx->peer = context_next(&text, end);
	if (*ctx->user == '\0' || ctx->peer == NULL)
		return -1;
	while ((rule = context_next(&text, end)) != NULL)
		conf_list_add(&ctx->permit_open, rule);
	return 0;
}
