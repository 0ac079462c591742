/* SPDX-License-Identifier: ISC */
/* The control socket's answers as text for people. */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "table.h"

#define KILO	1000.0

static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static double
number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

/* "1.4 MB", in a buffer that is returned. */
char *
table_bytes(double n, char *buf, size_t size)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	size_t i = 0;

	while (n >= KILO && i + 1 < sizeof(units) / sizeof(units[0])) {
		n /= KILO;
		i++;
	}
	snprintf(buf, size, i == 0 || n >= 100 ? "%.0f %s" : "%.1f %s", n,
	    units[i]);
	return buf;
}

/* "2 h 03 min", in a buffer that is returned. */
char *
table_age(double seconds, char *buf, size_t size)
{
	long s = (long)seconds;

	if (s < 60)
		snprintf(buf, size, "%.1f s", seconds);
	else if (s < 3600)
		snprintf(buf, size, "%ld min %02ld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%ld h %02ld min", s / 3600,
		    s / 60 % 60);
	else
		snprintf(buf, size, "%ld d %02ld h", s / 86400,
		    s / 3600 % 24);
	return buf;
}

/* Says that one runs, in the words of ssh(1). */
void
table_check(const json_t *answer)
{
	printf("Master running (pid=%.0f)\n", number(answer, "pid"));
}

static void
show_connection(const json_t *c)
{
	char in[32], out[32];

	printf("Far end:      %s, %s\n", strcmp(text(c, "kind"), "sockstund") ==
	    0 ? "sockstund" : "SSH server", text(c, "cipher"));
	if (number(c, "round_trip_ms") > 0)
		printf("Round trip:   %.1f ms, %.1f ms of it in a queue\n",
		    number(c, "round_trip_ms"), number(c, "queue_ms"));
	printf("Transferred:  sent %s, received %s\n",
	    table_bytes(number(c, "bytes_out"), out, sizeof(out)),
	    table_bytes(number(c, "bytes_in"), in, sizeof(in)));
}

/* How the session is. */
void
table_status(const json_t *answer)
{
	const json_t *s = json_object_get(answer, "session"), *l, *server;
	char age[32];
	size_t i;

	server = json_object_get(s, "server");
	printf("Session:      %s for %s", text(s, "state"),
	    table_age(number(s, "seconds"), age, sizeof(age)));
	if (number(s, "next_attempt_seconds") > 0)
		printf(", next attempt in %.1f s",
		    number(s, "next_attempt_seconds"));
	printf("\nServer:       %s@%s port %.0f\n", text(server, "user"),
	    text(server, "host"), number(server, "port"));
	if (json_is_object(json_object_get(s, "connection")))
		show_connection(json_object_get(s, "connection"));
	if (number(s, "connections") > 1 || *text(s, "last_reason") != '\0')
		printf("Connected:    %.0f times; last lost: %s\n",
		    number(s, "connections"), text(s, "last_reason"));
	l = json_object_get(answer, "listeners");
	for (i = 0; i < json_array_size(l); i++)
		printf("Listening on: %s\n",
		    json_string_value(json_array_get(l, i)));
	printf("Connections:  %.0f flowing, %.0f waiting for the session, "
	    "%.0f UDP associations\n", number(answer, "flows"),
	    number(answer, "waiting"), number(answer, "udp_associations"));
}

/* A line for each connection of a client. */
void
table_flows(const json_t *answer)
{
	const json_t *list = json_object_get(answer, "flows"), *f;
	char age[32], up[32], down[32];
	size_t i;

	printf("%6s %-21s %-13s %-8s %11s %9s %9s  %s\n", "ID", "CLIENT",
	    "COMMAND", "STATE", "AGE", "SENT", "RECEIVED", "DESTINATION");
	for (i = 0; i < json_array_size(list); i++) {
		f = json_array_get(list, i);
		printf("%6.0f %-21s %-13s %-8s %11s %9s %9s  %s\n",
		    number(f, "id"), text(f, "client"), text(f, "command"),
		    text(f, "state"), table_age(number(f, "seconds"), age,
		    sizeof(age)), table_bytes(number(f, "bytes_up"), up,
		    sizeof(up)), table_bytes(number(f, "bytes_down"), down,
		    sizeof(down)), text(f, "destination"));
	}
}
