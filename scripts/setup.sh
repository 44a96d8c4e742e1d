#!/usr/bin/env bash
# Creates or updates .venv with everything the demo, the server and the tests need; returns at once
# when nothing changed. Needs Python 3.11 to 3.14 with its venv module (PYTHON=... names one for a
# new .venv).
#
# Packages come from the registry that pip is configured for. The CPU build of torch is not there:
# it is taken from a find-links folder (PIP_FIND_LINKS or pip's configuration) that has a wheel for
# the chosen Python, else from PyTorch's index (TORCH_CPU_INDEX=... names a mirror of it).
set -euo pipefail
cd "$(dirname "$0")/.."

TORCH_CPU_INDEX=${TORCH_CPU_INDEX:-https://download.pytorch.org/whl/cpu}
EXTRAS=server,bench,cpu,ray,dev
UNWANTED='^(nvidia-|cuda-|triton|torchvision|torchaudio|torchcodec)'
# It holds no CUDA: it asks the driver for memory, load and power, where there is one.
WANTED='^nvidia-ml-py=='
VENV=.venv
STAMP=$VENV/vgate-setup.stamp
export PIP_DISABLE_PIP_VERSION_CHECK=1

fail() { echo "setup: $*" >&2; exit 1; }

pinned() { sed -n "s/^$1==//p" constraints.txt; } # package

inputs_hash() { { cat pyproject.toml constraints.txt scripts/no-cuda.txt scripts/setup.sh; pwd; } | sha256sum; }

# What pip is told by its environment variable or its configuration files, e.g. find-links.
pip_setting() { # python, option
    local variable=${2^^} value
    variable=PIP_${variable//-/_}
    value=${!variable-}
    [ -n "$value" ] || value=$("$1" -m pip config get "global.$2" 2>/dev/null) || true
    echo "${value:-}"
}

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; }

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

has_torch_wheel() { # python
    local tag folder
    tag=$(version_of "$1")
    tag=cp${tag/./}
    for folder in $(pip_setting "$1" find-links); do
        compgen -G "$folder/torch-$TORCH_VERSION-$tag-*.whl" >/dev/null && return 0
    done
    return 1
}

# A Python whose torch wheel lies in a find-links folder, else the first that is supported.
choose_python() {
    local candidate first=
    for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.13 python3.14}; do
        supported "$candidate" || continue
        if has_torch_wheel "$candidate"; then echo "$candidate"; return; fi
        first=${first:-$candidate}
    done
    [ -n "$first" ] || fail "no Python from 3.11 to 3.14 among: ${PYTHON:-python3, python3.11 to python3.14}"
    echo "$first"
}

# Keeps a .venv of the same Python that was made at this place: a moved one has stale paths in it.
create_venv() { # python
    if [ "$(version_of "$VENV/bin/python")" = "$(version_of "$1")" ] &&
        grep -q -- "-m venv $PWD/$VENV\$" "$VENV/pyvenv.cfg"; then return; fi
    "$1" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$1 has no venv module; on Debian and Ubuntu: apt install python3-venv"
    rm -rf "$VENV"
    "$1" -m venv "$PWD/$VENV"
}

install_uv() {
    [ "$("$VENV/bin/uv" --version 2>/dev/null | cut -d' ' -f2)" = "$UV_VERSION" ] ||
        "$VENV/bin/python" -m pip install -qq "uv==$UV_VERSION" || fail "pip cannot install uv $UV_VERSION"
}

# uv does not read pip's settings; its own, where given, win.
translate_pip_settings() {
    local links index cert
    links=$(pip_setting "$VENV/bin/python" find-links)
    index=$(pip_setting "$VENV/bin/python" index-url)
    cert=$(pip_setting "$VENV/bin/python" cert)
    [ -z "$links" ] || export UV_FIND_LINKS=${UV_FIND_LINKS:-${links//[[:space:]]/,}}
    [ -z "$index" ] || export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}
    [ -z "$cert" ] || export SSL_CERT_FILE=${SSL_CERT_FILE:-$cert}
}

pip_install() { "$VENV/bin/uv" pip install --quiet --python "$VENV/bin/python" "$@"; }

# On its own, because PyTorch's index also holds old versions of packages that come from the registry.
install_torch() {
    local torch="torch==$TORCH_VERSION" error
    echo "setup: $torch for $("$VENV/bin/python" --version)"
    pip_install --no-deps "$torch" 2>/dev/null && return
    error=$(pip_install --no-deps --default-index "$TORCH_CPU_INDEX" "$torch" 2>&1) && return
    echo "$error" >&2
    fail "no $torch for $("$VENV/bin/python" --version): not in find-links (${UV_FIND_LINKS:-none})," \
        "not in the registry, not at $TORCH_CPU_INDEX; set PIP_FIND_LINKS, or PYTHON to a version whose wheel is there"
}

install_all() {
    echo "setup: $(grep -c == constraints.txt) packages, half a gigabyte where they are not cached yet"
    pip_install --exact --constraint constraints.txt --build-constraint constraints.txt \
        --override scripts/no-cuda.txt --editable ".[$EXTRAS]" || fail "the packages could not be installed"
}

refuse_unwanted() {
    local found
    found=$("$VENV/bin/uv" pip list --quiet --python "$VENV/bin/python" --format freeze | grep -E "$UNWANTED" | grep -v "$WANTED") || return 0
    fail "packages that the CPU engine must not have: $(echo $found); remove $VENV and run again"
}

exec 9>>scripts/setup.sh  # held while this runs, so that two set-ups do not meet in one .venv
flock 9
[ "$(cat "$STAMP" 2>/dev/null)" != "$(inputs_hash)" ] || exit 0
TORCH_VERSION=$(pinned torch)
UV_VERSION=$(pinned uv)
python=$(choose_python)
create_venv "$python"
install_uv
translate_pip_settings
install_torch
install_all
refuse_unwanted
inputs_hash >"$STAMP"
