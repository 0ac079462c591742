/* SPDX-License-Identifier: ISC */
/*
 * For a large buffer on a hot path, of which only what was written is read.
 * The compiler is told to fill automatic variables with zeros; to fill tens of
 * kilobytes for each message would cost more than the message.
 */
#ifndef UNINIT_H
#define UNINIT_H

#ifndef __has_attribute
#define __has_attribute(x)	0
#endif
#if __has_attribute(uninitialized)
#define UNINITIALIZED	__attribute__((uninitialized))
#else
#define UNINITIALIZED
#endif

#endif
