/* SPDX-License-Identifier: ISC */
/*
 * The payloads that sockstund's processes send each other: the first byte
 * says which.  What is read lies inside its bounds, and written again it is
 * the same message.
 */
#include "addr.h"
#include "fuzz.h"
#include "msg.h"
#include "privsep.h"

/* Reads the message as this payload and writes that into another. */
static int
copy(unsigned int kind, struct msg *in, struct msg *out)
{
	static struct privsep_setup setup;
	static struct privsep_key key;
	static struct privsep_proof proof;
	static struct privsep_request req;
	static struct privsep_reply reply;
	static struct privsep_line line;
	int r;

	switch (kind % 6) {
	case 0:
		if ((r = privsep_get_setup(in, &setup)) == 0) {
			check(strlen(setup.kex) <= PRIVSEP_ALGS_MAX);
			privsep_put_setup(out, &setup);
			privsep_clear_setup(&setup);
		}
		check(setup.peer == NULL && setup.nkeys == 0);
		return r;
	case 1:
		if ((r = privsep_get_key(in, &key)) == 0)
			privsep_put_key(out, key.user, key.type, key.base64);
		return r;
	case 2:
		if ((r = privsep_get_proof(in, &key, &proof)) == 0)
			privsep_put_proof(out, key.user, key.type, key.base64,
			    &proof);
		return r;
	case 3:
		if ((r = privsep_get_request(in, &req)) == 0)
			privsep_put_request(out, &req);
		return r;
	case 4:
		if ((r = privsep_get_reply(in, &reply)) == 0)
			privsep_put_reply(out, &reply);
		return r;
	default:
		if ((r = privsep_get_log(in, &line)) == 0)
			privsep_put_log(out, line.level, line.text);
		return r;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg in, out, again;

	if (size == 0 || msg_decode(&in, data + 1, size - 1) == -1)
		return 0;
	msg_init(&out, in.type, in.id);
	msg_init(&again, in.type, in.id);
	if (copy(data[0], &in, &out) == 0) {
		check(!out.bad);
		/* An address may be written in several ways. */
		if (data[0] % 6 == 4) {
			check(copy(data[0], &out, &again) == 0);
			check(!again.bad && again.len == out.len);
			check(memcmp(again.data, out.data, out.len) == 0);
		} else
			check(out.len == in.len &&
			    memcmp(out.data, in.data, in.len) == 0);
	}
	msg_clear(&in);
	msg_clear(&out);
	msg_clear(&again);
	return 0;
}
