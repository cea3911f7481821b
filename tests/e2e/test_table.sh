#!/bin/bash
# What the command says of itself is one thing: usage, help, completion of the shell and the manual page agree.
# test_table.sh FLOWGATE COMPLETION SOURCE
set -uo pipefail
flowgate=$(realpath "$1") completion=$(realpath "$2") source=$(realpath "$3")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
cd "$work" || exit 99
bad=0
wrong() { echo "$*" && bad=1; }
# shellcheck source=/dev/null
. "$completion"

# The verbs of --help, a line each: two blanks, a name, and what it does behind at least two.
"$flowgate" --help | sed -n 's/^  \([a-z]\+\( [a-z]\+\)\?\)  .*/\1/p' >verbs
[ "$(wc -l <verbs)" -ge 20 ] || wrong "only these verbs: $(cat verbs)"

# complete_of WORD…: what the shell offers for the last word.
complete_of() {
	COMP_WORDS=(flowgate "$@") COMP_CWORD=$#
	COMPREPLY=()
	_flowgate
	printf '%s\n' "${COMPREPLY[@]}" | sort -u
}
same() { # what, file, file
	diff "$2" "$3" >difference || { wrong "$1:" && cat difference; }
}

while read -r verb; do
	read -r -a words <<<"$verb"
	"$flowgate" "${words[@]}" --help >help || wrong "$verb --help exits with $?"
	sed -n 's/^  --\([a-z0-9-]*\).*/--\1/p' help | sort >options
	complete_of "${words[@]}" -- >offered
	same "completion of $verb" options offered
	# Usage names each option too.
	head -1 help | grep -oE -- '--[a-z][a-z0-9-]*' | sort -u >in-usage
	grep -vx -- '--help' options >wanted
	same "usage of $verb" wanted in-usage
	# And the command takes each.
	while read -r option; do
		"$flowgate" "${words[@]}" "$option" </dev/null >out 2>err --help
		! grep -q 'unrecognized option' err || wrong "$verb does not take $option"
	done <options
done <verbs

cut -d ' ' -f 1 verbs | sort -u >first-words
complete_of '' >offered
same 'first words' first-words offered
complete_of rule '' >offered
printf '%s\n' add delete list show >wanted
same 'words behind rule' wanted offered
complete_of check --from '' >offered
printf '%s\n' auto hex json text >wanted
same 'values of --from' wanted offered

# The manual page has a heading for each verb, and names exactly the options there are.
man=$source/docs/man/flowgate.1.scd
sed -n 's/^## \([a-z]\+\( [a-z]\+\)\?\).*/\1/p' "$man" | sort >in-man
sort verbs >wanted
same 'verbs of the manual page' wanted in-man
while read -r verb; do
	read -r -a words <<<"$verb"
	"$flowgate" "${words[@]}" --help | sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p'
done <verbs | sort -u >wanted
grep -oE '\*--[a-z0-9-]+\*' "$man" | tr -d '*' | sort -u >in-man
same 'options of the manual page' wanted in-man
exit $bad
