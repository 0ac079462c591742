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

UNIT += sandbox_test
sandbox_test_OBJS = common/msg server/sandbox
sandbox_test_LIBS = $(SECCOMP_LIBS)

UNIT += resolver_test
resolver_test_OBJS = common/addr common/log common/resolver common/xmalloc
resolver_test_LIBS = -Wl,--wrap=getaddrinfo,--wrap=getnameinfo $(EVENT_LIBS) \
	-lpthread

UNIT += listener_test
listener_test_OBJS = common/addr common/listener common/log common/xmalloc
listener_test_LIBS = $(EVENT_LIBS)

UNIT += flow_test
flow_test_OBJS = common/buf common/flow common/monotime common/sockstream
flow_test_LIBS = $(EVENT_LIBS)

UNIT += openfail_test
openfail_test_OBJS = client/openfail

UNIT += conf_test
conf_test_OBJS = common/conf common/conftype common/log common/xmalloc

UNIT += cliconf_test
cliconf_test_OBJS = common/addr common/conf common/conftype common/log common/match \
	common/xmalloc client/cliconf client/clifiles client/shellsafe

UNIT += servconf_test
servconf_test_OBJS = common/addr common/conf common/conftype common/log common/match \
	common/ruleset common/xmalloc server/servconf

UNIT += connect_test
connect_test_OBJS = common/addr common/connect
connect_test_LIBS = $(EVENT_LIBS)

# What every service needs.
SERVICES_OBJS = common/addr common/buf common/connect common/dgramlink \
	common/listener common/log common/match common/monotime \
	common/resolver common/ruleset common/socks common/socksudp \
	common/sockstream common/udpsock common/xmalloc \
	$(addprefix server/,$(SERVE))

UNIT += dialer_test
dialer_test_OBJS = $(SERVICES_OBJS) common/msg server/dialer
dialer_test_LIBS = -Wl,--wrap=getaddrinfo $(EVENT_LIBS) -lpthread

UNIT += authkeys_test
authkeys_test_OBJS = common/addr common/conf common/conftype common/log common/match \
	common/ruleset common/xmalloc server/authkeys
authkeys_test_LIBS = -lresolv

UNIT += startups_test
startups_test_OBJS = common/log common/xmalloc server/startups
startups_test_LIBS = $(EVENT_LIBS)

UNIT += algs_test
algs_test_OBJS = client/algs common/addr common/log common/match common/xmalloc
algs_test_LIBS = $(SSH_LIBS)

UNIT += prompt_test
prompt_test_OBJS = client/prompt common/log common/xmalloc

UNIT += proxy_test
proxy_test_OBJS = client/cliconf client/proxy client/shellsafe common/addr \
	common/conf common/conftype common/log common/xmalloc

UNIT += knownhosts_test
knownhosts_test_OBJS = client/knownhosts common/addr common/conf common/log \
	common/match common/xmalloc
knownhosts_test_LIBS = $(SSH_LIBS)

UNIT += hostkey_test
hostkey_test_OBJS = client/hostkey client/knownhosts client/prompt \
	common/addr common/conf common/log common/match common/xmalloc
hostkey_test_LIBS = $(SSH_LIBS)

UNIT += agent_test
agent_test_OBJS = client/agent common/addr common/conf common/log \
	common/match common/xmalloc
agent_test_LIBS = $(SSH_LIBS) -lpthread

UNIT += identity_test
identity_test_OBJS = client/identity client/prompt common/log common/xmalloc
identity_test_LIBS = $(SSH_LIBS)

UNIT += sshpace_test
sshpace_test_OBJS = common/monotime common/sshpace

UNIT += sshwire_test
sshwire_test_OBJS = common/sshwire

UNIT += socksudp_test
socksudp_test_OBJS = common/addr common/socks common/socksudp

UNIT += udpfrag_test
udpfrag_test_OBJS = common/addr common/udpfrag

UNIT += dgramlink_test
dgramlink_test_OBJS = common/addr common/buf common/dgramlink common/socks \
	common/socksudp common/sockstream
dgramlink_test_LIBS = $(EVENT_LIBS)

UNIT += udpsock_test
udpsock_test_OBJS = common/udpsock
udpsock_test_LIBS = $(EVENT_LIBS)

UNIT += udppeer_test
udppeer_test_OBJS = client/udppeer common/addr

UNIT += destrules_test
destrules_test_OBJS = common/addr common/log common/match common/ruleset \
	server/destrules

# getaddrinfo(3) and getnameinfo(3) are the tests' own (servtest.h).
SERVTEST_LIBS = -Wl,--wrap=getaddrinfo,--wrap=getnameinfo $(EVENT_LIBS) \
	-lpthread

UNIT += services_test
services_test_OBJS = $(SERVICES_OBJS)
services_test_LIBS = $(SERVTEST_LIBS)

UNIT += udpserv_test
udpserv_test_OBJS = $(SERVICES_OBJS)
udpserv_test_LIBS = -Wl,--wrap=monotime_ns $(SERVTEST_LIBS)

UNIT += streamserv_test
streamserv_test_OBJS = $(SERVICES_OBJS) common/flow server/streamserv
streamserv_test_LIBS = $(SERVTEST_LIBS)

UNIT += farend_test
farend_test_OBJS = client/farend client/openfail common/addr common/buf \
	common/socks

UNIT += sshsession_test
sshsession_test_OBJS = common/sshsession common/log
