#!/usr/bin/env bash
# Makes sure that prometheus, promtool and kcat are at hand. What is not on PATH is taken from Debian's packages and
# unpacked into .hotline/tools (no root, no system service); the tests look there too.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: ops/tools.sh [--local] [TOOL...]       TOOL: prometheus promtool kcat (default: all three)

  --local   unpack under .hotline/tools even what is on PATH
  --help    this text

准备 prometheus、promtool、kcat:优先使用 PATH 中已有的,否则把 Debian 软件包解压到 .hotline/tools,无需 root。
Exit codes: 0 all are there, 1 at least one is not (the message says why and what to do).
TEXT
}

root=$(cd "$(dirname "$0")/.." && pwd)
tools=$root/.hotline/tools
local_only=no
wanted=()
for argument in "$@"; do
  case $argument in
    --local) local_only=yes ;;
    --help | -h) usage; exit 0 ;;
    prometheus | promtool | kcat) wanted+=("$argument") ;;
    *) echo "tools: unknown argument: $argument" >&2; usage >&2; exit 1 ;;
  esac
done
[ ${#wanted[@]} -gt 0 ] || wanted=(prometheus promtool kcat)

say() { echo "tools: $*"; }
fail() { echo "tools: $*" >&2; }

# Options under which apt keeps its lists in our folder: they can be fetched without root.
private_apt=(
  -o "Dir::State::Lists=$tools/apt/lists" -o "Dir::Cache=$tools/apt/cache" -o "Debug::NoLocking=1"
  -o "APT::Sandbox::User="
)

download() { # package... into the current folder
  apt-get download -qq "$@" 2>/dev/null && return
  if [ ! -d "$tools/apt/lists/partial" ]; then
    say "fetching Debian's package lists"
    mkdir -p "$tools/apt/lists/partial" "$tools/apt/cache/archives/partial"
    apt-get "${private_apt[@]}" update -qq || return 1
  fi
  apt-get "${private_apt[@]}" download -qq "$@"
}

unpack() { # package...
  local scratch
  scratch=$(mktemp -d "$tools/unpack.XXXXXX")
  if (cd "$scratch" && download "$@" && for file in *.deb; do dpkg -x "$file" "$tools/root"; done); then
    rm -rf "$scratch"
    return 0
  fi
  rm -rf "$scratch"
  return 1
}

missing_libraries() { # names of the shared libraries that kcat lacks
  LD_LIBRARY_PATH=$libraries ldd "$tools/root/usr/bin/kcat" | awk '/not found/ {print $1}'
}

wrap() { # tool: a start script, so that nobody needs to know where the libraries are
  mkdir -p "$tools/bin"
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' "'$libraries'" "'$tools/root/usr/bin/$1'" >"$tools/bin/$1.new"
  chmod 755 "$tools/bin/$1.new"
  mv "$tools/bin/$1.new" "$tools/bin/$1"
}

fetch() { # tool
  local packages=prometheus
  if [ -x "$tools/root/usr/bin/$1" ]; then
    wrap "$1"
    return
  fi
  [ "$1" != kcat ] || packages="kcat librdkafka1 libyajl2 liblz4-1 libsasl2-2"
  say "fetching $1 from Debian's packages ($packages)"
  mkdir -p "$tools"
  # shellcheck disable=SC2086  # the list is meant to be split
  if ! unpack $packages; then
    fail "$1: could not be fetched (no network, or no such package here)."
    fail "  Install it as root: apt-get install ${packages%% *}"
    return 1
  fi
  if [ "$1" = kcat ] && [ -n "$(missing_libraries)" ]; then
    fail "kcat: lacks $(missing_libraries | tr '\n' ' '). Install it as root: apt-get install kcat"
    return 1
  fi
  wrap "$1"
}

version() { # path of a tool
  case $(basename "$1") in
    kcat) "$1" -V 2>&1 | sed -n 's/^Version \([^ ]*\).*/\1/p' ;;
    *) "$1" --version 2>&1 | sed -n '1s/.*version \([^ ]*\).*/\1/p' ;;
  esac
}

multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch 2>/dev/null || echo "$(uname -m)-linux-gnu")
libraries=$tools/root/usr/lib/$multiarch:$tools/root/lib/$multiarch
status=0
for tool in "${wanted[@]}"; do
  found=
  [ "$local_only" = yes ] || found=$(command -v "$tool" || true)
  if [ -z "$found" ] && [ -x "$tools/bin/$tool" ]; then
    found=$tools/bin/$tool
  fi
  if [ -z "$found" ]; then
    if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
      fail "$tool: not on PATH, and this is no Debian or Ubuntu. Install $tool and put it on PATH."
      status=1
      continue
    fi
    if ! fetch "$tool"; then
      status=1
      continue
    fi
    found=$tools/bin/$tool
  fi
  say "$tool $(version "$found"): $found"
done
exit $status
