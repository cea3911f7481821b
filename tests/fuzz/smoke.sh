#!/bin/bash
# One fuzz target for some seconds: smoke.sh TARGET CORPUS LONGEST [SECONDS]
#
# Every file of the corpus is replayed; then inputs are made up from there, from a fixed seed. An input that fails is kept beside the target and
# named; TARGET FILE runs it again. minimise.sh makes a corpus.
set -euo pipefail
target=$1 corpus=$2 longest=$3 seconds=${4-10}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
files=$(find "$corpus" -type f | wc -l)
[ "$files" -gt 0 ] || { echo "no corpus in $corpus" && exit 1; }
"$target" -seed=1 -runs=20000000 -max_total_time="$seconds" -max_len="$longest" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
	-artifact_prefix="$target-failed-" "$work" "$corpus" >"$work.log" 2>&1 || { cat "$work.log" && rm -f "$work.log" && exit 1; }
runs=$(awk '$1 == "stat::number_of_executed_units:" { print $2 }' "$work.log")
rm -f "$work.log"
echo "$(basename "$target"): $files files replayed, $runs inputs in all"
