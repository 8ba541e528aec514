#!/usr/bin/env bash
# What the set-up does not do unless it is root: nginx, and on Ubuntu the right to make namespaces, which the rehearsal uses.
set -euo pipefail

if ! PATH="$PATH:/usr/sbin" command -v nginx >/dev/null; then
	sudo apt-get update -q
	sudo apt-get install -q -y --no-install-recommends nginx-light
	sudo systemctl disable --now nginx || true # the package starts a server
fi
switch=/proc/sys/kernel/apparmor_restrict_unprivileged_userns
if [ -e "$switch" ] && [ "$(cat "$switch")" != 0 ]; then
	echo 0 | sudo tee "$switch" >/dev/null
fi
