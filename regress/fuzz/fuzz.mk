# SPDX-License-Identifier: ISC
# The fuzzers.  Two or three lines each, appended below:
#
#	FUZZ += socks_fuzz
#	socks_fuzz_OBJS = common/addr common/socks
#	socks_fuzz_LIBS = $(EVENT_LIBS)
#
# regress/fuzz/socks_fuzz.c is built by clang with libFuzzer and both
# sanitizers from exactly the sources named (paths without suffix); its seeds
# are the files of regress/fuzz/seeds/socks/.  regress/targets.mk has the rules.
FUZZ =

FUZZ += ruleset_fuzz
ruleset_fuzz_OBJS = common/addr common/match common/ruleset

FUZZ += socks_fuzz
socks_fuzz_OBJS = common/addr common/socks

FUZZ += msg_fuzz
msg_fuzz_OBJS = common/msg

FUZZ += conf_fuzz
conf_fuzz_OBJS = common/addr common/conf common/conftype common/log common/match \
	common/xmalloc client/cliconf client/shellsafe

FUZZ += servconf_fuzz
servconf_fuzz_OBJS = common/addr common/conf common/conftype common/log common/match \
	common/ruleset common/xmalloc server/servconf

FUZZ += authkeys_fuzz
authkeys_fuzz_OBJS = common/addr common/conf common/conftype common/log common/match \
	common/ruleset common/xmalloc server/authkeys
authkeys_fuzz_LIBS = -lresolv

FUZZ += knownhosts_fuzz
knownhosts_fuzz_OBJS = client/knownhosts common/addr common/conf common/log \
	common/match common/xmalloc
knownhosts_fuzz_LIBS = $(SSH_LIBS)

FUZZ += agent_fuzz
agent_fuzz_OBJS = client/agent common/addr common/conf common/log \
	common/match common/xmalloc
agent_fuzz_LIBS = $(SSH_LIBS) -lpthread

FUZZ += socksudp_fuzz
socksudp_fuzz_OBJS = common/addr common/socks common/socksudp

FUZZ += udpfrag_fuzz
udpfrag_fuzz_OBJS = common/addr common/udpfrag

FUZZ += dgramlink_fuzz
dgramlink_fuzz_OBJS = common/addr common/buf common/dgramlink common/socks \
	common/socksudp
dgramlink_fuzz_LIBS = $(EVENT_LIBS)
