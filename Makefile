# SPDX-License-Identifier: GPL-2.0
# vfw: the kernel module, the tool, and all that tests them. "make help" lists the targets.

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

# The kernel to build against, and where: in this tree, or in a copy in OUT.
KDIR ?= /lib/modules/$(shell uname -r)/build
OUT ?= .
PREFIX ?= /usr
DESTDIR ?=

# A User Mode Linux tree has to be told that it is one.
karch = $(shell grep -qs '^CONFIG_UML=y' $(KDIR)/.config && echo ARCH=um)
kmake = $(MAKE) -C $(KDIR) $(karch) M=$(abspath $(OUT)) $(if $(W),W=$(W)) $(if $(C),C=$(C)) \
	$(if $(VFW_KUNIT),VFW_KUNIT=$(VFW_KUNIT))

LAB := selftests/lab

.PHONY: all module module-clean tool install uninstall dkms-install dkms-remove regen check-spec \
	style kunit selftests move check demo lab bench bench-docs icount smp classify races fuzz timings \
	differential kernels clean help

all: module tool

module:
	@kmod/check-config.sh $(KDIR)
ifneq ($(OUT),.)
	@mkdir -p $(OUT) && cp -ru Kbuild kmod include $(OUT)/
endif
	+$(kmake) modules

module-clean:
	+$(kmake) clean

tool:
	+$(MAKE) -C userspace

install: all
	+$(kmake) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates modules_install
	+$(MAKE) -C userspace install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)

uninstall:
	rm -f $(DESTDIR)/lib/modules/*/updates/vfw.ko $(DESTDIR)/lib/modules/*/updates/vfw.ko.*
	+$(MAKE) -C userspace uninstall DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)

# The sources go where DKMS looks for them; it then builds for each kernel that is installed, or
# for KVER. DKMS and DKMS_SOURCE can name other trees than the system's.
DKMS ?= dkms
DKMS_SOURCE ?= /usr/src
dkms_dir = $(DKMS_SOURCE)/vfw-$(VERSION)
dkms-install:
	@command -v dkms > /dev/null || \
		{ echo "vfw: dkms is not installed (Debian: apt install dkms)" >&2; exit 1; }
	mkdir -p $(dkms_dir)
	cp -r Kbuild Makefile dkms.conf kmod include $(dkms_dir)/
	find $(dkms_dir) \( -name '*.o' -o -name '.*.cmd' -o -name '*.ko' -o -name '*.mod*' \) -delete
	$(DKMS) add -m vfw -v $(VERSION)
	$(DKMS) install -m vfw -v $(VERSION) $(if $(KVER),-k $(KVER))

dkms-remove:
	-$(DKMS) remove -m vfw -v $(VERSION) --all
	rm -rf $(dkms_dir)

regen:
	Documentation/netlink/regen.sh

check-spec:
	selftests/check-spec.sh

style:
	selftests/style.sh

kernels:
	@$(LAB)/kernel.sh plain > /dev/null
	@$(LAB)/kernel.sh debug > /dev/null

kunit:
	selftests/run.sh kunit

selftests:
	selftests/run.sh selftests

move:
	selftests/run.sh move

check:
	selftests/run.sh all

demo:
	selftests/run.sh demo

lab:
	selftests/run.sh lab

# BENCH=quick: smaller numbers, fewer rounds; ROWS names some rows only.
bench:
	BENCH=$(BENCH) ROWS="$(ROWS)" selftests/bench/run.sh

bench-docs:
	selftests/bench/publish.sh

# How many instructions a packet takes; what two CPUs write; the classifier against a plain search.
icount:
	mkdir -p build
	selftests/icount/run.sh > build/instructions.md
	cp build/instructions.md Documentation/benchmarks/

smp:
	selftests/smp/run.sh

classify:
	selftests/classify/run.sh full

# Hostile input of four kinds, each for so long, two at a time. FUZZ_SEED chooses the inputs.
FUZZ_SECONDS ?= 60
fuzz:
	selftests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ_KINDS)

# Everything at once, on two CPUs with all that the kernel can check.
RACES_SECONDS ?= 180
races:
	RACES_SECONDS=$(RACES_SECONDS) selftests/run.sh races

# How long packets and processes wait while a million flows or 100,000 rules are worked on.
timings:
	selftests/timings/run.sh

# nf_conntrack and vfw on the same packets. SEED= and CONNECTIONS= choose.
differential:
	SEED="$(SEED)" CONNECTIONS=$(CONNECTIONS) selftests/differential/run.sh full

clean:
	rm -rf build
	find . -path ./.git -prune -o \( -name '*.o' -o -name '.*.cmd' -o -name '*.ko' -o -name '*.mod' \
		-o -name '*.mod.c' -o -name 'Module.symvers' -o -name 'modules.order' \
		-o -name '.module-common.c' \) -type f -exec rm -f {} +
	+$(MAKE) -C userspace clean

help:
	@echo 'make                 vfw.ko (against KDIR=$(KDIR)) and userspace/vfw-nl'
	@echo 'make install         both, with man pages and completion, below DESTDIR and PREFIX'
	@echo 'make dkms-install    the module by DKMS, for each kernel that is installed'
	@echo 'make demo            a real guest moves between two hosts with its connections'
	@echo 'make check           every test; installs what they need'
	@echo 'make kunit | selftests | move | style | check-spec    parts of it'
	@echo 'make lab             an interactive shell on a lab host with vfw loaded'
	@echo 'make bench           how fast it is, beside nftables and Open vSwitch, in build/bench;'
	@echo '                     BENCH=quick is shorter, ROWS="new_flow save" runs some rows'
	@echo 'make bench-docs      put the last full run into Documentation/benchmarks'
	@echo 'make icount | smp | classify    instructions of a packet; lines that two CPUs write;'
	@echo '                     100,000 rules and 1,000,000 packets against a plain search'
	@echo 'make races           everything at once on two CPUs, for RACES_SECONDS=$(RACES_SECONDS)'
	@echo 'make fuzz            hostile netlink messages, packets, snapshots and files, each for'
	@echo '                     FUZZ_SECONDS=60, two at a time; FUZZ_SEED=N for the same again'
	@echo 'make timings         how long packets and processes wait under load; on a quiet machine'
	@echo 'make differential    130,000 connections through nf_conntrack and vfw, packet by packet;'
	@echo '                     CONNECTIONS=N of each seed, SEED=N'
	@echo 'make regen           uapi header and kernel tables from the netlink specification'
	@echo 'make clean           remove what was built (the cached lab kernels stay)'
