/* SPDX-License-Identifier: ISC */
/*
 * The accounts of this machine: whether a user may log in, and how a process
 * takes on that user's rights, for a while or for good.  How the user proves
 * who it is (userkeys) is not known here.
 */
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <linux/capability.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "accounts.h"
#include "log.h"
#include "match.h"
#include "servconf.h"
#include "xmalloc.h"

#define SECONDS_PER_DAY		(24 * 60 * 60)

/* Whose files are looked for if a user is not to log in. */
#define ACCOUNTS_NOBODY		"NOUSER"
#define ACCOUNTS_NO_HOME	"/nonexistent"
#define ACCOUNTS_NO_ID		65534

/* Entries of AllowUsers or DenyUsers: does one name this user? */
static int
account_listed(const struct conf_list *list, const char *user,
    const struct peer *peer, const char *keyword)
{
	size_t i;
	int r;

	for (i = 0; i < list->n; i++) {
		r = match_user(user, list->word[i], NULL, &peer->addr);
		if (r == -1)
			fatalx("Invalid %s pattern \"%s\"", keyword,
			    list->word[i]);
		if (r == 1)
			return 1;
	}
	return 0;
}

/*
 * Only root can read the shadow file.  Anybody else serves no other account
 * than its own, which is in use.
 */
static int
account_expired(const char *user)
{
	const struct spwd *sp;
	int expired;

	if (geteuid() != 0 || (sp = getspnam(user)) == NULL)
		return 0;
	expired = sp->sp_expire > 0 &&
	    time(NULL) / SECONDS_PER_DAY > sp->sp_expire;
	endspent();
	return expired;
}

/* Why this account may not log in from there, or NULL if it may. */
static const char *
account_refusal(const struct servconf *conf, const struct passwd *pw,
    const struct peer *peer)
{
	if (geteuid() != 0 && pw->pw_uid != geteuid())
		return "sockstund serves another user alone";
	if (account_expired(pw->pw_name))
		return "account has expired";
	if (pw->pw_uid == 0 && conf->permit_root == PERMIT_ROOT_NO)
		return "PermitRootLogin is no";
	if (account_listed(&conf->deny_users, pw->pw_name, peer,
	    "DenyUsers"))
		return "listed in DenyUsers";
	if (conf->allow_users.n > 0 && !account_listed(&conf->allow_users,
	    pw->pw_name, peer, "AllowUsers"))
		return "not listed in AllowUsers";
	return NULL;
}

static void
account_set(struct account *account, const char *name, const char *home,
    uid_t uid, gid_t gid)
{
	account->name = xstrdup(name);
	account->home = xstrdup(home);
	account->uid = uid;
	account->gid = gid;
}

/*
 * Looks up a user who wants to log in from there.  Returns 1 and the account;
 * or 0 after the reason was logged, and an account of nobody's, with which the
 * caller goes on as with another, so that the work does not tell who there is.
 * The caller clears the account.
 */
int
account_get(struct account *account, const struct servconf *conf,
    const char *user, const struct peer *peer)
{
	const struct passwd *pw;
	const char *reason;
	char safe[128];

	log_safe(user, strlen(user), safe, sizeof(safe));
	if ((pw = getpwnam(user)) == NULL) {
		account_expired(user);
		log_info("Invalid user %s from %s", safe, peer->text);
	} else if ((reason = account_refusal(conf, pw, peer)) != NULL)
		log_info("User %s from %s not allowed because %s", safe,
		    peer->text, reason);
	else {
		account_set(account, pw->pw_name, pw->pw_dir, pw->pw_uid,
		    pw->pw_gid);
		return 1;
	}
	account_set(account, ACCOUNTS_NOBODY, ACCOUNTS_NO_HOME,
	    ACCOUNTS_NO_ID, ACCOUNTS_NO_ID);
	return 0;
}

/* Frees an account; one that was cleared or is all zero may come again. */
void
account_clear(struct account *account)
{
	free(account->name);
	free(account->home);
	memset(account, 0, sizeof(*account));
}

/* Takes on the user's rights until account_leave(); only root has to. */
void
account_enter(const struct account *account,
    struct account_saved *saved)
{
	memset(saved, 0, sizeof(*saved));
	if (geteuid() != 0)
		return;
	saved->changed = 1;
	saved->uid = geteuid();
	saved->gid = getegid();
	if ((saved->ngroups = getgroups(0, NULL)) == -1)
		fatal("getgroups");
	saved->groups = xcalloc(saved->ngroups + 1, sizeof(gid_t));
	if (getgroups(saved->ngroups, saved->groups) == -1)
		fatal("getgroups");
	if (initgroups(account->name, account->gid) == -1)
		fatal("initgroups %s", account->name);
	if (setegid(account->gid) == -1)
		fatal("setegid %u", (u_int)account->gid);
	if (seteuid(account->uid) == -1)
		fatal("seteuid %u", (u_int)account->uid);
}

/* Takes the saved rights back. */
void
account_leave(struct account_saved *saved)
{
	if (!saved->changed)
		return;
	if (seteuid(saved->uid) == -1)
		fatal("seteuid %u", (u_int)saved->uid);
	if (setegid(saved->gid) == -1)
		fatal("setegid %u", (u_int)saved->gid);
	if (setgroups(saved->ngroups, saved->groups) == -1)
		fatal("setgroups");
	free(saved->groups);
}

/*
 * Takes on these ids for good, which root alone can, and makes sure that there
 * is no way back.  Returns 0, or -1 with errno: then the process has no use
 * but to end.
 */
int
account_set_ids(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (setresgid(gid, gid, gid) == -1 || setresuid(uid, uid, uid) == -1 ||
	    getresuid(&r, &e, &s) == -1 || getresgid(&rg, &eg, &sg) == -1)
		return -1;
	if (r == uid && e == uid && s == uid &&
	    rg == gid && eg == gid && sg == gid && (uid == 0 ||
	    (setuid(0) == -1 && (gid == 0 || setgid(0) == -1))))
		return 0;
	errno = EPERM;
	return -1;
}

/*
 * Of the capabilities that this process and its programs could have none is
 * left, but for those that it has; root alone can do that.  Returns 0, or -1
 * with errno.
 */
int
account_limit_caps(void)
{
	unsigned long cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != -1; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == -1)
			return -1;
	}
	return 0;
}

/* Gives up all capabilities, for good.  Returns 0, or -1 with errno. */
int
account_clear_caps(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	memset(none, 0, sizeof(none));
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1 &&
	    errno != EINVAL)
		return -1;
	return (int)syscall(SYS_capset, &head, none);
}

/*
 * Becomes the user for good, who has no capability.  Returns 0, or -1 after
 * the reason was logged; the process has then no use but to end.
 */
int
account_become(const struct account *account)
{
	if ((geteuid() != 0 || (account_limit_caps() == 0 &&
	    initgroups(account->name, account->gid) != -1 &&
	    account_set_ids(account->uid, account->gid) == 0)) &&
	    account_clear_caps() == 0)
		return 0;
	log_warn("cannot become user %s", account->name);
	return -1;
}
