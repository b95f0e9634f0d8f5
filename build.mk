# Builds one function for Lambda; `sam build` calls it through services/<name>/Makefile (Metadata BuildMethod: makefile).
#
# A function's package is the service's own code, its requirements.txt if it has one, and the function's own requirements
# (requirements/<function>.txt). It has bytecode for all of them, so that a cold start compiles nothing. The bytecode is
# unchecked-hash: it does not depend on file times, which zip files change.
# Paths are taken from the Makefile's own place, so that it does not matter where `sam build` runs it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# `override`: a variable of the command that began it all (`make new-route SERVICE=orders`) reaches this make as well.
override REPOSITORY := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
override SOURCE := $(patsubst %/,%,$(dir $(abspath $(firstword $(MAKEFILE_LIST)))))
override SERVICE := $(notdir $(SOURCE))

# Trust what this machine trusts (a company's proxy, say), as pip does.
export UV_SYSTEM_CERTS := 1

# Bytecode is good for one Python version only: the runtime's.
RUNTIME_VERSION := 3.13
PYTHON := $(shell for python in "$(REPOSITORY)/.venv/bin/python" python$(RUNTIME_VERSION) python3 python; do \
	[ "$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$(RUNTIME_VERSION)" ] \
	&& { echo "$$python"; break; }; done)
UV := $(shell [ -x "$(REPOSITORY)/.venv/bin/uv" ] && echo "$(REPOSITORY)/.venv/bin/uv" || command -v uv)

ifeq ($(PYTHON),)
$(error The build needs Python $(RUNTIME_VERSION), the version of the Lambda runtime: install it, or run `make setup`)
endif

# $(call fetch,<requirements file>,<folder>,<processor>): locked packages for one of Lambda's processors, from any machine.
# uv takes a second, pip takes ten; both check the same hashes. The runtime's C library is 2.34 (Amazon Linux 2023).
ifeq ($(UV),)
fetch = "$(PYTHON)" -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes \
	--platform manylinux_2_28_$(3) --platform manylinux2014_$(3) --implementation cp --python-version $(RUNTIME_VERSION) --only-binary=:all: \
	--target "$(2)" --requirement "$(1)"
else
fetch = "$(UV)" pip install --quiet --no-deps --require-hashes \
	--python-platform $(3)-manylinux_2_28 --python-version $(RUNTIME_VERSION) --only-binary=:all: \
	--target "$(2)" --requirement "$(1)"
endif

# $(call install,<requirements file>,<folder>): locked packages that run on both of Lambda's processors. `sam build` does
# not say which one is meant, so the template's parameter Architecture alone decides. A native module's file name has its
# processor. A module for every version of Python (abi3) lacks it, and gets the name for this version.
install = for processor in x86_64 aarch64; do \
		packages="$$(mktemp -d)"; \
		$(call fetch,$(1),$$packages,$$processor); \
		find "$$packages" -name '*.abi3.so' -exec sh -c 'mv "$$1" "$${1%.abi3.so}.$$2"' - {} \
			"cpython-$(subst .,,$(RUNTIME_VERSION))-$$processor-linux-gnu.so" \;; \
		cp -R "$$packages/." "$(2)/"; \
		rm -rf "$$packages"; \
	done

# $(call copy_package,<package folder>,<destination folder>): the package's sources without this machine's bytecode, which
# another process may be writing.
copy_package = tar -C "$(dir $(1))" --exclude __pycache__ -cf - "$(notdir $(1))" | tar -C "$(2)" -xf -

# $(call prune,<folder>): drops what no function reads. Versions stay readable (dist-info/METADATA).
prune = find "$(1)" -depth \( -type d \( -name tests -o -name __pycache__ -o -name '*-stubs' -o -path '$(1)/bin' \) \
	-o -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.c' -o -name '*.h' -o -name '*.cpp' \
	-o -name 'examples-1.json*' -o -path '*.dist-info/*' ! -name METADATA ! -name entry_points.txt ! -path '*/licenses/*' \) \) -exec rm -rf {} +

# $(call compile,<folder>,<where Lambda puts it>): bytecode that names the paths that tracebacks will show.
compile = "$(PYTHON)" -m compileall -q -j 1 --invalidation-mode unchecked-hash -s "$(1)" -p "$(2)" "$(1)"

.PHONY: build-%
build-%:
	mkdir -p "$(ARTIFACTS_DIR)"
	$(call copy_package,$(SOURCE)/$(SERVICE),$(ARTIFACTS_DIR))
	for list in "$(SOURCE)/requirements.txt" "$(SOURCE)/requirements/$*.txt"; do \
		if [ -f "$$list" ]; then \
			$(call install,$$list,$(ARTIFACTS_DIR)); \
			$(call prune,$(ARTIFACTS_DIR)); \
		fi; \
	done
	$(call compile,$(ARTIFACTS_DIR),/var/task)
