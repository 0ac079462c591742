/* SPDX-License-Identifier: ISC */
/* The algorithm by which TCP decides how fast a connection may send. */
#ifndef CONGESTION_H
#define CONGESTION_H

#include <sys/types.h>

struct conf_list;

#define CONGESTION_NAME_SIZE	16	/* the kernel's TCP_CA_NAME_MAX */

void	congestion_ask(int, const struct conf_list *);
int	congestion_get(int, char [CONGESTION_NAME_SIZE]);
void	congestion_print_granted(const struct conf_list *);

#endif
