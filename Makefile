# Seoulchain: build, install and test.
#
#   make            build the extension and seoulchain-verify
#   make install    install into the server that PG_CONFIG names
#   make demo       the main job shown on a throwaway cluster
#   make demo-network  a used car between three agencies, one of which cheats
#   make test       everything: packages, build, all tests
#   make test-long  the same with the tests that take many minutes at full size
#   make test-majors  tests with the PostgreSQL 17 and 18 of newer Debian suites (downloads 1 GB)
#   make bench      the figures of docs/benchmarks.md
#   make bench-network  those of several nodes
#
# demos, tests and benches bring their own server copy and install Debian packages
# that are missing (as root); they need nothing built or installed before.
#
# A room of docs/architecture.md is a folder of src/; every C file in it is
# built.  core and sign are also linked, without the server, into
# seoulchain-verify.

EXTENSION = seoulchain
EXTVERSION = $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" seoulchain.control)
MODULE_big = seoulchain

ROOMS = core sign ledger member seal proof contract network
MODULE_SRC = src/seoulchain.c $(sort $(foreach room,$(ROOMS),$(wildcard src/$(room)/*.c)))
OBJS = $(MODULE_SRC:.c=.o)

CHAPTERS = $(sort $(wildcard sql/[0-9][0-9]_*.sql))
INSTALL_SQL = $(EXTENSION)--$(EXTVERSION).sql
DATA_built = $(INSTALL_SQL)
HEADERS_seoulchain = include/seoulchain.h

VERIFY = seoulchain-verify
VERIFY_SRC = $(sort $(wildcard src/bin/*.c) $(filter-out $(SERVER_SIGN_SRC),$(wildcard src/core/*.c src/sign/*.c)))
# the part of the sign room that needs the server (none of it may be in the program)
SERVER_SIGN_SRC = $(wildcard src/sign/server_*.c)
VERIFY_OBJS = $(VERIFY_SRC:.c=.o)

# These need no server yet, and not the rest of this file.
.DEFAULT_GOAL = all
TOOL_GOALS = test test-long test-majors demo demo-network bench bench-network
.PHONY: $(TOOL_GOALS) install-verify uninstall-verify install-scripts uninstall-scripts

test:
	tools/run_tests
test-long:
	SC_LONG=1 tools/run_tests
test-majors:
	tools/test_majors
demo:
	tools/run_demo
demo-network:
	tools/run_demo_network
bench:
	tools/run_bench
bench-network:
	tools/run_bench_network

ifneq ($(filter-out $(TOOL_GOALS),$(or $(MAKECMDGOALS),all)),)

PG_CONFIG ?= pg_config
# -isystem: the warnings of PostgreSQL's own headers are not ours to mend.
# unused-parameter: callbacks and fmgr functions have fixed signatures.
PG_CPPFLAGS = -Isrc -Iinclude -Ibuild -isystem $(shell $(PG_CONFIG) --includedir-server) -isystem $(shell $(PG_CONFIG) --includedir)
PG_CFLAGS = -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-declaration-after-statement $(if $(WERROR),-Werror)
SHLIB_LINK = -lsodium -lcrypto $(libpq)

# LLVM bitcode of our functions would double the build for no gain: none of
# them is small enough to be inlined into a JIT-compiled expression.
override with_llvm := no

EXTRA_CLEAN = $(INSTALL_SQL) $(VERIFY) $(VERIFY_OBJS) $(patsubst %.o,%.d,$(OBJS) $(VERIFY_OBJS)) build

PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(PGXS),)
$(error $(PG_CONFIG) does not answer: install postgresql-server-dev-15, or say PG_CONFIG=/path/to/pg_config)
endif
include $(PGXS)

all: $(VERIFY)

# Header dependencies, without asking for --enable-depend of the server's build.
override CFLAGS += -MMD -MP
-include $(patsubst %.o,%.d,$(OBJS) $(VERIFY_OBJS))

$(INSTALL_SQL): $(CHAPTERS) seoulchain.control
	{ printf '%s\n' '\echo Use "CREATE EXTENSION seoulchain" to load this file. \quit'; cat $(CHAPTERS); } > $@

# what a contract says of its rules' sources
RULE_SRC = $(sort $(wildcard src/core/*.c src/contract/rule_*.c))
build/rule_digest.h: tools/rule_digests $(RULE_SRC)
	@mkdir -p build
	tools/rule_digests > $@
$(patsubst %.c,%.o,$(filter src/core/rule_%.c src/contract/rule_%.c,$(RULE_SRC))): build/rule_digest.h

src/bin/verify_main.o: override CPPFLAGS += -DSC_VERIFY_VERSION='"$(EXTVERSION)"'

$(VERIFY): $(VERIFY_OBJS)
	$(CC) $(CFLAGS) $(VERIFY_OBJS) -o $@ $(LDFLAGS) -lsodium -lcrypto

install: install-verify
install-verify: $(VERIFY)
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) $(VERIFY) '$(DESTDIR)$(bindir)/$(VERIFY)'

# scripts of their own rule: SCRIPTS of PGXS removes nothing that comes from a folder
SHELL_SCRIPTS = seoulchain-evidence seoulchain-export seoulchain-timestamp seoulchain-witness
install: install-scripts
install-scripts:
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_SCRIPT) $(SHELL_SCRIPTS:%=src/bin/%) '$(DESTDIR)$(bindir)/'

uninstall: uninstall-verify
uninstall-verify:
	rm -f '$(DESTDIR)$(bindir)/$(VERIFY)'

uninstall: uninstall-scripts
uninstall-scripts:
	rm -f $(SHELL_SCRIPTS:%='$(DESTDIR)$(bindir)/%')

endif
