/* SPDX-License-Identifier: ISC */
/*
 * What a daemon finds out before it accepts anybody: which host keys can be
 * used, and that the programs of a connection would serve.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <unistd.h>

#include "confined.h"
#include "hostkeys.h"
#include "log.h"
#include "netproc.h"
#include "rexec.h"
#include "selftest.h"
#include "signproc.h"

/* The public halves of the keys; a file whose key has none is taken out. */
static int
selftest_get_public(const struct servconf *conf, struct hostkeys *files,
    struct hostkeys *public)
{
	struct confined sp = { .nowhere = NULL };
	u_char *data;
	size_t len;
	int fd, ret = -1;

	data = hostkeys_pack(files, &len);
	fd = rexec_make_memfd("sockstund keys", data, len);
	freezero(data, len);
	if (fd == -1) {
		log_warn("memfd");
		return -1;
	}
	if (signproc_start(&sp, conf, fd, -1) == 0) {
		ret = signproc_await_ready(&sp, public, files);
		if (signproc_stop(&sp, "test") == -1)
			ret = -1;
	}
	close(fd);
	return ret;
}

/*
 * Has a sockstund-signer load the keys, and, if that is wanted, a sockstund-net
 * take their public halves.  Those that cannot be used are logged and taken
 * out.  Returns 0, or -1 when nobody could be served; the log says why.
 */
int
selftest_keys(const struct servconf *conf, struct hostkeys *files, int net)
{
	struct hostkeys public = { .n = 0 };
	int ret;

	ret = selftest_get_public(conf, files, &public);
	if (ret == 0 && net)
		ret = netproc_test(conf, &public);
	hostkeys_clear(&public);
	return ret;
}
