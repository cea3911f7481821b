#!/bin/bash
# Makes a corpus anew: minimise.sh FUZZ-TARGET SOURCE SECONDS
#
# From the seeds, the corpus that is there and SECONDS of fuzzing, what together reaches all that was reached: the fewest and shortest inputs, judged
# by edges alone, so that a corpus stays small enough to be kept with the sources.
set -euo pipefail
target=$(realpath "$1") source=$(realpath "$2") seconds=$3
name=$(basename "$target") && name=${name#fuzz-}
corpus=$source/tests/fuzz/corpus/$name
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$corpus" "$work/found" "$work/kept"
python3 "$source/tests/fuzz/seeds.py" "$source" "$name" "$work/found"
cp "$corpus"/* "$work/found/" 2>/dev/null || true
"$target" -max_total_time="$seconds" -max_len=400 -rss_limit_mb=1024 -timeout=10 -artifact_prefix="$target-failed-" "$work/found" >"$work/log" 2>&1 ||
	{ cat "$work/log" && exit 1; }
"$target" -merge=1 -use_counters=0 -rss_limit_mb=1024 "$work/kept" "$work/found" >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }
rm -rf "$corpus" && mv "$work/kept" "$corpus"
echo "$name: $(find "$corpus" -type f | wc -l) files, $(cat "$corpus"/* | wc -c) octets"
