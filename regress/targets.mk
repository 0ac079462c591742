# SPDX-License-Identifier: ISC
# The targets beside "all": check unit fault torture cuts coverage demo fuzz
# lint install uninstall clean.  Included by the Makefile, whose variables it
# uses.

T	   ?=
J	   ?= 4
N	   ?= 200
SEED	   ?= $(shell date +%s)
FUZZTIME   ?= 30
FUZZ_CC	   ?= clang
COV_CC	   ?= clang
FUZZ_FLAGS  = -g -O2 -fsanitize=fuzzer-no-link,address,undefined \
	      -fno-sanitize-recover=undefined -fno-omit-frame-pointer

CMOCKA_CFLAGS	= $(shell $(PKG_CONFIG) --cflags cmocka)
CMOCKA_LIBS	= $(shell $(PKG_CONFIG) --libs cmocka)
SSH2_CFLAGS	= $(shell $(PKG_CONFIG) --cflags libssh2)
SSH2_LIBS	= $(shell $(PKG_CONFIG) --libs libssh2)

MAN1	= sockstun.1
MAN5	= sockstun_config.5 sockstund_config.5
MAN7	= sockstun-protocol.7
MAN8	= sockstun-server.8 sockstund.8
MANUALS	= $(addprefix man/,$(MAN1) $(MAN5) $(MAN7) $(MAN8))
SCRIPTS	= regress/run $(wildcard regress/*.sh regress/interop/*.sh) \
	  regress/tools/keys.sh regress/tools/lab.sh \
	  regress/tools/path.sh \
	  contrib/demo contrib/check contrib/add-user \
	  contrib/install-packages .ci/run

# A clock that tests can move.
CLOCK	= $(O)/regress/clock/clock.o

# A test or a fuzzer of a module, X_test.c or X_fuzz.c, is linked with what its
# room and the rooms below it hold.  What else one needs stands in unit.mk.
include regress/unit/unit.mk
UNIT	 = $(basename $(notdir $(wildcard regress/unit/*_test.c)))
FUZZ	 = $(basename $(notdir $(wildcard regress/fuzz/*_fuzz.c)))
UNITPROGS = $(UNIT:%=$(O)/regress/unit/%)
FUZZPROGS = $(FUZZ:%=$(O)/regress/fuzz/%)
SEEDPROGS = $(FUZZPROGS:_fuzz=_seeds)

room_of	 = $(patsubst %/,%,$(dir $(wildcard $(addsuffix /$(1).c,$(ROOMS)))))
below	 = $(room_of) $(SEES_$(room_of))

# $(1) folder, $(2) test, $(3) module, $(4) libraries, $(5) objects
define test_program
$(O)/regress/$(1)/$(2): $(5:%=$(O)/regress/$(1)/%.o) $($(2)_OBJS) $(patsubst %,$(O)/%.a,$(call below,$(3)))
	$$(link) $(4) $($(2)_LIBS) $(if $(filter $(STARVED),$($(2)_OBJS)), \
	    $(STARVE)) $(foreach \
	    r,$(call below,$(3)),$(LIBS_$(r))) $$(LIBBSD_LIBS)
endef
$(foreach t,$(UNIT),$(eval $(call test_program,unit,$(t),$(t:_test=),$$(CMOCKA_LIBS),$(t))))
$(foreach t,$(FUZZ),$(eval $(call test_program,fuzz,$(t),$(t:_fuzz=),-fsanitize=fuzzer,$(t))))
# A fuzzer without libFuzzer, which runs the seeds only.
$(foreach t,$(FUZZ),$(eval $(call test_program,fuzz,$(t:_fuzz=_seeds),$(t:_fuzz=),,$(t) seeds)))

$(UNITPROGS:=.o) $(FUZZPROGS:=.o): CPPFLAGS += $(call headers,$(ROOMS)) \
    -iquote regress/clock $(CMOCKA_CFLAGS)

# Programs that only the tests use.
TOOLS	= $(O)/regress/tools/reap $(O)/regress/tools/badnet \
	  $(O)/regress/tools/baddialer \
	  $(O)/regress/interop/libssh2_client \
	  $(O)/regress/interop/skprovider.so \
	  $(O)/regress/bench/linkem $(O)/regress/bench/path

$(O)/regress/tools/reap: $(O)/regress/tools/reap.o
	$(link) $(LIBBSD_LIBS)
BAD	= $(O)/regress/tools/badnet $(O)/regress/tools/baddialer
$(BAD): %: %.o $(patsubst %,$(O)/%.a,server/privsep $(SEES_server/privsep))
	$(link) $(LIBBSD_LIBS)
$(BAD:=.o): CPPFLAGS += $(call headers,server/handover \
    server/privsep $(SEES_server/privsep))
$(O)/regress/interop/libssh2_client: $(O)/regress/interop/libssh2_client.o
	$(link) $(SSH2_LIBS) $(LIBBSD_LIBS)
$(O)/regress/interop/libssh2_client.o: CPPFLAGS += $(SSH2_CFLAGS)
# Loaded by ssh, which no sanitizer has prepared for one.
$(O)/regress/interop/skprovider.so: regress/interop/skprovider.c
	@mkdir -p $(@D)
	$(call show,ld $@)$(CC) $(CPPFLAGS) -std=gnu11 $(WARN) -g -fPIC \
	    -shared -o $@ $< $(call pkg,--libs libcrypto)

# All programs with the fault layer, which counts calls and has one fail, and
# with a clock that can be moved.
FAULTY	= $(PROGRAMS:%=$(O)/fault/%)
CLOCKED	= $(PROGRAMS:%=$(O)/clock/%)
SHIM	= $(O)/regress/fault/shim.o
$(SHIM) $(CLOCK): HARDEN = -fPIE
$(SHIM): SANFLAGS = $(if $(SANITIZE),-DFAULT_SANITIZED=1)

# $(1) program, $(2) folder, $(3) object
define special_program
$(O)/$(2)/$(1): $(3) $(call parts,$(1))
	@mkdir -p $$(@D)
	$$(link) $(call program_libs,$(1))
endef
$(foreach p,$(PROGRAMS),$(eval $(call special_program,$(p),fault,$(SHIM))))
$(foreach p,$(PROGRAMS),$(eval $(call special_program,$(p),clock,$(CLOCK))))

fault: $(FAULTY)

# Each call that can fail does, in a run of its own: hours.  What was run
# already is not run again, until a program changes.
torture: fault
	@python3 -B regress/fault/sweep.py -a -j $(J) -o $(O)/torture $(O)/fault

# Cuts of the path, N of them with each kind of far end, drawn by SEED: half an
# hour, as root.
cuts: all $(O)/regress/bench/path $(O)/regress/tools/reap
	@echo 'cuts: N=$(N) SEED=$(SEED)'
	@sh contrib/add-user
	@mkdir -p $(O)/cuts
	@printf '%s\n' sockstund sshd | O='$(O)' CUTS='$(N)' SEED='$(SEED)' \
	    LONGEST=20 xargs -P 2 -I @ sh -c 'FAREND=@ $(O)/regress/tools/reap \
	    -t 36000 sh regress/test-exec.sh regress/outage.sh \
	    >$(O)/cuts/@.log 2>&1'; status=$$?; \
	    grep -E '^FAIL|: a new request|^after|^flows' $(O)/cuts/*.log; \
	    exit $$status

# Everything, at most J jobs at once; T="halfclose bulk@sshd" picks some.
check: all $(FAULTY) $(CLOCKED) $(TOOLS) $(UNITPROGS) $(SEEDPROGS)
	@O='$(O)' J='$(J)' UNIT='$(UNIT)' MANUALS='$(MANUALS)' \
	    sh regress/run $(T)

unit: $(O)/regress/tools/reap $(UNITPROGS)
	@O='$(O)' J='$(J)' UNIT='$(UNIT)' MANUALS= sh regress/run unit

demo: all
	@O='$(O)' sh contrib/demo --built

# The readers of configurations compare words above all, which libFuzzer gets
# as a dictionary: to be told of each comparison would take half of the time.
TOLD	= $(call objs,client/config server/handover) \
	  $(patsubst %,$(O)/common/base/%.o,buf conf conftype xmalloc) \
	  $(patsubst %,$(O)/regress/fuzz/%_fuzz.o,cliconf servconf)
$(TOLD): ALL_CFLAGS += $(UNTRACED)

# All that is fuzzed is built apart, with what libFuzzer wants to see.  Less
# memory that was freed is kept back, and of it less is known: much faster.
# What was found is run again without these options to see where it was freed.
# How often each piece of code was run makes servconf keep longer inputs; the
# same code is reached without such counts, with more inputs in a second.
fuzz:
	@$(MAKE) --no-print-directory O=build-fuzz CC='$(FUZZ_CC)' \
	    CFLAGS='$(FUZZ_FLAGS)' LDFLAGS='$(FUZZ_FLAGS)' HARDEN=-fPIE \
	    UNTRACED=-fno-sanitize-coverage=trace-cmp,indirect-calls \
	    run-fuzzers

run-fuzzers: $(FUZZPROGS)
	@for f in $(FUZZ); do \
		c=$${f%_fuzz}; \
		dir=$(O)/regress/fuzz/corpus/$$c; \
		mkdir -p $$dir regress/fuzz/seeds/$$c; \
		{ echo '"="'; cat $(ROOMS:%=%/$$c.c) 2>/dev/null | \
		    grep -oE '"[A-Za-z0-9-]{2,}"'; } >$$dir/../$$c.dict; \
		counts=1; [ $$c != servconf ] || counts=0; \
		echo "fuzz: $$c, $(FUZZTIME) s"; \
		ASAN_OPTIONS=quarantine_size_mb=1:malloc_context_size=1 \
		    $(O)/regress/fuzz/$$f -max_total_time=$(FUZZTIME) \
		    -dict=$$dir/../$$c.dict -use_counters=$$counts \
		    -print_final_stats=1 -artifact_prefix=$$dir/../$$c. \
		    $$dir regress/fuzz/seeds/$$c >$$dir/../$$c.log 2>&1 || \
		    { tail -n 40 $$dir/../$$c.log; exit 1; }; \
		grep number_of_executed_units $$dir/../$$c.log; \
	done

# What all tests, or T, run of the programs.  The counts lie in files that each
# process maps as it starts: no sandbox and no signal is in their way.  They are
# made here, since a process without rights may be the first to want one.
PROFILE	    = $(CURDIR)/build-cov/profile
COV_FLAGS   = -g -O1 -fcoverage-mapping \
	      -fprofile-instr-generate=$(PROFILE)/%m%c.profraw
COV_MAKE    = $(MAKE) --no-print-directory O=build-cov CC='$(COV_CC)' \
	      HARDEN=-fPIE \
	      CFLAGS='$(COV_FLAGS) -mllvm -runtime-counter-relocation' \
	      LDFLAGS='$(COV_FLAGS) build-cov/regress/tools/covfork.o'
coverage:
	@rm -rf $(PROFILE)
	@mkdir -p build-cov && mkdir -m 1777 $(PROFILE)
	+@$(COV_MAKE) build-cov/regress/tools/covfork.o
	+@$(COV_MAKE) run-coverage

run-coverage: all $(FAULTY) $(CLOCKED)
	@umask 0; for p in $(addprefix $(O)/,$(PROGRAMS)) $(FAULTY) $(CLOCKED); \
	    do timeout 1 $$p -V; done >/dev/null 2>&1; :
	-@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory coverage-table

# The same of what was run until now: while tests run, or were interrupted.
coverage-table:
	@python3 regress/tools/coverage.py build-cov

lint: all
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
	    --enable=warning,portability,performance \
	    --suppress=missingIncludeSystem --suppress=ctuuninitvar \
	    '--suppress=*:/usr/include/*' -D_GNU_SOURCE -DLIBBSD_OVERLAY \
	    '-Djson_object_foreach(o,k,v)=while (k = 0, v = o)' \
	    '-Djson_array_foreach(a,i,v)=while (i = 0, v = a)' \
	    $(patsubst /%,-I/%,$(filter /%,$(LIBBSD_CFLAGS))) \
	    $(patsubst %,-I%,$(patsubst common/%,include/%,$(ROOMS))) \
	    common client server regress/tools regress/interop regress/fault
	shellcheck -S warning $(SCRIPTS)
	@O='$(O)' UNIT= MANUALS='$(MANUALS)' sh regress/run man

# A configuration that is there already is left as it is.  What holds secrets
# can be executed, not read: so nobody can make it show its memory.
install: all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) \
	    $(DESTDIR)$(LIBEXECDIR) $(DESTDIR)$(SYSCONFDIR) \
	    $(addprefix $(DESTDIR)$(MANDIR)/man,1 5 7 8)
	$(INSTALL) -m 755 $(O)/sockstun $(DESTDIR)$(BINDIR)/sockstun
	$(INSTALL) -m 711 $(O)/sockstund $(DESTDIR)$(SBINDIR)/sockstund
	$(INSTALL) -m 711 $(O)/sockstund-net \
	    $(DESTDIR)$(LIBEXECDIR)/sockstund-net
	$(INSTALL) -m 711 $(O)/sockstund-signer \
	    $(DESTDIR)$(LIBEXECDIR)/sockstund-signer
	$(INSTALL) -m 755 $(O)/sockstun-server \
	    $(DESTDIR)$(LIBEXECDIR)/sockstun-server
	for page in $(MAN1) $(MAN5) $(MAN7) $(MAN8); do \
		sed -e 's|/usr/local/etc|$(SYSCONFDIR)|g' \
		    -e 's|/usr/local/libexec/sockstun|$(LIBEXECDIR)|g' \
		    man/$$page >$(O)/$$page && \
		$(INSTALL) -m 644 $(O)/$$page \
		    $(DESTDIR)$(MANDIR)/man$${page##*.}/ || exit 1; \
	done
	for f in sockstun_config sockstund_config; do \
		test -e $(DESTDIR)$(SYSCONFDIR)/$$f || \
		    $(INSTALL) -m 644 contrib/$$f $(DESTDIR)$(SYSCONFDIR)/$$f; \
	done

# Configuration files and host keys stay.
uninstall:
	rm -f $(DESTDIR)$(BINDIR)/sockstun $(DESTDIR)$(SBINDIR)/sockstund \
	    $(DESTDIR)$(LIBEXECDIR)/sockstund-net \
	    $(DESTDIR)$(LIBEXECDIR)/sockstund-signer \
	    $(DESTDIR)$(LIBEXECDIR)/sockstun-server \
	    $(addprefix $(DESTDIR)$(MANDIR)/man1/,$(MAN1)) \
	    $(addprefix $(DESTDIR)$(MANDIR)/man5/,$(MAN5)) \
	    $(addprefix $(DESTDIR)$(MANDIR)/man7/,$(MAN7)) \
	    $(addprefix $(DESTDIR)$(MANDIR)/man8/,$(MAN8))
	-rmdir $(DESTDIR)$(LIBEXECDIR)

# For regress/walls.sh: each room and those that it sees.
sees:
	@$(foreach r,$(ROOMS),echo '$(r) $(SEES_$(r))';)

clean:
	rm -rf build build-san build-fuzz build-cov $(filter-out build,$(O))

.PHONY: check unit fault torture cuts coverage run-coverage coverage-table \
    demo fuzz run-fuzzers lint install uninstall sees clean
