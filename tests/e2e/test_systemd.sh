#!/bin/bash
# The units of systemd under systemd itself: test_systemd.sh FLOWGATED FLOWGATE SOURCE. An init of its own, in namespaces, on an overlay of the
# root that is in memory and gone afterwards; of the machine's units it starts none but the journal.
set -uo pipefail
flowgated=$(realpath "$1") flowgate=$(realpath "$2") source=$(realpath "$3")
skip() { echo "skipped: $1" && exit 77; }
[ "$(id -u)" -eq 0 ] || skip "needs root"
[ -x /lib/systemd/systemd ] || skip "there is no systemd"
work=$(mktemp -d)
init=
finish() {
	# With it goes all that is in its namespace of processes.
	[ -z "$init" ] || { kill -9 "$init" && wait; } 2>/dev/null
	rm -rf "$work"
}
trap finish EXIT

# What runs inside, as a unit of its own.
cat >"$work/inside.sh" <<'INSIDE'
unit() { systemctl show -P "$1" flowgated.service; }
until_so() {
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.1
	done
	return 1
}
test_says_when_it_serves() { [ "$(unit ActiveState) $(unit StatusText)" = "active serving" ] && flowgate health; }
test_hears_peers() { : <>/dev/tcp/127.0.0.1/179; }
test_takes_rules() {
	echo 'match destination 203.0.113.7/32 protocol udp then discard' >/tmp/rules && flowgate rule add /tmp/rules
}
test_reads_its_configuration_again() {
	systemctl reload flowgated && [ "$(unit ActiveState) $(unit NRestarts)" = "active 0" ] && flowgate health
}
again() { [ "$(unit ActiveState) $(unit NRestarts)" = "active 1" ] && [ "$(unit MainPID)" -ne "$before" ]; }
has_rule() { flowgate rule list --json | grep -q 203.0.113.7; }
test_is_started_again() {
	before=$(unit MainPID)
	kill -9 "$before" && until_so again && flowgate health && has_rule
}
enforces() { ip -d link show lo | grep -q xdp; }
test_stopped_leaves_enforcement() { systemctl stop flowgated.service && [ "$(unit Result)" = success ] && enforces; }
test_is_started_by_a_caller() { flowgate health && has_rule && [ "$(unit ActiveState)" = active ]; }
test_is_taken_away() { systemctl stop flowgated.socket flowgated.service && flowgated --remove && ! enforces; }

for name in says_when_it_serves hears_peers takes_rules reads_its_configuration_again is_started_again stopped_leaves_enforcement \
	is_started_by_a_caller is_taken_away; do
	if said=$(test_$name 2>&1); then echo "ok test_$name"; else printf '%s\n' "$said" "$(journalctl -u flowgated -n 20)" "not ok test_$name"; fi
done
echo end
INSIDE

# In the namespaces: lays the root and becomes its init.
cat >"$work/init.sh" <<'INIT'
set -e
cd "$1" && flowgated=$2 flowgate=$3 source=$4
mount --make-rprivate / && mkdir memory && mount -t tmpfs memory memory && mkdir memory/upper memory/work memory/root
mount -t overlay -o lowerdir=/,upperdir=memory/upper,workdir=memory/work overlay memory/root
cd memory/root && touch said && mount --bind ../../said said
mount -t proc proc proc && mount -t sysfs sysfs sys && mount --rbind /sys/fs/cgroup sys/fs/cgroup && mount --rbind /dev dev
install "$flowgated" usr/sbin/flowgated && install "$flowgate" usr/bin/flowgate && install -m 644 ../../inside.sh inside.sh
rm -rf etc/systemd/system && mkdir -p etc/systemd/system etc/flowgate
for unit in lib/systemd/system/*; do
	case ${unit##*/} in
	systemd-journald* | *.slice | -.* | *.wants | *.d | sysinit.target | basic.target | sockets.target | shutdown.target | network*.target) ;;
	*) ln -s /dev/null "etc/systemd/system/${unit##*/}" ;;
	esac
done
cp "$source"/examples/systemd/flowgated.* etc/systemd/system/
grep -q ^flowgate: etc/group || echo flowgate:x:64977: >>etc/group
mount -t tmpfs run run && mount -t tmpfs tmp tmp && mount -t bpf bpf sys/fs/bpf && ip link set lo up
cat >etc/flowgate/flowgate.conf <<'CONF'
interface lo { mode generic; }
bgp { as 64512; router-id 192.0.2.1; listen 127.0.0.1; }
peer P { address 127.0.0.9; as 64513; prefix 203.0.113.0/24; }
control { socket /run/flowgate/flowgate.sock; group root; user nobody; }
http { listen none; }
store { path /var/lib/flowgate/db; pins /sys/fs/bpf/flowgate; image 128M; slots 4096; }
CONF
cat >etc/systemd/system/inside.service <<'UNIT'
[Unit]
Wants=flowgated.socket flowgated.service
After=flowgated.socket flowgated.service
[Service]
Type=oneshot
ExecStart=/bin/bash /inside.sh
StandardOutput=append:/said
UNIT
echo begun >said
export container=lxc
exec chroot . /lib/systemd/systemd --system --unit=inside.service --log-target=null --show-status=no
INIT

: >"$work/said"
unshare --pid --mount --net --uts --ipc --cgroup --fork --kill-child bash "$work/init.sh" "$work" "$flowgated" "$flowgate" "$source" >"$work/log" 2>&1 &
init=$!
for _ in $(seq 1200); do
	grep -qx end "$work/said" && break
	kill -0 "$init" 2>/dev/null || break
	sleep 0.1
done
grep -qx begun "$work/said" || skip "no init can be started in namespaces: $(tail -n 2 "$work/log")"
grep -vx 'begun\|end' "$work/said"
grep -qx end "$work/said" && ! grep -q '^not ok' "$work/said"
