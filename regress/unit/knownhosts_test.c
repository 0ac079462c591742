/* SPDX-License-Identifier: ISC */
/* Lines of known_hosts, what whole files say of a key, and appending. */
#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>
#include <libssh/libssh.h>

#include "knownhosts.h"
#include "conf.h"

#define ED1	\
	"AAAAC3NzaC1lZDI1NTE5AAAAIF+8p464FK6RZ1FJX2pNKIDq1RsLogkpVA+/"	\
	"o6x5SSSr"
#define ED2	\
	"AAAAC3NzaC1lZDI1NTE5AAAAIEtzxZkn+6CjCQ7ufgPlFPFTcW8YjB4QD8sa"	\
	"wW2We4l/"
#define ECDSA	\
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA8nS6Ra"	\
	"ZD20JH/fUU6bzmE9PYwHyd+5W8r08DNAMLSNxubqnW55vmp8yChu+LdrFL3o"	\
	"wtxS2Dgh3pZ81gjP9rY="
/* "host.example.com", hashed by ssh-keygen -H */
#define HASHED	\
	"|1|e35OirTG+fZ7dPvgXtcdEDy992g=|BuHL8R7ywu5ZkAp7opX7rDdpMAQ="

struct files {
	char			 dir[32];
	char			 user[64];
	char			 global[64];
	struct conf_list	 users;
	struct conf_list	 globals;
};

static int
setup(void **state)
{
	struct files	*f;

	f = calloc(1, sizeof(*f));
	strlcpy(f->dir, "/tmp/knownhosts.XXXXXX", sizeof(f->dir));
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->user, sizeof(f->user), "%s/sub/user", f->dir);
	snprintf(f->global, sizeof(f->global), "%s/global", f->dir);
	conf_list_add(&f->users, f->user);
	conf_list_add(&f->globals, f->global);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct files	*f = *state;
	char		 sub[64];

	snprintf(sub, sizeof(sub), "%s/sub", f->dir);
	unlink(f->user);
	unlink(f->global);
	rmdir(sub);
	rmdir(f->dir);
	conf_list_clear(&f->users);
	conf_list_clear(&f->globals);
	free(f);
	return 0;
}

static void
put(const char *file, const char *text)
{
	FILE	*fp;

	assert_non_null(fp = fopen(file, "w"));
	fputs(text, fp);
	fclose(fp);
}

static ssh_key
key(const char *b64, enum ssh_keytypes_e type)
{
	ssh_key	k = NULL;

	assert_int_equal(ssh_pki_import_pubkey_base64(b64, type, &k), SSH_OK);
	return k;
}

/* The state of ED1 for "h" when this is the global file. */
static enum knownhosts_state
check(struct files *f, const char *text, u_long *line)
{
	struct knownhosts_found	found;
	ssh_key			k;

	put(f->global, text);
	k = key(ED1, SSH_KEYTYPE_ED25519);
	knownhosts_check(&f->users, &f->globals, "h", k, &found);
	ssh_key_free(k);
	if (line != NULL)
		*line = found.line;
	return found.state;
}

static void
test_name(void **state)
{
	char	*name;

	name = knownhosts_name("Host.Example", 22);
	assert_string_equal(name, "host.example");
	free(name);
	name = knownhosts_name("Host", 2222);
	assert_string_equal(name, "[host]:2222");
	free(name);
	assert_true(knownhosts_valid_name("host-1.example.com"));
	assert_true(knownhosts_valid_name("fe80::1%eth0"));
	assert_false(knownhosts_valid_name(""));
	assert_false(knownhosts_valid_name("a b"));
	assert_false(knownhosts_valid_name("a,b"));
	assert_false(knownhosts_valid_name("*.com"));
	assert_false(knownhosts_valid_name("a\nb"));
	assert_false(knownhosts_valid_name("|1|x"));
	assert_false(knownhosts_valid_name("@revoked"));
}

static int
parse(const char *text, struct knownhosts_line *kl, char *buf, size_t size)
{
	strlcpy(buf, text, size);
	return knownhosts_parse_line(buf, kl);
}

static void
test_parse(void **state)
{
	struct knownhosts_line	kl;
	char			buf[512];

	assert_int_equal(parse("", &kl, buf, sizeof(buf)), 0);
	assert_int_equal(parse("  # c", &kl, buf, sizeof(buf)), 0);
	assert_int_equal(parse("h", &kl, buf, sizeof(buf)), 0);
	assert_int_equal(parse("h ssh-rsa", &kl, buf, sizeof(buf)), 0);
	assert_int_equal(parse("@revoked", &kl, buf, sizeof(buf)), 0);
	assert_int_equal(parse("@revoked h t", &kl, buf, sizeof(buf)), 0);
	assert_int_equal(parse("@other h t k", &kl, buf, sizeof(buf)), 0);
	assert_int_equal(parse("h\tt  k c c\r\n", &kl, buf, sizeof(buf)), 1);
	assert_int_equal(kl.marker, KNOWNHOSTS_PLAIN);
	assert_string_equal(kl.hosts, "h");
	assert_string_equal(kl.type, "t");
	assert_string_equal(kl.key, "k");
	assert_int_equal(parse("@revoked h t k", &kl, buf, sizeof(buf)), 1);
	assert_int_equal(kl.marker, KNOWNHOSTS_MARK_REVOKED);
	assert_int_equal(parse("@cert-authority h t k", &kl, buf,
	    sizeof(buf)), 1);
	assert_int_equal(kl.marker, KNOWNHOSTS_MARK_CA);
}

static int
match(const char *text, const char *name)
{
	struct knownhosts_line	kl;
	char			buf[512];

	assert_int_equal(parse(text, &kl, buf, sizeof(buf)), 1);
	return knownhosts_match(&kl, name);
}

static void
test_match(void **state)
{
	assert_true(match("h t k", "h"));
	assert_false(match("h t k", "hh"));
	assert_false(match("h t k", "[h]:22"));
	assert_true(match("x,h t k", "h"));
	assert_true(match("*.example,!bad.example t k", "good.example"));
	assert_false(match("*.example,!bad.example t k", "bad.example"));
	assert_true(match("[h]:* t k", "[h]:2222"));
	assert_true(match(HASHED " ssh-ed25519 " ED1, "host.example.com"));
	assert_false(match(HASHED " ssh-ed25519 " ED1, "host.example.org"));
	assert_false(match("|1|x|y ssh-ed25519 " ED1, "h"));
	assert_false(match("|1| ssh-ed25519 " ED1, "h"));
	assert_false(match("| ssh-ed25519 " ED1, "h"));
}

static void
test_check(void **state)
{
	struct files	*f = *state;
	u_long		 line;

	assert_int_equal(check(f, "", NULL), KNOWNHOSTS_NEW);
	assert_int_equal(check(f, "x ssh-ed25519 " ED1 "\n", NULL),
	    KNOWNHOSTS_NEW);
	assert_int_equal(check(f, "# c\n\nh ssh-ed25519 " ED1, &line),
	    KNOWNHOSTS_OK);
	assert_int_equal(line, 3);
	assert_int_equal(check(f, "h ssh-ed25519 " ED2 "\n", &line),
	    KNOWNHOSTS_CHANGED);
	assert_int_equal(line, 1);
	assert_int_equal(check(f, "h ecdsa-sha2-nistp256 " ECDSA "\n", NULL),
	    KNOWNHOSTS_OTHER);
	assert_int_equal(check(f, "h ssh-ed25519 " ED2 "\n"
	    "h ecdsa-sha2-nistp256 " ECDSA "\n", &line), KNOWNHOSTS_CHANGED);
	assert_int_equal(line, 1);
	assert_int_equal(check(f, "h ssh-ed25519 " ED2 "\n"
	    "h ssh-ed25519 " ED1 "\nh ssh-ed25519 " ED2 "\n", &line),
	    KNOWNHOSTS_OK);
	assert_int_equal(line, 2);
}

static void
test_check_markers(void **state)
{
	struct files	*f = *state;

	assert_int_equal(check(f, "@revoked * ssh-ed25519 " ED1 "\n"
	    "h ssh-ed25519 " ED1 "\n", NULL), KNOWNHOSTS_REVOKED);
	assert_int_equal(check(f, "h ssh-ed25519 " ED1 "\n"
	    "@revoked h ssh-ed25519 " ED1 "\n", NULL), KNOWNHOSTS_REVOKED);
	assert_int_equal(check(f, "@revoked h ssh-ed25519 " ED2 "\n", NULL),
	    KNOWNHOSTS_NEW);
	assert_int_equal(check(f, "@cert-authority h ssh-ed25519 " ED1 "\n",
	    NULL), KNOWNHOSTS_NEW);
	assert_int_equal(check(f, "h ssh-future AAAA\nh ssh-ed25519 !!!\n"
	    "h ssh-ed25519 " ED1 "\n", NULL), KNOWNHOSTS_OK);
}

static void
test_types(void **state)
{
	struct files	*f = *state;
	char		*types;

	put(f->global, "h ecdsa-sha2-nistp256 " ECDSA "\nh x y\n"
	    "@revoked h ssh-ed25519 " ED2 "\nh ssh-ed25519 " ED1 "\n");
	types = knownhosts_types(&f->users, &f->globals, "h");
	assert_string_equal(types, "ecdsa-sha2-nistp256,ssh-ed25519");
	free(types);
	types = knownhosts_types(&f->users, &f->globals, "other");
	assert_string_equal(types, "");
	free(types);
}

static void
test_add(void **state)
{
	struct files		*f = *state;
	struct knownhosts_found	 found;
	struct stat		 st;
	char			*hashed, errstr[64];
	ssh_key			 k;

	unlink(f->global);
	k = key(ED1, SSH_KEYTYPE_ED25519);
	assert_int_equal(knownhosts_add(f->user, "[h]:2", k, errstr,
	    sizeof(errstr)), 0);
	assert_int_equal(stat(f->user, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	put(f->user, "# no newline");
	assert_int_equal(knownhosts_add(f->user, "[h]:2", k, errstr,
	    sizeof(errstr)), 0);
	knownhosts_check(&f->users, &f->globals, "[h]:2", k, &found);
	assert_int_equal(found.state, KNOWNHOSTS_OK);
	assert_int_equal(found.line, 2);
	hashed = knownhosts_hash("[h]:3");
	assert_memory_equal(hashed, "|1|", 3);
	assert_int_equal(knownhosts_add(f->user, hashed, k, errstr,
	    sizeof(errstr)), 0);
	free(hashed);
	knownhosts_check(&f->users, &f->globals, "[h]:3", k, &found);
	assert_int_equal(found.state, KNOWNHOSTS_OK);
	knownhosts_check(&f->users, &f->globals, "[h]:4", k, &found);
	assert_int_equal(found.state, KNOWNHOSTS_NEW);
	assert_int_equal(knownhosts_add("/dev/null", "h", k, errstr,
	    sizeof(errstr)), 0);
	assert_int_equal(knownhosts_add("/dev/null/x", "h", k, errstr,
	    sizeof(errstr)), -1);
	assert_string_equal(errstr, "Not a directory");
	ssh_key_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_check_markers),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
