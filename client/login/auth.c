/* SPDX-License-Identifier: ISC */
/*
 * Owns the order in which the user is authenticated, as ssh(1) has it:
 * "none" to learn what the server takes, then the methods of
 * PreferredAuthentications.  libssh's calls return SSH_AUTH_AGAIN and must be
 * made again with the same arguments: each state below makes one call.
 *
 *	NONE -> next method: AGENT -> OFFER <-> SIGN -> next method
 *			     KBDINT, PASSWORD ------> next method
 *
 * Each question is a round trip, so none is put whose answer would change
 * nothing.  A key that let the user in before is used at once (KNOWN).  The
 * only method, or the only key, is tried before NONE; and the only key signs
 * without an offer, which tells as much if nobody needs to be asked for it.
 *
 * Knows nothing of descriptors and events.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libssh/libssh.h>

#include "agent.h"
#include "auth.h"
#include "authcall.h"
#include "candidates.h"
#include "cliconf.h"
#include "identity.h"
#include "log.h"
#include "prompt.h"
#include "remembered.h"
#include "xmalloc.h"

#define AUTH_ANY		(~0)	/* methods */
#define AUTH_MAX_ROUNDS		64	/* of questions in one attempt */
#define AUTH_MAX_PARTIAL	16
#define AUTH_MAX_TEXT		8192	/* bytes of the server's to show */
#define AUTH_MAX_QUESTION	512	/* bytes of one of its questions */

enum auth_state {
	AUTH_STATE_KNOWN,
	AUTH_STATE_NONE,
	AUTH_STATE_AGENT,
	AUTH_STATE_OFFER,
	AUTH_STATE_SIGN,
	AUTH_STATE_KBDINT,
	AUTH_STATE_PASSWORD
};

/* What a state's call came to. */
enum auth_outcome {
	OUTCOME_AGAIN,
	OUTCOME_OK,
	OUTCOME_PARTIAL,
	OUTCOME_MORE,		/* the state has changed: call that */
	OUTCOME_NEXT,		/* this attempt failed */
	OUTCOME_GIVE_UP		/* so did the method, for good */
};

struct auth {
	ssh_session		 session;
	const struct cliconf	*conf;
	struct remembered	*remembered;
	char			*who;		/* user@host, for messages */
	int			 flags;
	enum auth_state		 state;
	const struct auth_kind	*kind;		/* the method being tried */
	int			 spent;		/* bits of methods given up */
	int			 asked;		/* which it takes */
	struct conf_list	 tried;		/* in words, for the user */
	int			 partial;
	int			 interrupted;
	int			 fatal_before;	/* it had an error already */
	struct candidates	*keys;
	ssh_key			 priv;
	int			 agent_set;	/* libssh has its socket */
	int			 late_fd;	/* to wait for, or -1 */
	int			 kbdint_tries;
	int			 kbdint_rounds;
	int			 kbdint_asked;
	int			 password_tries;
	char			*password;
	char			*sent;		/* it may be remembered */
	char			*banner;	/* as last shown */
	size_t			 text_left;	/* of AUTH_MAX_TEXT */
};

struct auth_kind {
	const char	*name;
	int		 bit;
	int		 (*enabled)(const struct auth *);
	void		 (*start)(struct auth *);
};

/* Something is tried: told when all was in vain. */
static void __attribute__((format(printf, 2, 3)))
auth_note_tried(struct auth *auth, const char *fmt, ...)
{
	va_list	ap;
	char	text[256];
	size_t	i;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (i = 0; i < auth->tried.n; i++)
		if (strcmp(auth->tried.word[i], text) == 0)
			return;
	conf_list_add(&auth->tried, text);
}

static void
auth_tell_tried(const struct auth *auth)
{
	char	list[1024] = "";
	size_t	i;

	for (i = 0; i < auth->tried.n; i++) {
		if (i > 0)
			strlcat(list, ", ", sizeof(list));
		strlcat(list, auth->tried.word[i], sizeof(list));
	}
	log_info("Tried: %s.", i > 0 ? list : auth->conf->batch_mode ?
	    "nothing; no key was found, and nothing may be asked" :
	    "nothing; no key was found");
}

static int
auth_pubkey_enabled(const struct auth *auth)
{
	return auth->conf->pubkey_auth;
}

/* Can a password be had once more?  One that is remembered serves once. */
static int
auth_may_send_password(const struct auth *auth, int tries)
{
	if (auth->flags & AUTH_NO_PASSWORDS)
		return 0;
	if (auth->conf->batch_mode)
		return tries == 0 &&
		    remembered_password(auth->remembered) != NULL;
	return tries < auth->conf->password_prompts;
}

static int
auth_kbdint_enabled(const struct auth *auth)
{
	return auth->conf->kbdint_auth &&
	    auth_may_send_password(auth, auth->kbdint_tries);
}

static int
auth_password_enabled(const struct auth *auth)
{
	return auth->conf->password_auth &&
	    auth_may_send_password(auth, auth->password_tries);
}

static void
auth_load_keys(struct auth *auth)
{
	if (auth->keys == NULL)
		auth->keys = candidates_new(auth->conf,
		    remembered_agent_key(auth->remembered));
}

static void
auth_pubkey_start(struct auth *auth)
{
	auth_load_keys(auth);
	candidates_rewind(auth->keys);
	auth->state = candidates_agent(auth->keys) != NULL ?
	    AUTH_STATE_AGENT : AUTH_STATE_OFFER;
}

static void
auth_kbdint_start(struct auth *auth)
{
	auth->kbdint_tries++;
	auth->kbdint_rounds = 0;
	auth_note_tried(auth, "answers to its questions");
	auth->state = AUTH_STATE_KBDINT;
}

static void
auth_password_start(struct auth *auth)
{
	auth->password_tries++;
	auth_note_tried(auth, "a password");
	auth->state = AUTH_STATE_PASSWORD;
}

static const struct auth_kind auth_kinds[] = {
	{ "publickey", SSH_AUTH_METHOD_PUBLICKEY, auth_pubkey_enabled,
	    auth_pubkey_start },
	{ "keyboard-interactive", SSH_AUTH_METHOD_INTERACTIVE,
	    auth_kbdint_enabled, auth_kbdint_start },
	{ "password", SSH_AUTH_METHOD_PASSWORD, auth_password_enabled,
	    auth_password_start },
};

/* The names of the methods in a set of libssh's bits.  To be freed. */
static char *
auth_list_methods(int bits)
{
	static const struct {
		int		 bit;
		const char	*name;
	} names[] = {
		{ SSH_AUTH_METHOD_PUBLICKEY, "publickey" },
		{ SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic" },
		{ SSH_AUTH_METHOD_HOSTBASED, "hostbased" },
		{ SSH_AUTH_METHOD_PASSWORD, "password" },
		{ SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive" },
	};
	char	list[128] = "";
	size_t	i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((bits & names[i].bit) == 0)
			continue;
		if (list[0] != '\0')
			strlcat(list, ",", sizeof(list));
		strlcat(list, names[i].name, sizeof(list));
	}
	return xstrdup(list);
}

static const char *
auth_host(const struct auth *auth)
{
	return auth->conf->hostkey_alias != NULL ?
	    auth->conf->hostkey_alias : auth->conf->hostname;
}

/* The first preferred method that the server takes and that is left. */
static const struct auth_kind *
auth_choose(const struct auth *auth, int offered)
{
	const struct conf_list	*prefs = &auth->conf->preferred_auth;
	const struct auth_kind	*kind;
	size_t			 i, k;

	for (i = 0; i < prefs->n; i++)
		for (k = 0; k < sizeof(auth_kinds) / sizeof(*kind); k++) {
			kind = &auth_kinds[k];
			if (strcmp(prefs->word[i], kind->name) == 0 &&
			    (offered & kind->bit) != 0 &&
			    (auth->spent & kind->bit) == 0 &&
			    kind->enabled(auth))
				return kind;
		}
	return NULL;
}

/*
 * The method that is tried before the server is asked which it takes, or NULL:
 * the only one, if there is anything to try, or an only or proven key.
 */
static const struct auth_kind *
auth_guess(struct auth *auth)
{
	const struct auth_kind	*kind = auth_choose(auth, AUTH_ANY);
	int			 only = auth->conf->preferred_auth.n == 1;

	if (kind == NULL)
		return NULL;
	if (kind->bit != SSH_AUTH_METHOD_PUBLICKEY)
		return only && remembered_password(auth->remembered) != NULL ?
		    kind : NULL;
	auth_load_keys(auth);
	if (candidates_count(auth->keys) == 1 ||
	    (only && candidates_count(auth->keys) > 0) ||
	    candidates_sure_key(auth->keys) != NULL)
		return kind;
	return NULL;
}

static void
auth_start(struct auth *auth)
{
	log_verbose("Next authentication method: %s", auth->kind->name);
	auth->kind->start(auth);
}

static enum auth_outcome
auth_begin(struct auth *auth)
{
	auth->state = AUTH_STATE_NONE;
	if ((auth->kind = auth_guess(auth)) != NULL)
		auth_start(auth);
	return OUTCOME_MORE;
}

/*
 * Is the server still to be asked what it takes?  Some let a user in who only
 * asks, and refuse keys.  Not after many keys: sshd counts it as a failure.
 */
static int
auth_must_ask(const struct auth *auth, int offered)
{
	return auth->kind == NULL && !auth->asked && !auth->interrupted &&
	    (offered == 0 || (auth->keys != NULL &&
	    candidates_count(auth->keys) == 1));
}

static enum auth_result
auth_next(struct auth *auth)
{
	char	*list;
	int	 offered;

	offered = ssh_userauth_list(auth->session, NULL);
	auth->kind = auth->interrupted ? NULL : auth_choose(auth, offered);
	if (auth_must_ask(auth, offered)) {
		auth->state = AUTH_STATE_NONE;
		return AUTH_AGAIN;
	}
	auth->asked = 1;
	list = auth_list_methods(offered);
	if (auth->interrupted)
		log_warnx("%s: interrupted at a question", auth->who);
	else if (auth->kind == NULL) {
		log_warnx("%s: Permission denied (%s).", auth->who, list);
		auth_tell_tried(auth);
	} else {
		log_verbose("Authentications that can continue: %s", list);
		auth_start(auth);
	}
	free(list);
	auth->fatal_before =
	    ssh_get_error_code(auth->session) == SSH_FATAL;
	return auth->kind == NULL ? AUTH_DENIED : AUTH_AGAIN;
}

/* What an answer of libssh means for an attempt of one call. */
static enum auth_outcome
auth_outcome(int rc)
{
	switch (rc) {
	case SSH_AUTH_AGAIN:
		return OUTCOME_AGAIN;
	case SSH_AUTH_SUCCESS:
		return OUTCOME_OK;
	case SSH_AUTH_PARTIAL:
		return OUTCOME_PARTIAL;
	case SSH_AUTH_DENIED:
		return OUTCOME_NEXT;
	default:
		return OUTCOME_GIVE_UP;
	}
}

/* The key that let the user in before: the server is not asked about it. */
static enum auth_outcome
auth_known(struct auth *auth)
{
	int	rc;

	if (auth->priv == NULL &&
	    (auth->priv = remembered_key(auth->remembered)) == NULL)
		return auth_begin(auth);
	rc = authcall_publickey(auth->session, auth->priv);
	if (rc == SSH_AUTH_AGAIN)
		return OUTCOME_AGAIN;
	ssh_key_free(auth->priv);
	auth->priv = NULL;
	if (rc == SSH_AUTH_SUCCESS || rc == SSH_AUTH_PARTIAL)
		return auth_outcome(rc);
	auth->state = AUTH_STATE_NONE;
	return OUTCOME_MORE;
}

static enum auth_outcome
auth_none(struct auth *auth)
{
	enum auth_outcome	outcome;

	auth->asked = 1;
	outcome = auth_outcome(ssh_userauth_none(auth->session, NULL));
	return outcome == OUTCOME_GIVE_UP ? OUTCOME_NEXT : outcome;
}

static enum auth_outcome
auth_agent(struct auth *auth)
{
	struct agent	*agent = candidates_agent(auth->keys);
	int		 rc;

	auth->late_fd = -1;
	if (!auth->agent_set) {
		auth->agent_set = 1;
		auth_note_tried(auth, "the keys of the agent");
		ssh_set_agent_socket(auth->session, agent_take_fd(agent));
	}
	rc = authcall_agent(auth->session, candidates_sure_key(auth->keys));
	if (rc == SSH_AUTH_ERROR &&
	    (auth->late_fd = agent_late_fd(agent)) != -1)
		return OUTCOME_AGAIN;
	if (rc == SSH_AUTH_ERROR && ssh_is_connected(auth->session)) {
		log_warnx("agent refused operation");
		candidates_set_refused(auth->keys);
	}
	if (rc == SSH_AUTH_ERROR || rc == SSH_AUTH_DENIED) {
		auth->state = AUTH_STATE_OFFER;
		return OUTCOME_MORE;
	}
	if (rc == SSH_AUTH_SUCCESS && agent_signed_with(agent) != NULL)
		remembered_set_agent_key(auth->remembered,
		    agent_signed_with(agent));
	return auth_outcome(rc);
}

static enum auth_outcome
auth_skip_key(struct auth *auth)
{
	candidates_next(auth->keys);
	auth->state = AUTH_STATE_OFFER;
	return auth->interrupted ? OUTCOME_GIVE_UP : OUTCOME_MORE;
}

/* Has the private half: signs with it. */
static enum auth_outcome
auth_use_key(struct auth *auth, const struct identity *id, ssh_key cert)
{
	if (cert != NULL &&
	    ssh_pki_copy_cert_to_privkey(cert, auth->priv) != SSH_OK) {
		log_warnx("%s: the certificate does not fit the key",
		    id->file);
		ssh_key_free(auth->priv);
		auth->priv = NULL;
		return auth_skip_key(auth);
	}
	auth->state = AUTH_STATE_SIGN;
	return OUTCOME_MORE;
}

/* The server takes the key: loads its private half, asking for passphrases. */
static enum auth_outcome
auth_load_key(struct auth *auth, const struct identity *id, ssh_key cert)
{
	auth->priv = identity_load_private(id, auth->conf,
	    &auth->interrupted);
	if (auth->priv == NULL) {
		auth_note_tried(auth, "%s (accepted, but it cannot be used)",
		    id->file);
		return auth_skip_key(auth);
	}
	return auth_use_key(auth, id, cert);
}

static enum auth_outcome
auth_offer(struct auth *auth)
{
	const struct identity	*id;
	ssh_key			 cert;
	int			 rc;

	if ((id = candidates_current(auth->keys, &cert)) == NULL)
		return OUTCOME_GIVE_UP;
	if (candidates_count(auth->keys) == 1 &&
	    (auth->priv = identity_load_plain(id)) != NULL) {
		log_verbose("Trying private key: %s", id->file);
		return auth_use_key(auth, id, cert);
	}
	if (cert == NULL && id->pub == NULL) {
		log_verbose("Trying private key: %s", id->file);
		auth_note_tried(auth, "%s", id->file);
		return auth_load_key(auth, id, NULL);
	}
	rc = ssh_userauth_try_publickey(auth->session, NULL,
	    cert != NULL ? cert : id->pub);
	if (rc == SSH_AUTH_AGAIN)
		return OUTCOME_AGAIN;
	log_verbose("%s %s key: %s", rc == SSH_AUTH_SUCCESS ?
	    "Server accepts" : "Server refuses",
	    cert != NULL ? "certificate" : "public", id->file);
	if (rc == SSH_AUTH_SUCCESS)
		return auth_load_key(auth, id, cert);
	auth_note_tried(auth, "%s", id->file);
	if (rc == SSH_AUTH_PARTIAL)
		return OUTCOME_PARTIAL;
	if (rc == SSH_AUTH_ERROR)
		log_debug("%s: %s", id->file, ssh_get_error(auth->session));
	return auth_skip_key(auth);
}

static enum auth_outcome
auth_sign(struct auth *auth)
{
	const struct identity	*id;
	ssh_key			 cert;
	int			 rc;

	rc = authcall_publickey(auth->session, auth->priv);
	if (rc == SSH_AUTH_AGAIN)
		return OUTCOME_AGAIN;
	id = candidates_current(auth->keys, &cert);
	if (rc == SSH_AUTH_SUCCESS)
		remembered_set_key(auth->remembered, auth->priv, cert);
	ssh_key_free(auth->priv);
	auth->priv = NULL;
	if (rc == SSH_AUTH_DENIED || rc == SSH_AUTH_ERROR) {
		auth_note_tried(auth, "%s", id->file);
		log_debug("%s: %s", id->file, ssh_get_error(auth->session));
		return auth_skip_key(auth);
	}
	return auth_outcome(rc);
}

/* Keeps a password that may be sent again, if it is the right one. */
static void
auth_note_password(struct auth *auth, const char *answer)
{
	if (!auth->conf->password_reuse || auth->conf->batch_mode)
		return;
	prompt_free(auth->sent);
	auth->sent = xstrdup(answer);
}

/* The user's answer to a question, or the one that is remembered. */
static char *
auth_answer(struct auth *auth, const char *text, int flags)
{
	const char	*known = remembered_password(auth->remembered);
	char		*answer;

	if (auth->conf->batch_mode)
		return flags == 0 && known != NULL ? xstrdup(known) : NULL;
	errno = 0;
	if ((answer = prompt_read(text, flags)) == NULL)
		auth->interrupted = errno == EINTR;
	else if (flags == 0)
		auth_note_password(auth, answer);
	return answer;
}

/* One question of the server, answered to libssh; -1 if nobody answers. */
static int
auth_kbdint_answer(struct auth *auth, unsigned int i)
{
	const char	*question;
	char		*safe, *text, *answer, echo = 0;

	question = ssh_userauth_kbdint_getprompt(auth->session, i, &echo);
	safe = prompt_safe(question != NULL ? question : "");
	xasprintf(&text, "(%s) %.*s", auth->who, AUTH_MAX_QUESTION, safe);
	free(safe);
	answer = auth_answer(auth, text, echo ? PROMPT_ECHO : 0);
	free(text);
	if (answer == NULL)
		return -1;
	ssh_userauth_kbdint_setanswer(auth->session, i, answer);
	prompt_free(answer);
	return 0;
}

static int
auth_kbdint_round(struct auth *auth)
{
	const char	*text;
	int		 i, n;

	auth->kbdint_asked = 1;
	text = ssh_userauth_kbdint_getname(auth->session);
	if (text != NULL)
		prompt_show(auth->who, text, &auth->text_left);
	text = ssh_userauth_kbdint_getinstruction(auth->session);
	if (text != NULL)
		prompt_show(auth->who, text, &auth->text_left);
	n = ssh_userauth_kbdint_getnprompts(auth->session);
	for (i = 0; i < n; i++)
		if (auth_kbdint_answer(auth, i) == -1)
			return -1;
	return 0;
}

/*
 * After a malformed question libssh notes a fatal error and returns "again",
 * for ever: a fatal error that was not there before is the only sign of it.
 */
static enum auth_outcome
auth_kbdint(struct auth *auth)
{
	int	rc;

	for (;;) {
		rc = ssh_userauth_kbdint(auth->session, NULL, NULL);
		if (rc == SSH_AUTH_AGAIN && !auth->fatal_before &&
		    ssh_get_error_code(auth->session) == SSH_FATAL) {
			ssh_silent_disconnect(auth->session);
			return OUTCOME_GIVE_UP;
		}
		if (rc != SSH_AUTH_INFO)
			break;
		if (++auth->kbdint_rounds > AUTH_MAX_ROUNDS ||
		    auth_kbdint_round(auth) == -1)
			return OUTCOME_GIVE_UP;
	}
	if (rc == SSH_AUTH_DENIED && !auth->kbdint_asked)
		return OUTCOME_GIVE_UP;
	return auth_outcome(rc);
}

static int
auth_ask_password(struct auth *auth)
{
	char	*text;

	if (auth->password_tries > 1)
		log_warnx("Permission denied, please try again.");
	xasprintf(&text, "%s's password: ", auth->who);
	auth->password = auth_answer(auth, text, 0);
	free(text);
	return auth->password == NULL ? -1 : 0;
}

/*
 * If the server asks for a new password, libssh reports an error on a session
 * that is still connected.
 */
static enum auth_outcome
auth_password(struct auth *auth)
{
	int	rc;

	if (auth->password == NULL && auth_ask_password(auth) == -1)
		return OUTCOME_GIVE_UP;
	rc = ssh_userauth_password(auth->session, NULL, auth->password);
	if (rc == SSH_AUTH_AGAIN)
		return OUTCOME_AGAIN;
	prompt_free(auth->password);
	auth->password = NULL;
	if (rc == SSH_AUTH_ERROR && ssh_is_connected(auth->session))
		log_warnx("%s: the server wants the password changed: "
		    "log in with ssh(1) to do that", auth_host(auth));
	return auth_outcome(rc);
}

static enum auth_outcome
auth_call(struct auth *auth)
{
	switch (auth->state) {
	case AUTH_STATE_KNOWN:
		return auth_known(auth);
	case AUTH_STATE_NONE:
		return auth_none(auth);
	case AUTH_STATE_AGENT:
		return auth_agent(auth);
	case AUTH_STATE_OFFER:
		return auth_offer(auth);
	case AUTH_STATE_SIGN:
		return auth_sign(auth);
	case AUTH_STATE_KBDINT:
		return auth_kbdint(auth);
	case AUTH_STATE_PASSWORD:
		return auth_password(auth);
	}
	return OUTCOME_GIVE_UP;
}

/* The server's banner, once for each text it sends. */
static void
auth_show_banner(struct auth *auth)
{
	char	*banner;

	if (log_get_level() < LOG_LEVEL_INFO ||
	    (banner = ssh_get_issue_banner(auth->session)) == NULL)
		return;
	if (auth->banner == NULL || strcmp(auth->banner, banner) != 0) {
		prompt_show(auth->who, banner, &auth->text_left);
		free(auth->banner);
		auth->banner = xstrdup(banner);
	}
	ssh_string_free_char(banner);
}

/* The server wants another method as well: all may be tried once more. */
static enum auth_result
auth_partial(struct auth *auth)
{
	log_verbose("Authenticated using \"%s\" with partial success.",
	    auth_method(auth));
	auth->spent = 0;
	auth->kbdint_asked = 0;
	if (++auth->partial > AUTH_MAX_PARTIAL) {
		log_warnx("%s: too many partial successes", auth_host(auth));
		return AUTH_DENIED;
	}
	return auth_next(auth);
}

/*
 * Goes as far as it can without waiting for the server; may ask on the
 * terminal.  To be called once at the start and then whenever the
 * descriptor is ready.
 */
enum auth_result
auth_step(struct auth *auth)
{
	enum auth_outcome	outcome;
	enum auth_result	result = AUTH_AGAIN;

	while (result == AUTH_AGAIN) {
		outcome = auth_call(auth);
		auth_show_banner(auth);
		if (outcome == OUTCOME_OK) {
			if (auth->sent != NULL)
				remembered_set_password(auth->remembered,
				    auth->sent);
			return AUTH_OK;
		}
		if (!ssh_is_connected(auth->session))
			return AUTH_LOST;
		if (outcome == OUTCOME_AGAIN)
			return AUTH_AGAIN;
		if (outcome == OUTCOME_GIVE_UP && auth->kind != NULL)
			auth->spent |= auth->kind->bit;
		if (outcome == OUTCOME_PARTIAL)
			result = auth_partial(auth);
		else if (outcome != OUTCOME_MORE)
			result = auth_next(auth);
	}
	return result;
}

/*
 * Authentication of the configured user on a session with keys exchanged.
 * What lets the user in is remembered, and what is, is tried first.
 */
struct auth *
auth_new(ssh_session session, const struct cliconf *conf,
    struct remembered *remembered, int flags)
{
	struct auth	*auth;

	auth = xcalloc(1, sizeof(*auth));
	auth->session = session;
	auth->conf = conf;
	auth->remembered = remembered;
	auth->flags = flags;
	auth->state = AUTH_STATE_KNOWN;
	auth->text_left = AUTH_MAX_TEXT;
	auth->late_fd = -1;
	xasprintf(&auth->who, "%s@%s", conf->user, auth_host(auth));
	return auth;
}

/* Wipes and frees; the session is left as it is. */
void
auth_free(struct auth *auth)
{
	if (auth == NULL)
		return;
	candidates_free(auth->keys);
	ssh_key_free(auth->priv);
	prompt_free(auth->password);
	prompt_free(auth->sent);
	conf_list_clear(&auth->tried);
	free(auth->banner);
	free(auth->who);
	free(auth);
}

/*
 * What auth_step() waits for if it is not the server: a descriptor that is to
 * be read from, or -1.
 */
int
auth_late_fd(const struct auth *auth)
{
	return auth->late_fd;
}

/* The name of the method being tried. */
const char *
auth_method(const struct auth *auth)
{
	if (auth->state == AUTH_STATE_KNOWN)
		return "publickey";
	return auth->kind != NULL ? auth->kind->name : "none";
}
