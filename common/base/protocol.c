/* SPDX-License-Identifier: ISC */
/* The services that a sockstund has, each for one command of SOCKS. */
#include <sys/types.h>

#include <string.h>

#include "protocol.h"
#include "socks.h"

static const struct {
	enum socks_cmd	 cmd;
	const char	*name;
} services[] = {
	{ SOCKS_CMD_CONNECT,		SERVICE_CONNECT },
	{ SOCKS_CMD_BIND,		SERVICE_BIND },
	{ SOCKS_CMD_UDP,		SERVICE_UDP },
	{ SOCKS_CMD_RESOLVE,		SERVICE_RESOLVE },
	{ SOCKS_CMD_RESOLVE_PTR,	SERVICE_RESOLVE_PTR },
};

#define NSERVICES	(sizeof(services) / sizeof(services[0]))

/* The service that does what a command asks for; NULL: none does. */
const char *
protocol_service_name(enum socks_cmd cmd)
{
	size_t i;

	for (i = 0; i < NSERVICES; i++)
		if (services[i].cmd == cmd)
			return services[i].name;
	return NULL;
}

/* The command that a service is for (enum socks_cmd); -1: no such service. */
int
protocol_service_cmd(const char *name)
{
	size_t i;

	for (i = 0; i < NSERVICES; i++)
		if (strcmp(services[i].name, name) == 0)
			return (int)services[i].cmd;
	return -1;
}
