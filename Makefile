# SPDX-License-Identifier: ISC
# GNU make.  Targets: all check unit demo fuzz lint install uninstall clean.
# SANITIZE=1 builds everything with AddressSanitizer and UBSan.

PREFIX	   ?= /usr/local
SYSCONFDIR ?= $(PREFIX)/etc
LIBEXECDIR ?= $(PREFIX)/libexec/sockstun
MANDIR	   ?= $(PREFIX)/share/man
BINDIR	   ?= $(PREFIX)/bin
SBINDIR	   ?= $(PREFIX)/sbin
RUNSTATEDIR ?= /run
PRIVSEP_USER ?= sockstund
DESTDIR	   ?=

CC	   ?= cc
PKG_CONFIG ?= pkg-config
INSTALL	   ?= install

# Where objects and programs go; a sanitized build has its own.
O	    = build$(if $(SANITIZE),-san)

WARN	    = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	      -Wpointer-arith -Wwrite-strings -Wno-unused-parameter
HARDEN	    = -fstack-protector-strong -fPIE
ifdef SANITIZE
SANFLAGS    = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	      -fno-omit-frame-pointer
CFLAGS	   ?= -O1 -g
else
CFLAGS	   ?= -O2 -g
HARDEN	   += -D_FORTIFY_SOURCE=2
LDHARDEN    = -Wl,-z,relro -Wl,-z,now
endif

LIBBSD_CFLAGS	:= $(shell $(PKG_CONFIG) --cflags libbsd-overlay)
LIBBSD_LIBS	:= $(shell $(PKG_CONFIG) --libs libbsd-overlay libbsd-ctor)
EVENT_CFLAGS	:= $(shell $(PKG_CONFIG) --cflags libevent_core)
EVENT_LIBS	:= $(shell $(PKG_CONFIG) --libs libevent_core)
SSH_CFLAGS	:= $(shell $(PKG_CONFIG) --cflags libssh)
SSH_LIBS	:= $(shell $(PKG_CONFIG) --libs libssh)
SECCOMP_CFLAGS	:= $(shell $(PKG_CONFIG) --cflags libseccomp)
SECCOMP_LIBS	:= $(shell $(PKG_CONFIG) --libs libseccomp)

CPPFLAGS    += -D_GNU_SOURCE -Iinclude $(LIBBSD_CFLAGS) \
	       -DSYSCONFDIR='"$(SYSCONFDIR)"' \
	       -DLIBEXECDIR='"$(LIBEXECDIR)"' \
	       -DRUNSTATEDIR='"$(RUNSTATEDIR)"' \
	       -DPRIVSEP_USER='"$(PRIVSEP_USER)"'
ALL_CFLAGS   = -std=gnu11 $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
ALL_LDFLAGS  = -pie $(SANFLAGS) $(LDHARDEN) $(LDFLAGS)

# common/ is three archives; each may use only those before it.
BASE   = addr buf conf conftype log match memtune monotime ruleset socks \
	 socksudp udpfrag xmalloc
FLOW   = connect dgramlink evbase flow listener msg resolver sockstream udpsock
SSHIO  = sshchan sshforward sshloop sshpace sshsession sshwindow \
	 sshwire

CLIENT = agent algs auth cliconf clifiles cmdbind cmdconnect cmdresolve \
	 command farend fastopen forwards helper hostkey identity knownhosts \
	 openfail prompt proxy reach remotebind shellsafe socksconn sockstun \
	 sshconnect tunnel udpassoc udppeer
SERVER = authkeys daemon dialer hostkeys monitor netproc rexec servargs servconf \
	 sockstund startups userkeys
NET    = mm net netauth netflow netopen sandbox
# What both sockstund and sockstun-server do.
SERVE  = bindserv connserv destrules localaddr lookup nameserv services \
	 udpnames udpserv
HELPER = sockstun-server streamserv

objs   = $(patsubst %,$(O)/$(1)/%.o,$(2))
LIBBASE  = $(O)/libbase.a
LIBFLOW  = $(O)/libflow.a
LIBSSHIO = $(O)/libsshio.a

PROGS  = $(O)/sockstun $(O)/sockstund $(O)/sockstund-net $(O)/sockstun-server

all: $(PROGS)

$(LIBBASE): $(call objs,common,$(BASE))
$(LIBFLOW): $(call objs,common,$(FLOW))
$(LIBSSHIO): $(call objs,common,$(SSHIO))
$(LIBBASE) $(LIBFLOW) $(LIBSSHIO):
	@rm -f $@
	$(AR) rcs $@ $^

$(O)/sockstun: $(call objs,client,$(CLIENT)) $(LIBSSHIO) $(LIBFLOW) $(LIBBASE)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SSH_LIBS) $(EVENT_LIBS) $(LIBBSD_LIBS) \
	    -lpthread

$(O)/sockstund: $(call objs,server,$(SERVER) $(SERVE)) $(LIBFLOW) $(LIBBASE)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(EVENT_LIBS) $(LIBBSD_LIBS) -lpthread \
	    -lresolv

$(O)/sockstund-net: $(call objs,server,$(NET)) $(LIBSSHIO) $(LIBFLOW) $(LIBBASE)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SSH_LIBS) $(EVENT_LIBS) \
	    $(SECCOMP_LIBS) $(LIBBSD_LIBS) -lpthread

$(O)/sockstun-server: $(call objs,server,$(HELPER) $(SERVE)) $(LIBFLOW) \
    $(LIBBASE)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(EVENT_LIBS) $(LIBBSD_LIBS) -lpthread

# The compiler is told of libssh and libevent only where they belong.
$(call objs,common,$(FLOW) $(SSHIO)) $(call objs,client,$(CLIENT)) \
    $(call objs,server,$(SERVER) $(SERVE) $(HELPER) $(NET)): \
    CPPFLAGS += $(EVENT_CFLAGS)
$(call objs,common,$(SSHIO)) $(call objs,client,$(CLIENT)) \
    $(call objs,server,$(NET)): CPPFLAGS += $(SSH_CFLAGS)
$(call objs,server,sandbox): CPPFLAGS += $(SECCOMP_CFLAGS)

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

include regress/unit/unit.mk
include regress/fuzz/fuzz.mk
include regress/targets.mk
include regress/bench/bench.mk

-include $(wildcard $(O)/*/*.d $(O)/*/*/*.d)

.PHONY: all
