/* SPDX-License-Identifier: ISC */
/*
 * libcrypto's memory, of which the nth piece from now is not to be had; as
 * starve.h is for ours.  To be included by tests.
 */
#ifndef CRYPTOTEST_H
#define CRYPTOTEST_H

#include <stdlib.h>

#include <openssl/crypto.h>

static int crypto_left, crypto_failed;

static int
crypto_fails(void)
{
	if (crypto_left == 0 || --crypto_left > 0)
		return 0;
	crypto_failed = 1;
	return 1;
}

static void *
crypto_allocate(size_t size, const char *file, int line)
{
	return crypto_fails() ? NULL : malloc(size);
}

static void *
crypto_reallocate(void *p, size_t size, const char *file, int line)
{
	return crypto_fails() ? NULL : realloc(p, size);
}

static void
crypto_release(void *p, const char *file, int line)
{
	free(p);
}

/* To be called before libcrypto does anything; 0, or -1. */
static int
crypto_prepare(void)
{
	return CRYPTO_set_mem_functions(crypto_allocate, crypto_reallocate,
	    crypto_release) == 1 ? 0 : -1;
}

static void
crypto_starve(int n)
{
	crypto_left = n;
	if (n > 0)
		crypto_failed = 0;
}

static int
crypto_starved(void)
{
	return crypto_failed;
}

#endif
