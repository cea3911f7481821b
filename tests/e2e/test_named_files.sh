#!/bin/bash
# Documents name files and folders in backquotes and link to them. What ARCHITECTURE.md and CONTRIBUTING.md name, and what any
# of the three links to, must exist.
set -euo pipefail
cd "$1"
bad=0
named=0
while IFS=: read -r document name; do
	named=$((named + 1))
	[ -e "$name" ] || { echo "$document names $name, which does not exist" && bad=1; }
done < <(
	grep -oHE '`[A-Za-z0-9_.-]+/[A-Za-z0-9_./-]+`' ARCHITECTURE.md CONTRIBUTING.md | tr -d '`'
	grep -oHE '\]\([^)#:]+' ARCHITECTURE.md CONTRIBUTING.md README.md | sed 's/:](/:/'
)
[ "$named" -gt 0 ] || { echo "found no name to check" && bad=1; }
exit $bad
