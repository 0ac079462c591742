# SPDX-License-Identifier: ISC
# The bench target: figures side by side with ssh -D.  Included by the Makefile
# after the other targets.
#
#	make bench BENCHFLAGS='-r bulk-long,echo-load -n 3'

BENCHFLAGS ?=
BENCHDIR   ?= $(O)/bench
BENCHTOOLS  = $(addprefix $(O)/regress/bench/,traffic linkem path)

$(O)/regress/bench/linkem: $(O)/regress/bench/linkem.o
	$(link) $(LIBBSD_LIBS)
$(O)/regress/bench/traffic: $(patsubst %,$(O)/regress/bench/%.o,traffic dial \
    measure target udp)
	$(link) $(LIBBSD_LIBS) -lpthread
$(O)/regress/bench/path: $(patsubst %,$(O)/regress/bench/%.o,path netns wire \
    measure)
	$(link) $(LIBBSD_LIBS)

bench: all $(BENCHTOOLS)
	python3 -B regress/bench/run.py -O $(O) -o $(BENCHDIR) $(BENCHFLAGS)

.PHONY: bench
