#!/bin/bash
# What tests of the command share, to be sourced: saying what failed, golden tests, running all. The test sets flowgate, golden (the
# folder), write, and defines goldens(), which prints rows of: name, exit code, words.

fail() { echo "  $*" >&2 && return 1; }
# exits CODE WORD…: the command exits with that code and says nothing of sanitizers; what it said is in out and err.
exits() {
	local want=$1 got=0
	shift
	"$flowgate" "$@" >out 2>err || got=$?
	[ "$got" -eq "$want" ] || fail "flowgate $* exits with $got, not $want: $(head -c 300 err)"
}
says() { grep -qF -- "$1" out err || fail "nothing said of: $1"; }
# json EXPRESSION: it holds for the objects of out, the list o; s is the summary.
json() {
	python3 - "$1" <<'PY' || fail "not so: $1: $(head -c 300 out)"
import json, sys
o = [json.loads(line) for line in open("out", encoding="utf-8")]
s = next((x["summary"] for x in o if "summary" in x), None)
o = [x for x in o if "summary" not in x]
code = lambda i: [r["code"] for r in o[i]["reasons"]]
sys.exit(0 if eval(sys.argv[1]) else 1)
PY
}
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }' || fail "$1 is not below $2 $3"; }

# A golden test: `_` in the packet stands for a blank.
run_golden() { # name, exit code, words
	local name=$1 want=$2 got=0
	shift 2
	local words=("$@")
	for i in "${!words[@]}"; do
		if [ "$i" -gt 0 ] && [ "${words[i - 1]}" = --packet ]; then words[i]=${words[i]//_/ }; fi
	done
	"$flowgate" "${words[@]}" >out 2>err </dev/null || got=$?
	{ cat out && echo "--- standard error" && cat err && echo "--- exit $got"; } >"$name.got"
	if [ -n "$write" ]; then cp "$name.got" "$golden/$name.out"; fi
	[ "$got" -eq "$want" ] || fail "exits with $got, not $want"
	diff -u "$golden/$name.out" "$name.got" >&2
}

# run_all: the golden tests, then every function of a name in test_ or hazard_.
run_all() {
	local bad=0 row name
	while read -r -a row; do
		(run_golden "${row[@]}")
		verdict "golden ${row[0]}" $?
	done < <(goldens)
	for name in $(declare -F | awk '$3 ~ /^(test|hazard)_/ { print $3 }'); do
		("$name")
		verdict "$name" $?
		if grep -qs 'Sanitizer\|runtime error' err; then verdict "$name: sanitizer: $(grep -m1 'Sanitizer\|runtime error' err)" 1; fi
	done
	return $bad
}
verdict() { # name, status
	if [ "$2" -eq 0 ]; then echo "ok $1"; else echo "not ok $1" && bad=1; fi
}
