#!/usr/bin/env bash
# Sets up what the app and the local AWS need, and what only the tests do if the first argument is "tests"; all of it inside
# the checkout but nginx. It does nothing a second time.
# What is missing and may not be installed here is named, all of it at once, with the way to get it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '== %s\n' "$*" >&2; }
missing=()
need() { # need PROGRAM, WHAT FOR, HOW TO GET IT
	command -v "$1" >/dev/null || missing+=("$1 ($2): $3")
}

packages=()
PATH="$PATH:/usr/sbin" command -v nginx >/dev/null || packages+=(nginx-light)
[ "${1-}" != tests ] || command -v jq >/dev/null || packages+=(jq)
if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	say "${packages[*]}: installing Debian's packages"
	# nginx's package would start a server on port 80 otherwise.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod +x "$policy"
		trap 'rm -f "$policy"' EXIT
	fi
	log=$(mktemp)
	if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
		cat "$log" >&2
	fi
	rm -f "$log"
fi

need go "builds the app" "https://go.dev/doc/install, 1.25 or later"
need node "runs the CDK" "https://nodejs.org, 20 or later"
need npm "installs the CDK CLI" "comes with Node.js"
need python3 "runs the example and the local AWS" "your system's package python3, 3.10 or later, with venv"
need curl "asks the metadata service" "your system's package curl"
PATH="$PATH:/usr/sbin:/usr/local/sbin" need nginx "the proxy of the rehearsal" "your system's package: apt-get install nginx-light, dnf install nginx, brew install nginx"
[ "${1-}" != tests ] || need jq "the tests of the workflows' scripts" "your system's package: apt-get install jq, dnf install jq, brew install jq"
if command -v python3 >/dev/null && ! python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
	missing+=("python3 ($(python3 --version 2>&1)): 3.10 or later with venv is needed, on Debian the packages python3 and python3-venv")
fi
if [ ${#missing[@]} -gt 0 ]; then
	printf 'Not installed:\n' >&2
	printf '  %s\n' "${missing[@]}" >&2
	exit 2
fi

# stamped DIR FILE: whether DIR was made from FILE as it is now.
stamped() { cmp -s "$2" "$1/.made-from"; }

mkdir -p .beanpole
if ! stamped node_modules package-lock.json; then
	say "npm: the CDK CLI, pinned by package-lock.json"
	npm ci --no-audit --no-fund --loglevel=error >&2
	cp package-lock.json node_modules/.made-from
fi
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 22 ] && [ ! -x node_modules/.bin/node ]; then
	if ! stamped tools/node/node_modules tools/node/package-lock.json; then
		say "npm: Node.js 24 for the CDK, because this machine's is $(node --version)"
		npm ci --prefix tools/node --no-audit --no-fund --loglevel=error >&2
		cp tools/node/package-lock.json tools/node/node_modules/.made-from
	fi
	# First on the path of everything that npx runs.
	[ ! -x tools/node/node_modules/.bin/node ] || ln -sf ../../tools/node/node_modules/.bin/node node_modules/.bin/node
fi

# venv DIR REQUIREMENTS [OPTION]: a virtual environment with exactly these packages.
venv() {
	if ! stamped "$1" "$2"; then
		say "pip: $2"
		rm -rf "$1"
		python3 -m venv "$1"
		"$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --requirement "$2" >&2
		cp "$2" "$1/.made-from"
	fi
}
venv .beanpole/python internal/localaws/requirements.txt
venv .beanpole/mysite examples/mysite/requirements.txt
[ "${1-}" != tests ] || venv .beanpole/lint test/requirements.txt

say "go: the CDK app and the command line"
mkdir -p .beanpole/bin
go build -o .beanpole/bin/ ./cmd/beanpole
go build -o .beanpole/bin/app .
