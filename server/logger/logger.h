/* SPDX-License-Identifier: ISC */
/* Writes the log of processes that run as users. */
#ifndef LOGGER_H
#define LOGGER_H

void	 logger_main(int);

#endif
