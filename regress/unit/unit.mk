# SPDX-License-Identifier: ISC
# The unit tests.  Three lines a test, appended below:
#
#	UNIT += addr_test
#	addr_test_OBJS = common/addr common/buf
#	addr_test_LIBS = $(EVENT_LIBS)
#
# regress/unit/addr_test.c is linked with exactly the objects named (paths
# without build directory and suffix), cmocka and libbsd; _LIBS, which may be
# left out, says what else is needed.  A test of base needs neither libevent
# nor libssh.  Tests run in the top folder.  regress/targets.mk has the rules.
UNIT =

UNIT += addr_test
addr_test_OBJS = common/addr

UNIT += buf_test
buf_test_OBJS = common/buf

UNIT += log_test
log_test_OBJS = common/log

UNIT += match_test
match_test_OBJS = common/addr common/match

UNIT += ruleset_test
ruleset_test_OBJS = common/addr common/match common/ruleset

UNIT += socks_test
socks_test_OBJS = common/addr common/socks

UNIT += msg_test
msg_test_OBJS = common/msg

UNIT += resolver_test
resolver_test_OBJS = common/addr common/log common/resolver common/xmalloc
resolver_test_LIBS = -Wl,--wrap=getaddrinfo $(EVENT_LIBS) -lpthread

UNIT += listener_test
listener_test_OBJS = common/addr common/listener common/log common/xmalloc
listener_test_LIBS = $(EVENT_LIBS)

UNIT += flow_test
flow_test_OBJS = common/buf common/flow common/sockstream
flow_test_LIBS = $(EVENT_LIBS)

UNIT += conf_test
conf_test_OBJS = common/conf common/conftype common/log common/xmalloc

UNIT += cliconf_test
cliconf_test_OBJS = common/addr common/conf common/conftype common/log common/match \
	common/xmalloc client/cliconf client/clifiles

UNIT += servconf_test
servconf_test_OBJS = common/addr common/conf common/conftype common/log common/match \
	common/ruleset common/xmalloc server/servconf

UNIT += connect_test
connect_test_OBJS = common/connect
connect_test_LIBS = $(EVENT_LIBS)
