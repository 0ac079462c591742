# SPDX-License-Identifier: ISC
# GNU make.  Targets: all check unit demo bench fuzz lint install uninstall
# clean.  SANITIZE=1 builds everything with AddressSanitizer and UBSan.

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

# Rooms: which headers a folder's sources may include beside its own, from the
# top layer down; any other is an error.  regress/walls.sh holds the libraries.
BASE	    = common/base
FLOW	    = common/flow common/base
SSH	    = common/ssh $(FLOW)

SEES_common/base	  =
SEES_common/flow	  = $(BASE)
SEES_common/ssh		  = $(FLOW)
SEES_client/config	  = $(BASE)
SEES_client/login	  = client/config $(SSH)
SEES_client/farend	  = client/front client/config $(SSH)
SEES_client/front	  = client/farend client/config $(SSH)
SEES_client/sockstun	  = client/front client/farend client/login \
			    client/config $(SSH)
SEES_server/privsep	  = $(FLOW)
SEES_server/handover	  = server/privsep $(FLOW)
SEES_server/services	  = $(FLOW)
SEES_server/listener	  = server/handover server/privsep $(FLOW)
SEES_server/monitor	  = server/handover server/privsep $(FLOW)
SEES_server/dialer	  = server/services server/handover server/privsep \
			    $(FLOW)
SEES_server/sockstund	  = server/listener server/monitor server/dialer \
			    $(SEES_server/dialer)
SEES_server/net		  = server/privsep $(SSH)
SEES_server/sockstun-server = server/services $(FLOW)
ROOMS	    = $(wildcard common/* client/* server/*)

# What a program is linked from: rooms, and the layers below them.
LINK_sockstun	    = $(addprefix client/,sockstun front farend login config)
LINK_sockstund	    = $(addprefix server/,sockstund listener monitor dialer \
		      services handover privsep)
LINK_sockstund-net  = $(addprefix server/,net privsep)
LINK_sockstun-server = $(addprefix server/,sockstun-server services)
LAYERS_sockstun	    = $(SSH)
LAYERS_sockstund    = $(FLOW)
LAYERS_sockstund-net = $(SSH)
LAYERS_sockstun-server = $(FLOW)
PROGRAMS    = sockstun sockstund sockstund-net sockstun-server

pkg	    = $(shell $(PKG_CONFIG) $(1))
LIBBSD_CFLAGS := $(call pkg,--cflags libbsd-overlay)
LIBBSD_LIBS := $(call pkg,--libs libbsd-overlay libbsd-ctor)
LIB_CFLAGS := $(call pkg,--cflags libevent_core libssh libseccomp)

# The libraries of a room, for whatever is linked from it.
LIBS_common/flow    := $(call pkg,--libs libevent_core) -lpthread
LIBS_common/ssh	    := $(call pkg,--libs libssh)
LIBS_server/monitor  = -lresolv
LIBS_server/net	    := $(call pkg,--libs libseccomp)

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
CPPFLAGS    += -D_GNU_SOURCE $(LIBBSD_CFLAGS) $(LIB_CFLAGS) \
	       -DSYSCONFDIR='"$(SYSCONFDIR)"' \
	       -DLIBEXECDIR='"$(LIBEXECDIR)"' \
	       -DRUNSTATEDIR='"$(RUNSTATEDIR)"' \
	       -DPRIVSEP_USER='"$(PRIVSEP_USER)"'
ALL_CFLAGS   = -std=gnu11 $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
ALL_LDFLAGS  = -pie $(SANFLAGS) $(LDHARDEN) $(LDFLAGS)

all: $(addprefix $(O)/,$(PROGRAMS))

# The room of a source; where rooms have their headers; what they make.
room	    = $(patsubst %/,%,$(dir $<))
headers	    = $(addprefix -iquote ,$(patsubst common/%,include/%,$(1)))
objs	    = $(patsubst %.c,$(O)/%.o,$(wildcard $(addsuffix /*.c,$(1))))

# Other flags or paths than the last time make everything anew.
FLAGS	    = $(CC) $(CPPFLAGS) $(ALL_CFLAGS)
ifneq ($(strip $(FLAGS)),$(file <$(O)/flags))
$(shell mkdir -p $(O))$(file >$(O)/flags,$(strip $(FLAGS)))
endif

$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(call headers,$(room) $(SEES_$(room))) \
	    $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

define archive
$(O)/$(1).a: $(call objs,$(1))
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call archive,$(r))))

define program
$(O)/$(1): $(call objs,$(LINK_$(1))) $(patsubst %,$(O)/%.a,$(LAYERS_$(1)))
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $(sort $(foreach r,$(LINK_$(1)) \
	    $(LAYERS_$(1)),$(LIBS_$(r)))) $$(LIBBSD_LIBS)
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

include regress/targets.mk
include regress/bench/bench.mk

-include $(wildcard $(O)/*/*/*.d)

.PHONY: all
