#!/bin/bash
# The units of systemd, as systemd reads them: test_units.sh FLOWGATED SOURCE
set -uo pipefail
flowgated=$(realpath "$1") source=$(realpath "$2")
command -v systemd-analyze >/dev/null || { echo "skipped: there is no systemd-analyze" && exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The program is not installed where they say yet.
for unit in "$source"/examples/systemd/*; do
	sed "s|/usr/sbin/flowgated|$flowgated|" "$unit" >"$work/$(basename "$unit")"
done
said=$(SYSTEMD_UNIT_PATH=$work: systemd-analyze verify --man=no --recursive-errors=no "$work"/*.service "$work"/*.socket 2>&1)
status=$?
# What is said of others' units is no matter of ours.
mine=$(grep -F "$work" <<<"$said" || true)
[ "$status" -eq 0 ] && [ -z "$mine" ] && exit 0
# Without an init to ask nothing can be said either way.
grep -q 'Failed to\(.*\)\(manager\|bus\)' <<<"$said" && echo "skipped: systemd-analyze does not run here: $said" && exit 77
echo "$said"
exit 1
