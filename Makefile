# SPDX-License-Identifier: ISC
# GNU make.  Targets: all check unit fault torture cuts coverage demo bench
# fuzz lint install uninstall clean.  SANITIZE=1 builds everything with
# AddressSanitizer and UBSan; V=1 shows whole commands.

PREFIX	   ?= /usr/local
SYSCONFDIR ?= $(PREFIX)/etc
LIBEXECDIR ?= $(PREFIX)/libexec/sockstun
MANDIR	   ?= $(PREFIX)/share/man
BINDIR	   ?= $(PREFIX)/bin
SBINDIR	   ?= $(PREFIX)/sbin
RUNSTATEDIR ?= /run
PRIVSEP_USER ?= sockstund
# A process without rights runs under a uid of its own: this number plus its
# process ID.  No account may have such a uid.
PRIVSEP_UID_BASE ?= 1879048192
DESTDIR	   ?=

CC	   ?= cc
PKG_CONFIG ?= pkg-config
INSTALL	   ?= install

# Where objects and programs go; a sanitized build has its own.
O	    = build$(if $(SANITIZE),-san)

# A folder with sources is a room.  SEES_room lists the rooms whose headers its
# sources may include beside their own; any other header is not found.  A room
# of common/ has its headers in include/.  regress/walls.sh tests these walls
# and those around the libraries.
BASE	    = common/base
FLOW	    = common/flow common/base
SSH	    = common/ssh $(FLOW)

SEES_common/base	  =
SEES_common/flow	  = $(BASE)
SEES_common/ssh		  = $(FLOW)
SEES_client/config	  = $(BASE)
SEES_client/login	  = client/config $(SSH)
SEES_client/farend	  = client/config $(SSH)
SEES_client/front	  = client/farend client/config $(FLOW)
SEES_client/session	  = client/farend client/login client/config $(SSH)
SEES_client/control	  = client/session client/front $(SEES_client/session)
SEES_client/sockstun	  = client/control $(SEES_client/control)
SEES_server/privsep	  = $(FLOW)
SEES_server/sandbox	  =
SEES_server/handover	  = server/privsep $(FLOW)
SEES_server/services	  = $(FLOW)
SEES_server/listener	  = server/handover server/privsep $(FLOW)
SEES_server/monitor	  = server/handover server/privsep $(FLOW)
SEES_server/dialer	  = server/services server/handover server/privsep \
			    server/sandbox $(FLOW)
SEES_server/logger	  = server/sandbox server/privsep $(FLOW)
SEES_server/sockstund	  = server/listener server/monitor server/dialer \
			    server/logger $(SEES_server/dialer)
SEES_server/net		  = server/sandbox server/privsep $(SSH)
SEES_server/signer	  = server/sandbox server/privsep $(FLOW)
SEES_server/sockstun-server = server/services $(FLOW)
ROOMS	    = $(wildcard common/* client/* server/*)

# A program is linked from all objects of its rooms (LINK) and from what these
# need of the archives below (LAYERS).  A new source is found by its folder.
LINK_sockstun	    = $(addprefix client/,sockstun control session front farend login \
		      config)
LINK_sockstund	    = $(addprefix server/,sockstund listener monitor dialer \
		      logger services handover sandbox privsep)
LINK_sockstund-net  = $(addprefix server/,net sandbox privsep)
LINK_sockstund-signer = $(addprefix server/,signer sandbox privsep)
LINK_sockstun-server = $(addprefix server/,sockstun-server services)
LAYERS_sockstun	    = $(SSH)
LAYERS_sockstund    = $(FLOW)
LAYERS_sockstund-net = $(SSH)
LAYERS_sockstund-signer = $(FLOW)
LAYERS_sockstun-server = $(FLOW)
PROGRAMS    = sockstun sockstund sockstund-net sockstund-signer \
	      sockstun-server

pkg	    = $(shell $(PKG_CONFIG) $(1))
LIBBSD_CFLAGS := $(call pkg,--cflags libbsd-overlay)
LIBBSD_LIBS := $(call pkg,--libs libbsd-overlay libbsd-ctor)
LIB_CFLAGS := $(call pkg,--cflags libevent_core libssh libcrypto libseccomp \
	      jansson) $(filter -I%,$(call pkg,--cflags ncursesw))

# The libraries that a room needs, for every program that is linked from it.
LIBS_common/flow    := $(call pkg,--libs libevent_core) -lpthread
LIBS_common/ssh	    := $(call pkg,--libs libssh)
LIBS_client/config  := $(call pkg,--libs libmd)
LIBS_client/login   := $(call pkg,--libs libmd)
LIBS_client/control := $(call pkg,--libs jansson ncursesw)
LIBS_server/monitor  = -lresolv
LIBS_server/net	    := $(call pkg,--libs libcrypto)
LIBS_server/signer  := $(call pkg,--libs libcrypto)

WARN	    = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	      -Wpointer-arith -Wwrite-strings -Wno-unused-parameter
# The flags that this compiler has, for what it compiles for.
has	    = $(shell for flag in $(1); do \
	      $(CC) -Werror $$flag -fsyntax-only -x c /dev/null 2>/dev/null && \
	      echo "$$flag"; done)
HARDEN	   := -fPIE -fstack-protector-strong $(call has, \
	      -fstack-clash-protection -fcf-protection \
	      -mbranch-protection=standard)
ifdef SANITIZE
SANFLAGS    = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	      -fno-omit-frame-pointer
CFLAGS	   ?= -O1 -g
else
CFLAGS	   ?= -O2 -g
# The C library takes the highest level up to 3 that the compiler has, too.
HARDEN	   += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 \
	      $(call has,-ftrivial-auto-var-init=zero)
LDHARDEN    = -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack
endif
CPPFLAGS    += -D_GNU_SOURCE $(LIBBSD_CFLAGS) $(LIB_CFLAGS) \
	       -DSYSCONFDIR='"$(SYSCONFDIR)"' \
	       -DLIBEXECDIR='"$(LIBEXECDIR)"' \
	       -DRUNSTATEDIR='"$(RUNSTATEDIR)"' \
	       -DPRIVSEP_USER='"$(PRIVSEP_USER)"' \
	       -DPRIVSEP_UID_BASE='$(PRIVSEP_UID_BASE)'
ALL_CFLAGS   = -std=gnu11 $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
ALL_LDFLAGS  = -pie $(SANFLAGS) $(LDHARDEN) $(LDFLAGS)

all: $(addprefix $(O)/,$(PROGRAMS))

# A command is shown as "cc file"; V=1 shows all of it, make -s nothing.
show	    = $(if $(V),,@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),, \
	      echo '$(1)';))

# The room of the source at hand; the -iquote flags and the objects of rooms.
room	    = $(patsubst %/,%,$(dir $<))
headers	    = $(addprefix -iquote ,$(patsubst common/%,include/%,$(1)))
objs	    = $(patsubst %.c,$(O)/%.o,$(wildcard $(addsuffix /*.c,$(1))))

# Files that change only when their text does: with other flags or paths than
# the last time everything is compiled anew, and when a source was added or
# deleted everything is linked anew.
stamp	    = $(if $(findstring <$(strip $(2))>,<$(file <$(O)/$(1))>),,$(shell \
	      mkdir -p $(O))$(file >$(O)/$(1),$(strip $(2))))
$(call stamp,flags,$(CC) $(CPPFLAGS) $(ALL_CFLAGS))
$(call stamp,objects,$(call objs,$(ROOMS)))

$(O)/%.o: %.c $(O)/flags
	@mkdir -p $(@D)
	$(call show,cc $<)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) \
	    $(call headers,$(room) $(SEES_$(room))) -MMD -MP -c -o $@ $<

link	    = $(call show,ld $@)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^)

define archive
$(O)/$(1).a: $(call objs,$(1)) $(O)/objects
	@rm -f $$@
	$$(call show,ar $$@)$$(AR) rcs $$@ $$(filter %.o,$$^)
endef
$(foreach r,$(ROOMS),$(eval $(call archive,$(r))))

parts	    = $(call objs,$(LINK_$(1))) $(patsubst %,$(O)/%.a,$(LAYERS_$(1))) \
	      $(O)/objects
program_libs = $(sort $(foreach r,$(LINK_$(1)) $(LAYERS_$(1)),$(LIBS_$(r)))) \
	      $(LIBBSD_LIBS)

define program
$(O)/$(1): $(call parts,$(1))
	$$(link) $(call program_libs,$(1))
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

include regress/targets.mk
include regress/bench/bench.mk

-include $(wildcard $(O)/*/*/*.d)

.DELETE_ON_ERROR:
.PHONY: all
