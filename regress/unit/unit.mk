# SPDX-License-Identifier: ISC
# What a unit test needs beside its module and the rooms below that.

# Resolvers and clocks that are the tests' own.
NAMES = -Wl,--wrap=getaddrinfo,--wrap=getnameinfo
resolver_test_LIBS	= $(NAMES) -Wl,--wrap=pthread_create
dialer_test_LIBS	= -Wl,--wrap=getaddrinfo,--wrap=recallocarray \
			  -Wl,--wrap=pthread_create
services_test_LIBS	= $(NAMES)
request_test_LIBS	= $(NAMES)
hostconnect_test_LIBS	= -Wl,--wrap=getaddrinfo
udpserv_test_LIBS	= $(NAMES) -Wl,--wrap=monotime_ns,--wrap=socket
msg_test_LIBS		= -Wl,--wrap=recallocarray,--wrap=sendmsg,--wrap=recvmsg
msgqueue_test_LIBS	= -Wl,--wrap=msg_send,--wrap=calloc
priv_test_LIBS		= -Wl,--wrap=msg_send,--wrap=recallocarray
conn_test_LIBS		= -Wl,--wrap=send
helper_test_LIBS	= -Wl,--wrap=monotime_ns
netwatch_test_LIBS	= -Wl,--wrap=timerfd_create,--wrap=timerfd_settime \
			  -Wl,--wrap=read
remembered_test_LIBS	= -Wl,--wrap=mlock,--wrap=munmap
sshwindow_test_LIBS	= -Wl,--wrap=monotime_ns
clifiles_test_LIBS	= -Wl,--wrap=getpwuid,--wrap=getpwent,--wrap=getgrgid
connect_test_LIBS	= -Wl,--wrap=connect
localaddr_test_LIBS	= -Wl,--wrap=socket,--wrap=connect
sshconn_test_LIBS	= -Wl,--wrap=eventloop_watch
netkey_test_LIBS	= -lresolv
accounts_test_LIBS	= $(foreach f,getgroups setgroups initgroups setegid \
			  seteuid setresgid setresuid getresgid getresuid \
			  prctl setuid setgid getspnam,-Wl,--wrap=$(f))
authdelay_test_LIBS	= -Wl,--wrap=monotime_ns,--wrap=nanosleep

# A compiler may leave out an allocation that nobody uses, and clang does.
LIMITED = $(O)/regress/unit/sandbox_test.o $(O)/regress/unit/enclose_test.o
$(LIMITED): CPPFLAGS += -fno-builtin-malloc

# Tests of what takes its time: they move the clock (regress/clock).
$(foreach t,bindfallback commands conn control deadlines flow hostconnect \
    netflow netwatch services session spares,$(eval $(t)_test_OBJS += $(CLOCK)))

# Tests of what is done when memory runs out (starve.h).
STARVED	= $(O)/regress/unit/starve.o
WRAP	= -Wl,--wrap
STARVE	= $(foreach f,malloc calloc realloc reallocarray recallocarray \
	  strdup event_new,$(WRAP)=$(f))
$(foreach t,bindfallback commands connect control dgramlink flow logger \
    netflow served services signature spares sshchan sshconn sshprogram \
    udpserv,$(eval $(t)_test_OBJS += $(STARVED)))

# A second opinion on each filter of system calls.
ORACLE = -Wl,--wrap=bpf_init,--wrap=bpf_add,--wrap=bpf_load \
	 $(call pkg,--libs libseccomp)
confine_test_LIBS	= $(ORACLE)
dialfilter_test_LIBS	= $(ORACLE)
logfilter_test_LIBS	= $(ORACLE)
sandbox_test_LIBS	= $(ORACLE)
