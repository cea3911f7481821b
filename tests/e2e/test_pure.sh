#!/bin/bash
# The pure folders call nothing that allocates, waits, reads a clock or talks to the system: of the C library they need only
# what works on memory they were given. A list of what is allowed, so that what is new has to be thought about.
set -euo pipefail
bad=0
for library in "$@"; do
	symbols=$(nm -u "$library" | awk '$1 == "U" || $1 == "w" { print $2 }' | sort -u)
	own=$(nm "$library" | awk 'NF == 3 { print $3 }' | sort -u)
	while read -r symbol; do
		case $symbol in
		'' | fg_* | _GLOBAL_OFFSET_TABLE_) ;;
		memchr | memcmp | memcpy | memmove | memset | __mem*_chk | strlen | strnlen | strcmp | strncmp | strcasecmp) ;;
		snprintf | vsnprintf | __snprintf_chk | __vsnprintf_chk) ;; # into memory that is given
		__assert_fail | __stack_chk_fail | __popcountdi2 | __udivti3) ;; # our own mistakes; arithmetic
		 __asan_* | __ubsan_* | __sanitizer_* | __gcov_* | __llvm_*) ;;
		*) grep -qxF "$symbol" <<<"$own" || { echo "$(basename "$library") needs $symbol" && bad=1; } ;;
		esac
	done <<<"$symbols"
done
exit $bad
