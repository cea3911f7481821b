#!/bin/bash
# A source that no meson.build lists is neither compiled nor tested, and nobody notices. So each one must be in the build.
set -euo pipefail
source=$(realpath "$1") build=$(realpath "$2")
bad=0
cd "$source"
compiled=$(python3 - "$build" <<'PY'
import json, os, sys
for entry in json.load(open(sys.argv[1] + "/compile_commands.json", encoding="utf-8")):
    print(os.path.realpath(os.path.join(entry["directory"], entry["file"])))
PY
)
while read -r file; do
	case $file in
	*.bpf.c) grep -q "$(basename "$file")" "$build/build.ninja" ;;
	*) grep -qxF "$source/$file" <<<"$compiled" ;;
	esac || { echo "not in the build: $file" && bad=1; }
done < <(find ctrl dataplane bpf tests -name '*.c')
exit $bad
