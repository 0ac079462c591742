/* SPDX-License-Identifier: ISC */
/*
 * Reads SOCKS5 replies from streams.  A read does not know where a reply
 * ends: what it takes beyond that is kept behind the reply.
 */
#include <sys/types.h>

#include <errno.h>
#include <string.h>

#include "reply.h"
#include "socks.h"
#include "stream.h"

/*
 * Reads until a reply is whole; data is then its first "used" bytes, and what
 * follows them came behind it.  Called again after that, it reads the next
 * reply, of which those bytes are the beginning.
 */
enum reply_status
reply_read(struct reply *r, struct stream *st, struct socks_reply *reply)
{
	ssize_t n;

	r->len -= r->used;
	memmove(r->data, r->data + r->used, r->len);
	r->used = 0;
	while ((n = socks_decode_reply5(reply, r->data, r->len)) == 0) {
		n = st->ops->read(st, r->data + r->len,
		    sizeof(r->data) - r->len);
		if (n == -1 && errno == EAGAIN)
			return REPLY_MORE;
		if (n == -1 && errno == ENETRESET)
			return REPLY_ELOST;
		if (n <= 0)
			return REPLY_EEND;
		r->len += (size_t)n;
	}
	if (n < 0)
		return REPLY_EBAD;
	r->used = (size_t)n;
	return REPLY_WHOLE;
}

/* Why there is no reply, as text. */
const char *
reply_strerror(enum reply_status status)
{
	if (status == REPLY_EBAD)
		return "the far end sent no proper reply";
	return status == REPLY_EEND ? "the far end ended without a reply" :
	    "session lost";
}
