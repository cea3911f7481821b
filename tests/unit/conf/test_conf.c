/* SPDX-License-Identifier: BSD-3-Clause */
/* Configurations: what is read, what is refused and in which words, and that what is wrong changes nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctrl/conf/conf.h"
#include "flowgate/errors.h"

static struct fg_conf conf;
static char error[FG_CONF_ERROR_MAX];

static int read_text(const char *text)
{
	error[0] = '\0';
	return fg_conf_read(&conf, "f", text, strlen(text), error);
}

static void assert_read(const char *text)
{
	if (read_text(text) != 0)
		fail_msg("%s", error);
}

static void assert_refused(const char *text, const char *expected)
{
	struct fg_conf before = conf;

	assert_int_equal(read_text(text), FG_MALFORMED);
	assert_string_equal(error, expected);
	assert_memory_equal(&conf, &before, sizeof(conf));
}

static void test_nothing_said(void **state)
{
	(void)state;
	assert_read("");
	assert_string_equal(conf.control.socket, "/run/flowgate/flowgate.sock");
	assert_string_equal(conf.http.address, "127.0.0.1");
	assert_int_equal(conf.http.port, 9185);
	assert_int_equal(conf.policy.protects, 1);
	assert_int_equal(conf.policy.ports, 0);
	assert_int_equal(conf.policy.limits.slots, (1 << 17) - FG_PROTECT_MAX);
}

static void test_box(void **state)
{
	const struct fg_policy *p = &conf.policy;

	(void)state;
	assert_read("site ams ams1\nshadow on\nredirect-to-ip allow;\n"
		    "interface eth0 { mode generic; on-failure closed; malformed drop; no-neighbour drop; }\n"
		    "port-pair eth1 eth2 {\n mode native;\n}\n"
		    "redirect 65000:100 { interface eth3; next-hop 192.0.2.1; }\n"
		    "redirect \"[2001:db8::1]:7\" { next-hop 2001:db8::2; }\n");
	assert_int_equal(p->sites, 2);
	assert_string_equal(p->site[1], "ams1");
	assert_true(p->shadow && p->redirect_to_ip);
	assert_int_equal(p->ports, 3);
	assert_string_equal(p->port[0].name, "eth0");
	assert_string_equal(p->port[0].peer, "");
	assert_int_equal(p->port[0].mode, FG_XDP_GENERIC);
	assert_int_equal(p->port[0].on_failure, FG_FAIL_CLOSED);
	assert_true(p->port[0].drop_malformed && p->port[0].drop_no_neighbour);
	assert_string_equal(p->port[1].peer, "eth2");
	assert_string_equal(p->port[2].peer, "eth1");
	assert_int_equal(p->port[2].mode, FG_XDP_NATIVE);
	assert_int_equal(p->targets, 2);
	/* As a rule has it, type and all: the gate compares both. */
	assert_memory_equal(p->target[0].rt, "\x80\x08\xfd\xe8\0\0\0\x64", 8);
	assert_string_equal(p->target[0].interface, "eth3");
	assert_true(p->target[1].rt6);
	assert_int_equal(p->target[1].next_hop.family, FG_IPV6);
}

static void test_limits_and_protect(void **state)
{
	const struct fg_policy *p = &conf.policy;

	(void)state;
	assert_read("limits { bytes 64M; rule { lines 9; } source det { slots 5; prefix 192.0.2.0/24; prefix "
		    "2001:db8::/32; } }\n"
		    "protect {\n"
		    "  name bgp match destination 192.0.2.1/32 protocol tcp port 179;\n"
		    "  name ping match protocol icmp icmp-type echo-request then accept;\n"
		    "}\n"
		    "site x\n");
	assert_int_equal(p->limits.bytes, 64 << 20);
	assert_int_equal(p->limits.rule.lines, 9);
	assert_int_equal(p->limits.source[0].slots, 5);
	assert_int_equal(p->scopes, 2);
	assert_string_equal(p->scope[1].source, "det");
	assert_int_equal(p->scope[0].prefix.length, 24);
	assert_int_equal(p->scope[1].family, FG_IPV6);
	assert_int_equal(p->protects, 3);
	assert_string_equal(p->protect[1].name, "bgp");
	assert_memory_equal(p->protect[1].nlri, "\x01\x20\xc0\x00\x02\x01\x03\x81\x06\x04\x81\xb3", 12);
	assert_int_equal(p->sites, 1);
}

static void test_services(void **state)
{
	(void)state;
	assert_read("control { socket /tmp/a/s; group adm; user nobody; admin uid 7; operator gid noc; others none; }\n"
		    "http { listen \"[::1]:80\"; }\n"
		    "store { path /a; pins /b; image 128M; slots 1000; history 5; lock-memory on; }\n"
		    "rules { file /etc/flowgate/a; file \"/etc/flow gate/b\"; }\n");
	assert_string_equal(conf.control.socket, "/tmp/a/s");
	assert_int_equal(conf.control.roles, 2);
	assert_true(conf.control.role[0].known && !conf.control.role[1].known && conf.control.role[1].group);
	assert_int_equal(conf.control.role[1].role, FG_ROLE_OPERATOR);
	assert_int_equal(conf.control.others, FG_ROLE_NONE);
	assert_string_equal(conf.http.address, "::1");
	assert_int_equal(conf.store.image_octets, 128 << 20);
	assert_int_equal(conf.policy.limits.bytes, 128 << 20);
	assert_int_equal(conf.policy.limits.slots, 1000 - FG_PROTECT_MAX);
	assert_true(conf.store.lock_memory);
	assert_int_equal(conf.rule_files, 2);
	assert_string_equal(conf.rule_file[1], "/etc/flow gate/b");
	assert_read("http { listen none; }");
	assert_string_equal(conf.http.address, "");
}

static void test_errors(void **state)
{
	static const struct {
		const char *text, *error;
	} wrong[] = {
		{ "sites a",
		  "f:1:1: unexpected 'sites', expected 'limits', 'protect', 'site', 'interface', 'port-pair', "
		  "'redirect', 'redirect-to-ip', 'shadow', 'control', 'http', 'store', 'rules', 'bgp', 'peer' or "
		  "'dpdk'" },
		{ "\n interface eth0 { speed 7; }",
		  "f:2:19: unexpected 'speed', expected 'mode', 'on-failure', 'malformed' or 'no-neighbour'" },
		{ "interface eth0 { mode fast; }",
		  "f:1:23: unexpected 'fast', expected 'auto', 'native' or 'generic'" },
		{ "interface eth0 { on-failure ajar; }", "f:1:29: unexpected 'ajar', expected 'open' or 'closed'" },
		{ "interface eth0;",
		  "f:1:1: unexpected 'interface', expected the name of an interface and '{' behind it" },
		{ "interface { }",
		  "f:1:1: unexpected 'interface', expected the name of an interface and '{' behind it" },
		{ "interface a b { }", "f:1:13: unexpected 'b', expected '{'" },
		{ "interface abcdefghijklmnop { }",
		  "f:1:11: unexpected 'abcdefghijklmnop', expected at most 15 octets" },
		{ "port-pair a a { }", "f:1:13: unexpected 'a', expected each interface once" },
		{ "interface a { }\ninterface a { }", "f:2:11: unexpected 'a', expected each interface once" },
		{ "shadow maybe", "f:1:8: unexpected 'maybe', expected 'off' or 'on'" },
		{ "shadow", "f:1:1: unexpected 'shadow', expected 'off' or 'on' behind it" },
		{ "shadow on off", "f:1:11: unexpected 'off', expected ';' or end of line" },
		{ "redirect x { }",
		  "f:1:10: unexpected 'x', expected a route target such as 65000:100, 192.0.2.1:100 or "
		  "\"[2001:db8::1]:100\"" },
		{ "http { listen 9185; }", "f:1:15: unexpected '9185', expected ADDRESS:PORT or 'none'" },
		{ "http { listen 1.2.3.4:0; }", "f:1:15: unexpected '1.2.3.4:0', expected ADDRESS:PORT such as "
						"127.0.0.1:9185 or \"[::1]:9185\", or 'none'" },
		{ "store { image 200M; }",
		  "f:1:15: unexpected '200M', expected a power of two such as 128M, 256M or 1G" },
		{ "store { image 64M; }", "f:1:15: unexpected '64M', expected 128M to 64G" },
		{ "store { path var; }", "f:1:14: unexpected 'var', expected a path that begins with '/'" },
		{ "control { admin alice; }",
		  "f:1:11: unexpected 'admin', expected 'uid' or 'gid' and a name or number behind it" },
		{ "control { admin user alice; }", "f:1:17: unexpected 'user', expected 'uid' or 'gid'" },
		{ "dpdk { }", "f:1:1: unexpected 'dpdk', expected 'cores' in it" },
		{ "dpdk { cores 1; }\ndpdk { cores 2; }", "f:2:1: unexpected 'dpdk', expected one block 'dpdk'" },
		{ "dpdk { cores 1; lanes 2; }", "f:1:17: unexpected 'lanes', expected 'port', 'cores', 'main-core', "
						"'memory', 'mbufs', 'patterns', 'behind', 'eal' or 'run'" },
		{ "dpdk { cores 3-1; }",
		  "f:1:14: unexpected '3-1', expected cores such as 1-3 or 5, each once, of 0 to 1023" },
		{ "dpdk { cores 1 1; }",
		  "f:1:16: unexpected '1', expected cores such as 1-3 or 5, each once, of 0 to 1023" },
		{ "dpdk { cores 1024; }",
		  "f:1:14: unexpected '1024', expected cores such as 1-3 or 5, each once, of 0 to 1023" },
		{ "dpdk { cores 1,; }",
		  "f:1:14: unexpected '1,', expected cores such as 1-3 or 5, each once, of 0 to 1023" },
		{ "dpdk { cores 0-32; }", "f:1:14: unexpected '0-32', expected at most 32 cores" },
		{ "dpdk { main-core x; }", "f:1:18: unexpected 'x', expected a core of 0 to 1023" },
		{ "dpdk { mbufs 12; }", "f:1:14: unexpected '12', expected 1k to 16M packet buffers" },
		{ "dpdk { patterns 65M; }", "f:1:17: unexpected '65M', expected 0 to 64M octets" },
		{ "dpdk { behind 2M; }", "f:1:15: unexpected '2M', expected 0 to 1M bursts" },
		{ "dpdk { memory shm; }", "f:1:15: unexpected 'shm', expected a path that begins with '/'" },
		{ "dpdk { port a,b 0; }", "f:1:13: unexpected 'a,b', expected a name without '=' and ','" },
		{ "dpdk { port a 0; port a 1; }", "f:1:23: unexpected 'a', expected each port once" },
		{ "dpdk { cores 1; port a 0; port b 1; }",
		  "f:1:22: unexpected 'a', expected a port that stands in a 'port-pair'" },
		{ "port-pair a c { }\ndpdk { cores 1; port a 0; port b 1; }",
		  "f:1:13: unexpected 'c', expected the name of a 'port' of 'dpdk'" },
		{ "interface e { }\ndpdk { cores 1; }",
		  "f:1:11: unexpected 'e', expected no 'interface': with a block 'dpdk' packets never go to the host, "
		  "and ports stand in 'port-pair'; a box that wants both runs two daemons" },
		{ "port-pair a b { mode native; }\ndpdk { cores 1; port a 0; port b 1; }",
		  "f:1:11: unexpected 'a', expected no 'mode': a device of DPDK has none" },
		{ "redirect 1:2 { interface e; mac 02:00:00:00:00:01; }",
		  "f:1:10: unexpected '1:2', expected no 'mac': only a block 'dpdk' makes use of it" },
		{ "redirect 1:2 { mac 03:00:00:00:00:01; }", "f:1:20: unexpected '03:00:00:00:00:01', expected the "
							     "address of one station such as \"02:00:00:00:00:01\"" },
		{ "redirect 1:2 { mac 02:00:00:00:00:1x; }", NULL },
		{ "redirect 1:2 { interface e; }\ndpdk { cores 1; }",
		  "f:1:10: unexpected '1:2', expected an 'interface' that is a 'port' of 'dpdk'" },
		{ "port-pair a b { }\nredirect 1:2 { interface a; }\ndpdk { cores 1; port a 0; port b 1; }",
		  "f:2:10: unexpected '1:2', expected the 'mac' of the next hop, for DPDK asks no one for it" },
		{ "limits { bites 1; }", "f:1:10: unexpected 'bites 1', expected bytes, lines, slots, mtu, "
					 "shortest-ipv4, shortest-ipv6, pattern-bytes or scan-octets" },
		{ "limits { source a { prefix 192.0.2.0/33; } }",
		  "f:1:28: unexpected '192.0.2.0/33', expected a prefix such as 192.0.2.0/24 or 2001:db8::/32" },
		{ "limits { source a { prefix 9; } }", "f:1:28: unexpected '9', expected prefix" },
		{ "protect { match port 179; }", "f:1:11: unexpected 'match', expected '}' or 'name'" },
		{ "protect { name a match port 179 then discard; }",
		  "f:1:38: unexpected 'discard', expected 'accept'" },
		{ "protect { name a match dscp 101; }", NULL },
		{ "match port 1 then discard",
		  "f:1:1: unexpected 'match', expected 'limits', 'protect', 'site', 'interface', "
		  "'port-pair', 'redirect', 'redirect-to-ip', 'shadow', 'control', 'http', "
		  "'store', 'rules', 'bgp', 'peer' or 'dpdk'" },
		{ "control {\n socket /x\n", "f:3:1: unexpected end of file, expected ';' or word" },
		{ "}", "f:1:1: unexpected '}', expected 'limits', 'protect' or word" },
		{ "store { slots 100000; } limits { slots 200000; }",
		  "f: limits are above what 'store' holds: 99872 rules and 268435456 octets of image" },
	};

	(void)state;
	assert_read("");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (wrong[i].error != NULL)
			assert_refused(wrong[i].text, wrong[i].error);
		else
			assert_int_equal(read_text(wrong[i].text), FG_MALFORMED);
	}
}

static void test_dpdk(void **state)
{
	const struct fg_target_config *t = &conf.policy.target[0];

	(void)state;
	assert_read("");
	assert_false(conf.dpdk.used || conf.policy.dpdk);
	assert_read("port-pair wan lan { on-failure closed; malformed drop; }\n"
		    "redirect 65000:1 { interface lan; next-hop 192.0.2.1; mac 02:00:00:00:00:aF; }\n"
		    "dpdk {\n port wan 0000:03:00.0;\n port lan net_af_packet0,iface=eth1,qpairs=1;\n"
		    " cores 1-3,5 7;\n main-core 0;\n memory /dev/hugepages/flowgate;\n mbufs 64k;\n patterns 8M; "
		    "behind 9;\n"
		    " eal --no-pci -a 0000:03:00.0;\n eal \"--log-level=lib.eal,4\";\n run off;\n}\n");
	assert_true(conf.dpdk.used && conf.policy.dpdk);
	assert_int_equal(conf.dpdk.ports, 2);
	assert_string_equal(conf.dpdk.port[1].name, "lan");
	assert_string_equal(conf.dpdk.port[1].device, "net_af_packet0,iface=eth1,qpairs=1");
	assert_string_equal(conf.dpdk.cores, "1-3,5,7");
	assert_int_equal(conf.dpdk.workers, 10);
	assert_int_equal(conf.dpdk.main_core, 0);
	assert_string_equal(conf.dpdk.memory, "/dev/hugepages/flowgate");
	assert_int_equal(conf.dpdk.mbufs, 64 << 10);
	assert_int_equal(conf.dpdk.patterns, 8 << 20);
	assert_int_equal(conf.policy.behind_bursts, 9);
	assert_int_equal(conf.dpdk.eals, 4);
	assert_string_equal(conf.dpdk.eal[3], "--log-level=lib.eal,4");
	assert_false(conf.dpdk.run);
	assert_string_equal(t->interface, "lan");
	assert_true(t->has_mac);
	assert_memory_equal(t->mac, "\2\0\0\0\0\xaf", 6);
	assert_string_equal(conf.policy.port[0].peer, "lan");
}

static void test_dpdk_nothing_said(void **state)
{
	(void)state;
	assert_read("dpdk { cores 4; }");
	assert_string_equal(conf.dpdk.memory, "/dev/shm/flowgate");
	assert_int_equal(conf.dpdk.workers, 2);
	assert_int_equal(conf.dpdk.main_core, FG_CONF_CORE_NONE);
	assert_int_equal(conf.dpdk.mbufs, 0);
	assert_int_equal(conf.dpdk.patterns, FG_CONF_PATTERNS_DEFAULT);
	assert_int_equal(conf.policy.behind_bursts, FG_CONF_BEHIND_DEFAULT);
	assert_true(conf.dpdk.run);
}

/* One more than there is room for is an error, not an overrun. */
static void test_bounds(void **state)
{
	static const struct {
		const char *head, *each, *tail;
		int most;
	} lists[] = {
		{ "", "interface i%d { }\n", "", FG_PORTS_MAX },
		{ "", "redirect 1:%d { }\n", "", FG_TARGETS_MAX },
		{ "", "site s%d\n", "", FG_SITES_MAX },
		{ "dpdk { cores 1; ", "eal x%d; ", "}", FG_CONF_EAL_MAX },
		{ "control { ", "read uid %d; ", "}", FG_CONF_ROLES_MAX },
		{ "rules { ", "file /%d; ", "}", FG_CONF_RULE_FILES_MAX },
		{ "limits { source a { ", "prefix 2001:db8:%d::/48; ", "} }", FG_SCOPES_MAX },
		{ "protect { ", "name p match port %d; ", "}", FG_PROTECT_MAX - 1 },
	};
	static char text[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (int more = 0; more < 2; more++) {
			size_t len = (size_t)snprintf(text, sizeof(text), "%s", lists[i].head);

			for (int n = 1; n <= lists[i].most + more; n++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
				len += (size_t)snprintf(text + len, sizeof(text) - len, lists[i].each, n);
#pragma GCC diagnostic pop
			}
			snprintf(text + len, sizeof(text) - len, "%s", lists[i].tail);
			assert_int_equal(read_text(text), more ? FG_MALFORMED : 0);
		}
	}
}

/* Every prefix of a configuration is read or refused, never worse. */
static void test_truncated(void **state)
{
	static const char text[] = "site a;\nlimits { bytes 64M; source s { prefix 10.0.0.0/8; slots 3; } }\n"
				   "protect { name b match port 179; }\ninterface e { mode auto; }\n"
				   "control { admin uid 0; }\nhttp { listen \"[::1]:1\"; }\n";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		int r = fg_conf_read(&conf, "f", text, len, error);

		assert_true(r == 0 || r == FG_MALFORMED);
	}
}

static void test_file(void **state)
{
	char path[] = "/tmp/fg-conf-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "site a\n", 7), 7);
	close(fd);
	assert_int_equal(fg_conf_file(&conf, path, error), 0);
	assert_string_equal(conf.policy.site[0], "a");
	unlink(path);
	assert_int_equal(fg_conf_file(&conf, path, error), -ENOENT);
	assert_non_null(strstr(error, "No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_said),
		cmocka_unit_test(test_box),
		cmocka_unit_test(test_limits_and_protect),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_dpdk),
		cmocka_unit_test(test_dpdk_nothing_said),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
