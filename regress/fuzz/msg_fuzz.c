/* SPDX-License-Identifier: ISC */
/*
 * Takes a packet apart in an order that the first bytes choose; whatever came
 * out is put together again and must be what went in.
 */
#include <sys/types.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* One field from in to out, of the kind that the script says. */
static void
copy_field(int kind, struct msg *in, struct msg *out)
{
	char buf[64], *s;
	const u_char *blob;
	uint32_t v;
	size_t n;

	switch (kind) {
	case 0:
		v = msg_get_u32(in);
		if (!in->bad)
			msg_put_u32(out, v);
		break;
	case 1:
		if ((blob = msg_get_blob(in, &n)) != NULL)
			msg_put_blob(out, blob, n);
		break;
	case 2:
		if (msg_get_string(in, buf, sizeof(buf)) != NULL)
			msg_put_string(out, buf);
		break;
	case 3:
		if ((s = msg_dup_string(in, 300)) != NULL)
			msg_put_string(out, s);
		free(s);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg in, out;
	uint32_t script;
	int i;

	if (size < sizeof(script))
		return 0;
	memcpy(&script, data, sizeof(script));
	data += sizeof(script);
	size -= sizeof(script);
	if (msg_decode(&in, data, size) == -1)
		return 0;
	msg_init(&out, in.type, in.id);
	for (i = 0; i < 16 && !in.bad; i++)
		copy_field(script >> (2 * i) & 3, &in, &out);
	if (out.bad || out.len > in.len ||
	    (out.len > 0 && memcmp(in.data, out.data, out.len) != 0))
		abort();
	if (msg_end(&in) == 0 && out.len != in.len)
		abort();
	msg_clear(&in);
	msg_clear(&out);
	return 0;
}
