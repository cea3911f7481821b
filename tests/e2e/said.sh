#!/bin/bash
# What tests of the command share, to be sourced: saying what failed, golden tests, running all. The test sets flowgate, golden (the
# folder), write, and defines goldens(), which prints rows of: name, exit code, words.

fail() { echo "  $*" >&2 && return 1; }
# exits CODE WORD…: the command exits with that code and says nothing of sanitizers; what it said is in out and err. Golden tests look for leaks,
# which takes longer than most commands; these do not.
exits() {
	local want=$1 got=0
	shift
	ASAN_OPTIONS=detect_leaks=0 "$flowgate" "$@" >out 2>err || got=$?
	[ "$got" -eq "$want" ] || fail "flowgate $* exits with $got, not $want: $(head -c 300 err)"
}
says() { grep -qF -- "$1" out err || fail "nothing said of: $1"; }
# json EXPRESSION: it holds for the objects of out, the list o; s is the summary.
json() {
	local verdict=none
	printf '%s\t%s\n' "$PWD" "${1//$'\n'/ }" >&"$ask" && read -r -u "$told" verdict
	[ "$verdict" = True ] || fail "not so ($verdict): $1: $(head -c 300 out)"
}
# Answers for json(), one process for many questions: a line is a folder, a tab and an expression.
judge='
import json, os, sys
for line in sys.stdin:
    folder, expression = line.rstrip("\n").split("\t", 1)
    try:
        os.chdir(folder)
        o = [json.loads(line) for line in open("out", encoding="utf-8")]
        s = next((x["summary"] for x in o if "summary" in x), None)
        o = [x for x in o if "summary" not in x]
        code = lambda i: [r["code"] for r in o[i]["reasons"]]
        print(bool(eval(expression)), flush=True)
    except Exception as wrong:
        print(repr(wrong).replace("\n", " "), flush=True)
'
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

# One test; what it said on standard error comes before the verdict. Where there is a folder of what is given, it gets a copy to itself.
run_test() { # folder or "", a row of goldens or a function
	local given=$1 name=$2 verdict=ok call said
	shift
	call=("$@")
	said=$(mktemp)
	if [ $# -gt 1 ]; then name="golden $1" call=(run_golden "$@"); fi
	if [ -n "$given" ]; then cp -r "$given" "$given.$1" && cd "$given.$1" || exit 99; fi
	("${call[@]}") 2>"$said" || verdict="not ok"
	if grep -qs 'Sanitizer\|runtime error' err; then
		verdict="not ok" && grep -m1 'Sanitizer\|runtime error' err >>"$said"
	fi
	{ cat "$said" && echo "$verdict $name"; } >"$verdicts/$1"
	rm -f "$said"
	if [ -n "$given" ]; then cd "$given" && rm -rf "${given:?}.$1"; fi
}

# Every COUNT-th test from FIRST on.
run_tests() { # first, count, folder
	local i row
	coproc JUDGE { exec python3 -c "$judge"; }
	exec {ask}>&"${JUDGE[1]}" {told}<&"${JUDGE[0]}"
	for ((i = $1; i < ${#tests[@]}; i += $2)); do
		read -r -a row <<<"${tests[i]}"
		run_test "$3" "${row[@]}"
	done
	exec {ask}>&- {told}<&-
}

# run_all [JOBS FOLDER]: every function of a name in test_ or hazard_, and the golden tests; so many at once, each in a copy of the
# folder. Without: one after the other, where we are.
run_all() {
	local jobs=${1-1} folder=${2-} job row workers=()
	verdicts=$(mktemp -d)
	mapfile -t tests < <(declare -F | awk '$3 ~ /^(test|hazard)_/ { print $3 }' && goldens)
	for ((job = 0; job < jobs; job++)); do
		run_tests "$job" "$jobs" "$folder" &
		workers+=($!)
	done
	wait "${workers[@]}"
	for row in "${tests[@]}"; do
		cat "$verdicts/${row%% *}" || echo "not ok ${row%% *}: no verdict"
	done | tee "$verdicts.all"
	rm -rf "$verdicts"
	! grep -q '^not ok' "$verdicts.all"
}
