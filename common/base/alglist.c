/* SPDX-License-Identifier: ISC */
/*
 * Lists of algorithms, names with commas between them, and how a list of a
 * configuration changes a default one.  Which algorithms there are is known
 * to the callers.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "alglist.h"
#include "match.h"
#include "xmalloc.h"

/* Is the name one of the list? */
int
alglist_contains(const char *list, const char *name)
{
	size_t len = strlen(name), n;

	for (; *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		if (n == len && strncmp(list, name, n) == 0)
			return 1;
	}
	return 0;
}

/* Appends a name to a list with room for it, unless it is there already. */
void
alglist_append(char *list, size_t size, const char *name)
{
	if (*name == '\0' || alglist_contains(list, name))
		return;
	if (*list != '\0')
		strlcat(list, ",", size);
	strlcat(list, name, size);
}

/*
 * Appends those of the names that a list of patterns matches, or, if "except"
 * is set, those that it does not.
 */
static void
alglist_append_matching(char *list, size_t size, const char *names,
    const char *patterns, int except)
{
	char *copy, *next, *name;

	next = copy = xstrdup(names);
	while ((name = strsep(&next, ",")) != NULL) {
		if ((match_pattern_list(name, patterns, 0) == 1) == !except)
			alglist_append(list, size, name);
	}
	free(copy);
}

/*
 * Appends what each entry stands for: itself, or all of "known" that it
 * matches.  Returns the first entry that matches nothing, to be freed, or
 * NULL.
 */
static char *
alglist_append_entries(char *list, size_t size, const char *entries,
    const char *known)
{
	char *copy, *next, *entry, *found, *unknown = NULL;
	size_t len = known == NULL ? 0 : strlen(known) + 1;

	next = copy = xstrdup(entries);
	while (unknown == NULL && (entry = strsep(&next, ",")) != NULL) {
		if (known == NULL) {
			alglist_append(list, size, entry);
			continue;
		}
		found = xcalloc(1, len);
		alglist_append_matching(found, len, known, entry, 0);
		if (*found == '\0')
			unknown = xstrdup(entry);
		alglist_append_matching(list, size, found, "*", 0);
		free(found);
	}
	free(copy);
	return unknown;
}

/*
 * The list that a value of the configuration stands for, to be freed: "+"
 * appends to the default, "-" removes what its patterns match, "^" moves to the
 * front.  Unless "known" is NULL each entry is a pattern for known names, and
 * one that matches none makes the result NULL and is left in "unknown".
 */
char *
alglist_resolve(const char *spec, const char *dflt, const char *known,
    char *unknown, size_t unknownlen)
{
	size_t size = strlen(spec) + strlen(dflt) + 2 +
	    (known == NULL ? 0 : strlen(known));
	const char *entries = spec + (*spec != '\0' &&
	    strchr("+-^", *spec) != NULL);
	char *list = xcalloc(1, size), *named = xcalloc(1, size), *bad;

	bad = alglist_append_entries(named, size, entries, known);
	if (*spec == '-')
		alglist_append_matching(list, size, dflt, entries, 1);
	else {
		if (*spec == '+')
			strlcpy(list, dflt, size);
		alglist_append_matching(list, size, named, "*", 0);
		if (*spec == '^')
			alglist_append_matching(list, size, dflt, "*", 0);
	}
	free(named);
	if (bad != NULL) {
		strlcpy(unknown, bad, unknownlen);
		free(list);
		list = NULL;
	}
	free(bad);
	return list;
}
