/* SPDX-License-Identifier: ISC */
/* The control socket's answers as text for people. */
#include <sys/types.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "table.h"
#include "xmalloc.h"

#define KILO	1000.0

/* A member that is a string, or "". */
const char *
table_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

/* A member that is a number, or 0. */
double
table_number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

static void
clean_string(json_t *string)
{
	const char *s = json_string_value(string);
	size_t i, n = json_string_length(string);
	char *clean;

	for (i = 0; i < n && isascii(s[i]) && isprint((u_char)s[i]); i++)
		;
	if (i == n)
		return;
	clean = xcalloc(1, n);
	for (i = 0; i < n; i++)
		clean[i] = isascii(s[i]) && isprint((u_char)s[i]) ? s[i] : '?';
	json_string_setn_nocheck(string, clean, n);
	free(clean);
}

/*
 * Replaces in all strings of an answer what is not printable ASCII: whoever
 * answers, nothing but text gets to the terminal.
 */
void
table_clean(json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(value))
		clean_string(value);
	json_object_foreach(value, key, member)
		table_clean(member);
	json_array_foreach(value, i, member)
		table_clean(member);
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
	printf("Master running (pid=%.0f)\n", table_number(answer, "pid"));
}

static void
show_connection(const json_t *c)
{
	char in[32], out[32];

	printf("Far end:      %s, %s\n", strcmp(table_text(c, "kind"), "sockstund") ==
	    0 ? "sockstund" : "SSH server", table_text(c, "cipher"));
	if (*table_text(c, "congestion_control") != '\0')
		printf("Congestion:   %s\n",
		    table_text(c, "congestion_control"));
	if (table_number(c, "round_trip_ms") > 0)
		printf("Round trip:   %.1f ms, %.1f ms of it in a queue\n",
		    table_number(c, "round_trip_ms"), table_number(c, "queue_ms"));
	printf("Transferred:  sent %s, received %s\n",
	    table_bytes(table_number(c, "bytes_out"), out, sizeof(out)),
	    table_bytes(table_number(c, "bytes_in"), in, sizeof(in)));
}

/* How the session is. */
void
table_status(const json_t *answer)
{
	const json_t *s = json_object_get(answer, "session"), *l, *server;
	char age[32];
	size_t i;

	server = json_object_get(s, "server");
	printf("Session:      %s for %s", table_text(s, "state"),
	    table_age(table_number(s, "seconds"), age, sizeof(age)));
	if (table_number(s, "next_attempt_seconds") > 0)
		printf(", next attempt in %.1f s",
		    table_number(s, "next_attempt_seconds"));
	printf("\nServer:       %s@%s port %.0f\n", table_text(server, "user"),
	    table_text(server, "host"), table_number(server, "port"));
	if (json_is_object(json_object_get(s, "connection")))
		show_connection(json_object_get(s, "connection"));
	if (table_number(s, "connections") > 1 ||
	    *table_text(s, "last_reason") != '\0')
		printf("Connected:    %.0f times; last lost: %s\n",
		    table_number(s, "connections"), table_text(s, "last_reason"));
	l = json_object_get(answer, "listeners");
	for (i = 0; i < json_array_size(l); i++)
		printf("Listening on: %s\n",
		    json_string_value(json_array_get(l, i)));
	printf("Connections:  %.0f flowing, %.0f waiting for the session, "
	    "%.0f UDP associations\n", table_number(answer, "flows"),
	    table_number(answer, "waiting"),
	    table_number(answer, "udp_associations"));
}

static void
show_flow(const json_t *f)
{
	const char *program = table_text(f, "program");
	char age[32], up[32], down[32], pid[32] = "-";

	if (table_number(f, "pid") > 0)
		snprintf(pid, sizeof(pid), "%.0f", table_number(f, "pid"));
	printf("%6.0f %7s %-15s %-21s %-13s %-8s %11s %9s %9s  %s\n",
	    table_number(f, "id"), pid, *program != '\0' ? program : "-",
	    table_text(f, "client"), table_text(f, "command"),
	    table_text(f, "state"),
	    table_age(table_number(f, "seconds"), age, sizeof(age)),
	    table_bytes(table_number(f, "bytes_up"), up, sizeof(up)),
	    table_bytes(table_number(f, "bytes_down"), down, sizeof(down)),
	    table_text(f, "destination"));
}

/* A line for each connection of a client. */
void
table_flows(const json_t *answer)
{
	const json_t *f;
	size_t i;

	printf("%6s %7s %-15s %-21s %-13s %-8s %11s %9s %9s  %s\n", "ID",
	    "PID", "PROGRAM", "CLIENT", "COMMAND", "STATE", "AGE", "SENT",
	    "RECEIVED", "DESTINATION");
	json_array_foreach(json_object_get(answer, "flows"), i, f)
		show_flow(f);
}
