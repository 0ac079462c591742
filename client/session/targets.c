/* SPDX-License-Identifier: ISC */
/*
 * The far ends take turns: the one that serves, or served last, comes first,
 * and after it the others in their order, once each until there is a pause.
 * One that shows another host key, or does not let the user in, has no turn
 * until it is forgiven.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "remembered.h"
#include "targets.h"
#include "xmalloc.h"

/* Seconds that an attempt after the first may take, if nothing says less. */
#define TARGET_PATIENCE	10

static void
target_init(struct target *t, const struct cliconf *conf)
{
	memset(t, 0, sizeof(*t));
	t->conf = conf;
	t->remembered = remembered_new();
	xasprintf(&t->name, "%s@%s port %d", conf->user != NULL ? conf->user :
	    "", conf->hostname, conf->port);
	/* What it points at is conf's. */
	t->again = *conf;
	t->again.batch_mode = 1;
	t->again.connection_attempts = 1;
	if (conf->connect_timeout <= 0 ||
	    conf->connect_timeout > TARGET_PATIENCE)
		t->again.connect_timeout = TARGET_PATIENCE;
}

/* Takes over what was remembered of the same target; was that the current? */
static int
target_inherit(struct target *t, struct targets *old)
{
	struct remembered *none = t->remembered;
	size_t i;

	for (i = 0; i < old->n; i++)
		if (strcmp(old->list[i].name, t->name) == 0) {
			t->remembered = old->list[i].remembered;
			old->list[i].remembered = none;
			return i == old->cur;
		}
	return 0;
}

/*
 * The far end of one configuration and then those of n others, in the place
 * of what there was.  The configurations must outlive it.
 */
void
targets_set(struct targets *all, const struct cliconf *conf,
    const struct cliconf *others, size_t n)
{
	struct targets old = *all;
	size_t i;

	all->list = xcalloc(n + 1, sizeof(*all->list));
	all->n = n + 1;
	all->cur = 0;
	for (i = 0; i <= n; i++) {
		target_init(&all->list[i], i == 0 ? conf : &others[i - 1]);
		if (target_inherit(&all->list[i], &old))
			all->cur = i;
	}
	targets_clear(&old);
}

/* Frees all of them, and wipes what was remembered. */
void
targets_clear(struct targets *all)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		remembered_free(all->list[i].remembered);
		free(all->list[i].name);
	}
	free(all->list);
	memset(all, 0, sizeof(*all));
}

/* The one that serves, or is tried. */
struct target *
targets_current(const struct targets *all)
{
	return &all->list[all->cur];
}

/* May it be tried?  Not if it is not the one that is meant. */
static int
target_is_usable(const struct target *t, int max_denials)
{
	return !t->other_key && t->denials < max_denials;
}

/*
 * Goes on to the next that was not tried since the last pause, which may be
 * the current.  Returns 1, or 0 if there is none.
 */
int
targets_next(struct targets *all, int max_denials)
{
	size_t i, k;

	for (i = 0; i < all->n; i++) {
		k = (all->cur + i) % all->n;
		if (!all->list[k].tried &&
		    target_is_usable(&all->list[k], max_denials)) {
			all->cur = k;
			return 1;
		}
	}
	return 0;
}

/* All of them may be tried again. */
void
targets_forgive(struct targets *all)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		all->list[i].denials = all->list[i].other_key =
		    all->list[i].tried = 0;
}

/* There is a pause, after which each has its turn again: which are left? */
enum targets_left
targets_pause(struct targets *all, int max_denials)
{
	size_t i;
	int usable = 0, other_key = 0;

	for (i = 0; i < all->n; i++) {
		all->list[i].tried = 0;
		usable |= target_is_usable(&all->list[i], max_denials);
		other_key |= all->list[i].other_key;
	}
	return usable ? TARGETS_SOME :
	    other_key ? TARGETS_OTHER_KEYS : TARGETS_NONE;
}
