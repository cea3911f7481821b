#!/bin/bash
# A wrong include does not compile. For each row below a file of one line is compiled with the very flags of a source of that
# folder. An allowed include must compile; a forbidden one must exist and still fail, for want of a path to it.
set -euo pipefail
source=$(realpath "$1") build=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

# The compiler and the flags that the build gives each source: no output, no dependency file, no input, syntax only. A file a source, a word a line.
python3 - "$build" "$source" "$work" <<'PY'
import json, os, shlex, sys
build, source, work = sys.argv[1:]
for entry in json.load(open(build + "/compile_commands.json", encoding="utf-8")):
    name = os.path.relpath(os.path.realpath(os.path.join(entry["directory"], entry["file"])), source)
    words, kept = shlex.split(entry["command"]), []
    while words:
        word = words.pop(0)
        if word in ("-o", "-MF", "-MQ", "-c"):
            words.pop(0)
        elif word not in ("-MD", "ccache"):
            kept.append(word)
    with open(os.path.join(work, name.replace("/", "+")), "w", encoding="utf-8") as out:
        out.write("\n".join(kept + ["-fsyntax-only", "-fdiagnostics-color=never"]))
PY

compiles() { # source file whose flags count, header
	local words
	[ -f "$work/${1//\//+}" ] || { echo "the build does not compile $1" && exit 1; }
	mapfile -t words <"$work/${1//\//+}"
	printf '#include "%s"\nextern int probe;\n' "$2" >"$work/probe.c"
	(cd "$build" && "${words[@]}" "$work/probe.c") >"$work/log" 2>&1
}

while read -r verdict from header; do
	case $verdict in
	may)
		compiles "$from" "$header" || { echo "$from may include $header, but:" && cat "$work/log" && bad=1; }
		;;
	not)
		[ -f "$source/$header" ] || [ -f "$source/include/$header" ] || { echo "no such header: $header" && bad=1; }
		if compiles "$from" "$header"; then
			echo "$from can include $header" && bad=1
		elif ! grep -qE "fatal error: ($header: No such file|'$header' file not found)" "$work/log"; then
			echo "$from with $header failed for another reason:" && cat "$work/log" && bad=1
		fi
		;;
	esac
done <<'ROWS'
may ctrl/rule/nlri.c flowgate/rule.h
may ctrl/rule/nlri.c ctrl/rule/canon.h
not ctrl/rule/nlri.c ctrl/table/table.h
not ctrl/rule/nlri.c ctrl/text/text.h
not ctrl/rule/nlri.c tests/oracle/oracle.h
may ctrl/bgp/session.c ctrl/rule/nlri.h
not ctrl/bgp/session.c ctrl/text/text.h
not ctrl/bgp/rib.c ctrl/gate/record.h
may ctrl/table/compile.c flowgate/table.h
may ctrl/table/compile.c ctrl/rule/order.h
may ctrl/table/compile.c ctrl/table/table.h
not ctrl/table/compile.c ctrl/text/text.h
not ctrl/table/compile.c tests/oracle/oracle.h
may ctrl/text/text.c ctrl/rule/nlri.h
not ctrl/text/text.c ctrl/table/table.h
may dataplane/burst.c flowgate/match.h
may dataplane/burst_form.c dataplane/burst.h
not dataplane/burst.c ctrl/rule/nlri.h
not dataplane/burst_form.c ctrl/table/table.h
not ctrl/table/compile.c dataplane/burst.h
not ctrl/rule/nlri.c dataplane/burst.h
may ctrl/xdp/xdp.c ctrl/xdp/xdp.h
may ctrl/xdp/xdp.c ctrl/policy/policy.h
not ctrl/xdp/xdp.c ctrl/table/table.h
not ctrl/xdp/xdp.c ctrl/load/load.h
not ctrl/table/compile.c ctrl/xdp/xdp.h
may ctrl/dpdk/share.c flowgate/share.h
may ctrl/dpdk/share.c ctrl/policy/plane.h
not ctrl/dpdk/share.c ctrl/table/table.h
not ctrl/dpdk/share.c ctrl/gate/record.h
not ctrl/dpdk/share.c ctrl/xdp/xdp.h
not ctrl/xdp/xdp.c ctrl/dpdk/share.h
not dataplane/burst.c ctrl/dpdk/share.h
not ctrl/load/load.c ctrl/xdp/xdp.h
may ctrl/load/load.c ctrl/text/text.h
may ctrl/load/load.c ctrl/table/table.h
may ctrl/load/payload.c ctrl/pattern/compile.h
may ctrl/pattern/compile.c ctrl/pattern/job.h
not ctrl/pattern/compile.c ctrl/rule/nlri.h
not ctrl/pattern/main.c dataplane/payload.h
not ctrl/table/compile.c ctrl/pattern/compile.h
may dataplane/payload.c flowgate/payload.h
not dataplane/payload.c ctrl/pattern/pattern.h
not tests/oracle/pattern.c dataplane/payload.h
not ctrl/load/load.c ctrl/cli/cli.h
not ctrl/load/load.c tests/oracle/oracle.h
may ctrl/conf/conf.c ctrl/load/limits.h
may ctrl/conf/conf.c ctrl/text/text.h
not ctrl/conf/conf.c ctrl/cli/cli.h
not ctrl/load/load.c ctrl/conf/conf.h
may ctrl/daemon/ctrl.c ctrl/gate/record.h
may ctrl/daemon/ctrl.c ctrl/conf/conf.h
not ctrl/daemon/ctrl.c ctrl/cli/cli.h
not ctrl/conf/conf.c ctrl/daemon/ctrl.h
not ctrl/gate/gate.c ctrl/daemon/ctrl.h
not ctrl/load/load.c ctrl/daemon/records.h
may ctrl/cli/main.c ctrl/load/load.h
not ctrl/cli/main.c tests/oracle/oracle.h
not ctrl/table/compile.c ctrl/load/load.h
not ctrl/text/text.c ctrl/load/load.h
may ctrl/client/client.c ctrl/client/line.h
not ctrl/client/client.c ctrl/load/load.h
not ctrl/client/client.c ctrl/cli/cli.h
may ctrl/cli/main.c ctrl/client/client.h
not ctrl/load/load.c ctrl/client/client.h
may ctrl/gate/commit.c ctrl/table/update.h
may ctrl/gate/commit.c ctrl/policy/judge.h
not ctrl/gate/commit.c ctrl/load/load.h
not ctrl/gate/serve.c ctrl/text/text.h
not ctrl/table/compile.c ctrl/gate/record.h
not ctrl/policy/judge.c ctrl/table/table.h
may tests/oracle/nlri.c tests/oracle/oracle.h
not tests/oracle/nlri.c flowgate/rule.h
not tests/oracle/nlri.c ctrl/rule/nlri.h
not tests/unit/rule/test_nlri.c ctrl/table/table.h
ROWS

# The compiler looks beside the including file first, so a way out of the folder would need no root.
folders=()
for folder in include ctrl dataplane bpf bench tests; do
	[ ! -d "$source/$folder" ] || folders+=("$source/$folder")
done
if grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<](/|([^">]*/)?\.\./)' --include='*.[chly]' "${folders[@]}"; then
	echo "these includes leave their folder by .. or /" && bad=1
fi
exit $bad
