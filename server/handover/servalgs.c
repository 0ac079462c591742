/* SPDX-License-Identifier: ISC */
/*
 * The daemon's lists of algorithms.  A list is final as soon as it is read:
 * what + - ^ mean is settled here, so that the library, which would do it
 * against defaults of its own, gets plain lists only.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alglist.h"
#include "servalgs.h"

/* Longest name that an error shows. */
#define SERVALGS_SHOWN	64

const char servalgs_ciphers[] = SERVALGS_CIPHERS ","
    "aes128-cbc,aes192-cbc,aes256-cbc,3des-cbc";
const char servalgs_macs[] = SERVALGS_MACS ","
    "hmac-sha1-etm@openssh.com,hmac-sha1";
/* None of these uses SHA-1: the signer would refuse to sign the exchange. */
const char servalgs_kex[] = SERVALGS_KEX ","
    "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
    "mlkem768nistp256-sha256,mlkem1024nistp384-sha384,"
    "diffie-hellman-group-exchange-sha256";

static int
servalgs_parse(const struct conf_keyword *kw, void *value, const char *arg,
    char *err, size_t errlen)
{
	char unknown[SERVALGS_SHOWN], *list;

	if (conf_type_names.parse(kw, value, arg, err, errlen) == -1)
		return -1;
	/* The default, which every process reads from the one before it. */
	if (strcmp(arg, kw->dflt) == 0)
		return 0;
	conf_string_clear(value);
	list = alglist_resolve(arg, kw->dflt, kw->arg, unknown,
	    sizeof(unknown));
	if (list == NULL)
		snprintf(err, errlen, "unknown algorithm \"%s\"", unknown);
	else if (*list == '\0')
		strlcpy(err, "no algorithm is left", errlen);
	else {
		*(char **)value = list;
		return 0;
	}
	free(list);
	return -1;
}

const struct conf_type servalgs_type = CONF_TYPE_STRING(servalgs_parse);
