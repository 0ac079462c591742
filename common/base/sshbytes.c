/* SPDX-License-Identifier: ISC */
/*
 * Bytes as SSH has them, in messages, keys and signatures: numbers in network
 * order, strings with their length before them, positive numbers of any size.
 * What they mean is not known here.
 */
#include <sys/types.h>
#include <sys/endian.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sshbytes.h"

/* More than any message or key file that we put together. */
#define SSHWRITE_MAX	(256 * 1024)
#define SSHWRITE_GROW	256

/* Begins to take len bytes apart. */
void
sshread_init(struct sshread *r, const void *p, size_t len)
{
	r->p = p;
	r->left = len;
	r->bad = 0;
}

/* The next n bytes, or NULL with r->bad set. */
static const u_char *
sshread_take(struct sshread *r, size_t n)
{
	const u_char *p = r->p;

	if (r->bad || n > r->left) {
		r->bad = 1;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

/* A byte; 0 if there is none. */
u_char
sshread_u8(struct sshread *r)
{
	const u_char *p = sshread_take(r, 1);

	return p == NULL ? 0 : *p;
}

/* A number; 0 if there is none. */
uint32_t
sshread_u32(struct sshread *r)
{
	const u_char *p = sshread_take(r, 4);

	return p == NULL ? 0 : be32dec(p);
}

/* A string, inside the bytes; empty, with data NULL, if there is none. */
struct sshstring
sshread_string(struct sshread *r)
{
	struct sshstring s = { NULL, 0 };
	uint32_t n = sshread_u32(r);

	if ((s.data = sshread_take(r, n)) != NULL)
		s.len = n;
	return s;
}

/*
 * A number that is not negative, as its bytes in network order, none of them
 * 0 at the front; one that is not written in the shortest way is bad.
 */
struct sshstring
sshread_mpint(struct sshread *r)
{
	struct sshstring s = sshread_string(r);

	if (s.len == 0)
		return s;
	if ((s.data[0] & 0x80) != 0 || (s.data[0] == 0 && (s.len == 1 ||
	    (s.data[1] & 0x80) == 0)))
		r->bad = 1;
	if (s.data[0] == 0) {
		s.data++;
		s.len--;
	}
	return s;
}

/* 0 if all was there and nothing is left, or -1. */
int
sshread_end(const struct sshread *r)
{
	return r->bad || r->left > 0 ? -1 : 0;
}

/* Is the string this text? */
int
sshstring_is(struct sshstring s, const char *text)
{
	return s.len == strlen(text) &&
	    (s.len == 0 || memcmp(s.data, text, s.len) == 0);
}

/* Room for n more bytes, or NULL with w->bad set. */
static u_char *
sshwrite_reserve(struct sshwrite *w, size_t n)
{
	u_char *data;
	size_t size;

	if (w->bad || n > SSHWRITE_MAX - w->len) {
		w->bad = 1;
		return NULL;
	}
	if (n > w->size - w->len) {
		size = w->len + n + SSHWRITE_GROW;
		data = recallocarray(w->data, w->size, size, 1);
		if (data == NULL) {
			w->bad = 1;
			return NULL;
		}
		w->data = data;
		w->size = size;
	}
	w->len += n;
	return w->data + w->len - n;
}

/* The sshwrite functions append, or set w->bad. */
void
sshwrite_bytes(struct sshwrite *w, const void *p, size_t n)
{
	u_char *to = sshwrite_reserve(w, n);

	if (to != NULL && n > 0)
		memcpy(to, p, n);
}

/* A byte. */
void
sshwrite_u8(struct sshwrite *w, u_char v)
{
	sshwrite_bytes(w, &v, 1);
}

/* A number. */
void
sshwrite_u32(struct sshwrite *w, uint32_t v)
{
	u_char b[4];

	be32enc(b, v);
	sshwrite_bytes(w, b, sizeof(b));
}

/* A string: its length, and its bytes. */
void
sshwrite_string(struct sshwrite *w, const void *p, size_t n)
{
	if (n > SSHWRITE_MAX) {
		w->bad = 1;
		return;
	}
	sshwrite_u32(w, (uint32_t)n);
	sshwrite_bytes(w, p, n);
}

/* A text as a string, without its NUL. */
void
sshwrite_text(struct sshwrite *w, const char *s)
{
	sshwrite_string(w, s, strlen(s));
}

/* A number that is not negative, given as bytes in network order. */
void
sshwrite_mpint(struct sshwrite *w, const void *p, size_t n)
{
	const u_char *b = p;
	size_t pad;

	for (; n > 0 && *b == 0; n--)
		b++;
	pad = n > 0 && (*b & 0x80) != 0;
	sshwrite_u32(w, (uint32_t)(n + pad));
	if (pad)
		sshwrite_u8(w, 0);
	sshwrite_bytes(w, b, n);
}

/* Wipes and frees the bytes; all zero again. */
void
sshwrite_clear(struct sshwrite *w)
{
	freezero(w->data, w->size);
	memset(w, 0, sizeof(*w));
}
