/* SPDX-License-Identifier: ISC */
/* Which names of hosts and users may be handed to a shell, as in ssh(1). */
#include <sys/types.h>

#include <ctype.h>
#include <string.h>

#include "shellsafe.h"

/* May the name stand in a shell command?  The rule of ssh(1). */
int
shellsafe_host(const char *s)
{
	if (*s == '-' || *s == '\0')
		return 0;
	for (; *s != '\0'; s++)
		if (strchr("'`\"$\\;&<>|(){},", *s) != NULL ||
		    isspace((u_char)*s) || iscntrl((u_char)*s))
			return 0;
	return 1;
}

/* The same of a user; Windows names hold backslashes and spaces. */
int
shellsafe_user(const char *s)
{
	if (*s == '-' || *s == '\0')
		return 0;
	for (; *s != '\0'; s++) {
		if (strchr("'`\"$;&<>|(){}", *s) != NULL ||
		    iscntrl((u_char)*s))
			return 0;
		if (isspace((u_char)*s) && s[1] == '-')
			return 0;
		if (*s == '\\' && s[1] == '\0')
			return 0;
	}
	return 1;
}
