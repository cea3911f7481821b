/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule language: every condition, action, attribute and spelling; the words of errors; what is refused and what is
 * no rule at all; text that is printed reads back.
 */
#include "tests/unit/text/seen.h"

#include <errno.h>
#include <stdlib.h>

#include "ctrl/rule/print.h"

/* The conditions alone make this NLRI, and its text makes it again. */
static void assert_nlri(const char *conditions, const char *hex)
{
	static char line[FG_TEXT_MAX], got[2 * FG_NLRI_MAX + 1];

	snprintf(line, sizeof(line), "match %s then discard", conditions);
	for (int pass = 0; pass < 2; pass++) {
		if (read_text(line) != 0)
			fail_msg("%s: %s", line, seen.error);
		assert_int_equal(seen.rules, 1);
		assert_int_equal(seen.rule[0].refused, FG_OK);
		got[0] = '\0';
		for (size_t i = 0; i < seen.rule[0].rule.nlri_len; i++)
			snprintf(got + 2 * i, 3, "%02x", seen.nlri[0][i]);
		if (strcmp(got, hex) != 0)
			fail_msg("%s: %s, expected %s", line, got, hex);
		assert_int_equal(fg_nlri_check(&seen.rule[0].rule, NULL), 0);
		assert_true(fg_rule_print(&seen.rule[0].rule, line, sizeof(line)) > 0);
	}
}

/* The actions are these, and their text reads back to the same. */
static const struct fg_actions *assert_actions(const char *actions, uint32_t set)
{
	static char line[FG_TEXT_MAX];
	static struct fg_actions first;

	snprintf(line, sizeof(line), "match port 53 then %s", actions);
	for (int pass = 0; pass < 2; pass++) {
		if (read_text(line) != 0)
			fail_msg("%s: %s", line, seen.error);
		assert_int_equal(seen.rule[0].rule.actions.set, set);
		if (pass == 0)
			first = seen.rule[0].rule.actions;
		assert_true(fg_actions_equal(&first, &seen.rule[0].rule.actions));
		assert_true(fg_rule_print(&seen.rule[0].rule, line, sizeof(line)) > 0);
	}
	return &first;
}

static void assert_refused(const char *conditions, enum fg_reason code, uint8_t component)
{
	static char line[65536];

	snprintf(line, sizeof(line), "name N match %s then discard", conditions);
	assert_int_equal(read_text(line), 0);
	assert_int_equal(seen.rules, 1);
	assert_int_equal(seen.rule[0].refused, code);
	assert_int_equal(seen.rule[0].why.code, code);
	assert_int_equal(seen.rule[0].why.component, component);
	assert_int_equal(seen.rule[0].rule.nlri_len, 0);
	assert_string_equal(seen.rule[0].rule.name, "N");
	assert_true(seen.rule[0].why.detail[0] != '\0' && seen.rule[0].why.source[0] != '\0');
}

static void test_prefixes(void **state)
{
	(void)state;
	assert_nlri("destination 192.0.2.0/24", "0118c00002");
	assert_nlri("destination 192.0.2.77/24", "0118c00002");
	assert_nlri("destination-ipv4 192.0.2.1", "0120c0000201");
	assert_nlri("source 0.0.0.0/0", "0200");
	assert_nlri("destination 2001:db8::1", "01800020010db8000000000000000000000001");
	assert_nlri("source ::/0", "020000");
	assert_nlri("source-ipv6 2001:db8:1:2::/64/32", "02402000010002");
	assert_nlri("destination ::1234:5678:9800:0/104/64", "0168401234567898");
}

static void test_prefixes_refused(void **state)
{
	(void)state;
	assert_error("match destination 10.0.0.0/33 then discard",
		     "f:1:19: unexpected '10.0.0.0/33', expected an IPv4 prefix of length 0 to 32 or an IPv6 prefix of "
		     "length 0 to "
		     "128, its offset below the length");
	assert_int_equal(read_text("match destination ::/129 then discard"), FG_MALFORMED);
	assert_int_equal(read_text("match destination ::/64/64 then discard"), FG_MALFORMED);
	assert_int_equal(read_text("match destination 10.0.0.0/24/8 then discard"), FG_MALFORMED);
	assert_int_equal(read_text("match destination 10.0.0.256 then discard"), FG_MALFORMED);
	assert_error("match destination 10/8 then discard", "f:1:19: unexpected '10/8', expected address or prefix");
	assert_error("match destination 10.0.0.1 source ::/0 then discard",
		     "f:1:35: unexpected '::/0', expected an IPv4 prefix");
	assert_error("match family ipv6 source 10.0.0.0/8 then discard",
		     "f:1:26: unexpected '10.0.0.0/8', expected an IPv6 prefix");
}

static void test_numbers(void **state)
{
	(void)state;
	assert_nlri("protocol udp", "038111");
	assert_nlri("protocol =udp", "038111");
	assert_nlri("protocol ==17", "038111");
	assert_nlri("protocol UDP", "038111");
	assert_nlri("next-header tcp", "038106");
	assert_nlri("port 53", "048135");
	assert_nlri("port 0x35", "048135");
	assert_nlri("port dns", "048135");
	assert_nlri("port discard", "048109");
	assert_nlri("destination-port 1024-2047", "05130400d507ff");
	assert_nlri("dport >=5000&<=6000", "05131388d51770");
	assert_nlri("dport >=5000 & <=6000", "05131388d51770");
	assert_nlri("sport !=0", "068600");
	assert_nlri("source-port <5", "068405");
	assert_nlri("source-port >5", "068205");
	assert_nlri("icmp-type echo-request", "078108");
	assert_nlri("family ipv6 icmp-type echo-request", "078180");
	assert_nlri("icmp-type echo-request source ::/0", "020000078180");
	assert_nlri("icmp-type redirect", "078105");
	assert_nlri("icmp-code port-unreachable", "088103");
	assert_nlri("packet-length [ 99971 99985 ]", "0a2100018683a100018691");
	assert_nlri("packet-length 18446744073709551615", "0ab1ffffffffffffffff");
	assert_nlri("dscp ef", "0b812e");
	assert_nlri("flow-label 5", "0d8105");
	assert_nlri("label 1048575", "0da1000fffff");
	assert_nlri("port true", "048700");
	assert_nlri("port false", "048000");
	assert_nlri("port [ 53 123 1024-2047 >=5000&<=6000 !=0 ]", "040135017b1304005507ff1313885517708600");
	assert_nlri("port [\n53\n#dns\n123 ]", "040135817b");
}

static void test_flags(void **state)
{
	(void)state;
	assert_nlri("tcp-flags syn", "098002");
	assert_nlri("tcp-flags =syn+ack", "098112");
	assert_nlri("tcp-flags ==syn", "098102");
	assert_nlri("tcp-flags syn+ack", "098012");
	assert_nlri("tcp-flags !ack", "098210");
	assert_nlri("tcp-flags !=fin", "098301");
	assert_nlri("tcp-flags SA", "098012");
	assert_nlri("tcp-flags =syn&!ack", "090102c210");
	assert_nlri("tcp-flags [ syn =fin&!ack 0x12 ]", "090002010142108012");
	assert_nlri("tcp-flags ns", "09900100");
	assert_nlri("tcp-flags true", "098100");
	assert_nlri("tcp-flags false", "098000");
	assert_nlri("fragment [ dont-fragment is-fragment first-fragment last-fragment ]", "0c0001000200048008");
	assert_nlri("fragment !is-fragment", "0c8202");
	assert_error(
		"match fragment not-a-fragment then discard",
		"f:1:16: unexpected 'not-a-fragment', expected 'dont-fragment', 'is-fragment', 'first-fragment' or "
		"'last-fragment'");
	assert_error(
		"match tcp-flags sa then discard",
		"f:1:17: unexpected 'sa', expected 'fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr' or 'ns'");
}

/* RFC 8955 §4.2: increasing types, each at most once. */
static void test_order(void **state)
{
	(void)state;
	assert_nlri("fragment is-fragment port 53 source 198.51.100.0/24 destination 203.0.113.0/24",
		    "0118cb00710218c633640481350c8002");
	assert_error("match port 5 protocol tcp port 6 then discard",
		     "f:1:27: unexpected second 'port', expected it once in a rule");
	assert_error("match dport 5 destination-port 6 then discard",
		     "f:1:15: unexpected second 'destination-port', expected it once in a rule");
}

static void test_raw(void **state)
{
	struct fg_text_reader full = { .rule = on_rule, .ctx = &seen, .full_offsets = true };
	static const char text[] = "match nlri 0118c00002 then discard";

	(void)state;
	assert_nlri("nlri 0118c00002", "0118c00002");
	assert_nlri("family ipv6 nlri 03910006", "03910006");
	assert_int_equal(seen.rule[0].rule.offset_form, FG_OFFSET_STRICT);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(fg_text_read("f", text, strlen(text), &full, seen.error), 0);
	assert_int_equal(seen.rule[0].rule.offset_form, FG_OFFSET_FULL);
	assert_error("match nlri 012 then discard", "f:1:12: unexpected '012', expected an even number of hex digits");
	assert_error("match nlri 01zz then discard", "f:1:12: unexpected '01zz', expected hex digits");
	assert_error("match nlri 0100 port 5 then discard",
		     "f:1:17: unexpected 'port', expected no condition beside 'nlri'");
	assert_error("match port 5 nlri 0100 then discard",
		     "f:1:14: unexpected 'nlri', expected no other condition beside 'nlri'");
	assert_error("match nlri\nthen discard", "f:1:11: unexpected end of line, expected hex octets");
}

static void test_refused(void **state)
{
	static char list[32768] = "port [";

	(void)state;
	assert_refused("dscp 300", FG_NEVER_MATCHES, FG_DSCP);
	assert_refused("dscp [ 10 64 ]", FG_NEVER_MATCHES, FG_DSCP);
	assert_refused("tcp-flags 0x10000", FG_NEVER_MATCHES, FG_TCP_FLAGS);
	assert_refused("fragment 256", FG_NEVER_MATCHES, FG_FRAGMENT);
	assert_refused("destination 192.0.2.1 flow-label 5", FG_MALFORMED, FG_FLOW_LABEL);
	assert_int_equal(read_text("match dscp 63 then discard"), 0);
	assert_int_equal(seen.rule[0].refused, FG_OK);
	for (int i = 0; i < FG_TERMS_MAX - 1; i++)
		strcat(list, " 53");
	strcat(list, " 300 ]"); /* two octets too many */
	assert_refused(list, FG_MALFORMED, FG_PORT);
	strcpy(list + strlen(list) - 6, " 1 2 3 4 ]"); /* more terms than any NLRI has */
	assert_refused(list, FG_MALFORMED, 0);
}

/* 4095 octets are an NLRI: a type and 2047 terms of two octets (RFC 8955 §4.1). */
static void test_longest(void **state)
{
	static char line[16384];
	static const char octets[] = "00";

	(void)state;
	strcpy(line, "match port [");
	for (int i = 0; i < FG_TERMS_MAX; i++)
		strcat(line, " 53");
	strcat(line, " ] then discard");
	assert_int_equal(read_text(line), 0);
	assert_int_equal(seen.rule[0].refused, FG_OK);
	assert_int_equal(seen.rule[0].rule.nlri_len, FG_NLRI_MAX);
	strcpy(line, "match nlri ");
	for (int i = 0; i < FG_NLRI_MAX; i++)
		strcat(line, octets);
	strcat(line, " then discard");
	assert_int_equal(read_text(line), 0);
	assert_int_equal(seen.rule[0].rule.nlri_len, FG_NLRI_MAX);
	strcpy(line + strlen(line) - strlen(" then discard"), "00 then discard");
	assert_int_equal(read_text(line), 0);
	assert_int_equal(seen.rule[0].refused, FG_MALFORMED);
	assert_int_equal(seen.rule[0].rule.nlri_len, 0);
}

static void test_actions(void **state)
{
	static const uint8_t as2[] = { 0x80, 0x08, 0xfd, 0xe8, 0, 0, 0, 100 };
	static const uint8_t ip[] = { 0x81, 0x08, 192, 0, 2, 1, 0x03, 0xe8 };
	static const uint8_t as4[] = { 0x82, 0x08, 0, 0x98, 0x96, 0x80, 0x03, 0xe8 };
	static const uint8_t wide[] = { 0x82, 0x08, 0, 0, 0, 100, 0, 5 };
	static const uint8_t rt6[] = { 0x00, 0x0d, 0x20, 0x01, 0x0d, 0xb8, 0, 0,    0,    0,
				       0,    0,    0,    0,    0,    0,    0, 0x68, 0x03, 0xe8 };

	(void)state;
	assert_actions("discard", FG_ACT_DISCARD);
	assert_actions("accept", 0);
	assert_actions("sample continue", FG_ACT_SAMPLE | FG_ACT_CONTINUE);
	assert_actions("next-term", FG_ACT_CONTINUE);
	assert_int_equal(assert_actions("mark ef", FG_ACT_MARK)->dscp, 46);
	assert_int_equal(assert_actions("mark 63", FG_ACT_MARK)->dscp, 63);
	assert_memory_equal(assert_actions("redirect 65000:100", FG_ACT_REDIRECT_RT)->rt, as2, sizeof(as2));
	assert_memory_equal(assert_actions("redirect 192.0.2.1:1000", FG_ACT_REDIRECT_RT)->rt, ip, sizeof(ip));
	assert_memory_equal(assert_actions("redirect 10000000:1000", FG_ACT_REDIRECT_RT)->rt, as4, sizeof(as4));
	assert_memory_equal(assert_actions("redirect 100L:5", FG_ACT_REDIRECT_RT)->rt, wide, sizeof(wide));
	assert_memory_equal(assert_actions("redirect [2001:db8::68]:1000", FG_ACT_REDIRECT_RT | FG_ACT_RT6)->rt, rt6,
			    sizeof(rt6));
	assert_int_equal(assert_actions("redirect-to-ip 192.0.2.9", FG_ACT_REDIRECT_IP)->next_hop.octets[3], 9);
	assert_int_equal(assert_actions("copy-to-ip 2001:db8::9", FG_ACT_REDIRECT_IP | FG_ACT_COPY)->next_hop.family,
			 FG_IPV6);
}

static void assert_rate(const char *word, double rate)
{
	char action[512];

	snprintf(action, sizeof(action), "rate-limit %s", word);
	assert_true(assert_actions(action, FG_ACT_RATE_BYTES)->rate_bytes_per_s == (float)rate);
}

static void test_rates(void **state)
{
	(void)state;
	assert_rate("1250000", 1250000);
	assert_rate("10k", 10e3);
	assert_rate("10M", 10e6);
	assert_rate("10m", 10e6);
	assert_rate("2G", 2e9);
	assert_rate("80Mbit", 10e6);
	assert_rate("8bit", 1);
	assert_rate("1.5", 1.5);
	assert_rate("340282346638528859811704183484516925440", 340282346638528859811704183484516925440.0);
	assert_rate("1e-45", 1e-45);
	assert_true(assert_actions("rate-limit-packets 5k", FG_ACT_RATE_PACKETS)->rate_packets_per_s == 5000);
	assert_actions("rate-limit 0", FG_ACT_DISCARD);
	assert_actions("rate-limit-packets 0", FG_ACT_DISCARD);
	assert_error("match port 5 then rate-limit 1e39",
		     "f:1:30: unexpected '1e39', expected octets per second such as 1250000, 10M or 80Mbit");
	assert_error("match port 5 then rate-limit-packets 8bit",
		     "f:1:38: unexpected '8bit', expected packets per second such as 5000 or 10k");
	assert_error("match port 5 then rate-limit ten", "f:1:30: unexpected 'ten', expected number or amount");
}

static void test_actions_refused(void **state)
{
	(void)state;
	assert_error("match port 5 then discard accept",
		     "f:1:27: unexpected 'accept', expected no 'accept' beside 'discard'");
	assert_error("match port 5 then accept discard",
		     "f:1:26: unexpected 'discard', expected no 'discard' beside 'accept'");
	assert_error("match port 5 then accept rate-limit 0",
		     "f:1:37: unexpected '0', expected a rate above 0 beside 'accept'");
	assert_error("match port 5 then sample sample",
		     "f:1:26: unexpected second 'sample', expected it once in a rule");
	assert_error("match port 5 then redirect-to-ip ::1 copy-to-ip ::2",
		     "f:1:38: unexpected second 'copy-to-ip', expected it once in a rule");
	assert_error("match port 5 then mark 64", "f:1:24: unexpected '64', expected a DSCP of 0 to 63 or its name");
	assert_error("match port 5 then mark fast",
		     "f:1:24: unexpected 'fast', expected a DSCP of 0 to 63 or its name");
	assert_error("match port 5 then redirect 70000:70000",
		     "f:1:28: unexpected '70000:70000', expected a route target such as 65000:100, 192.0.2.1:100 or "
		     "[2001:db8::1]:100");
	assert_error("match port 5 then redirect 2001:db8::68:1000",
		     "f:1:28: unexpected '2001:db8::68:1000', expected route target");
	assert_error("match port 5 then redirect-to-ip 1.2.3.400",
		     "f:1:34: unexpected '1.2.3.400', expected an IPv4 or IPv6 address");
	assert_error("match port 5 then ttl 5m",
		     "f:1:1: unexpected rule without action, expected one such as 'discard' or 'accept'");
}

static void test_attributes(void **state)
{
	const struct fg_text_rule *r = &seen.rule[0];

	(void)state;
	assert_int_equal(read_text("\n ttl 10m name N-1 owner noc match ticket CHG/42 port 53 payload "
				   "\"/a\\\"b\\\\/i\" then discard site "
				   "ams1 source-name portal # why\n"),
			 0);
	assert_int_equal(seen.rules, 1);
	assert_string_equal(r->rule.name, "N-1");
	assert_string_equal(r->owner, "noc");
	assert_string_equal(r->ticket, "CHG/42");
	assert_string_equal(r->site, "ams1");
	assert_string_equal(r->source, "portal");
	assert_string_equal(seen.payload, "/a\\\"b\\\\/i");
	assert_int_equal(r->ttl_s, 600);
	assert_int_equal(r->line, 2);
	assert_int_equal(r->column, 2);
	assert_int_equal(read_text("name \"a b\" match port 5 then accept ttl 1w;match port 6 then accept"), 0);
	assert_string_equal(r->rule.name, "a b");
	assert_int_equal(r->ttl_s, 604800);
	assert_int_equal(seen.rules, 2);
	assert_string_equal(seen.rule[1].rule.name, "");
	assert_int_equal(seen.rule[1].ttl_s, 0);
	assert_null(seen.rule[1].payload);
	assert_int_equal(seen.rule[1].column, 44);
}

static void test_attributes_refused(void **state)
{
	static const char ttl[] = ", expected a time above 0 such as 90, 30s, 10m, 2h, 1d or 1w";
	static const char *const bad[] = { "0", "5k", "5M", "4294967296", "1.5", "99999999999w" };
	char text[128], error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "ttl %s match port 5 then discard", bad[i]);
		snprintf(error, sizeof(error), "f:1:5: unexpected '%s'%s", bad[i], ttl);
		assert_error(text, error);
	}
	assert_error("ttl 5 match port 5 then discard ttl 6",
		     "f:1:33: unexpected second 'ttl', expected it once in a rule");
	assert_error(
		"name 0123456789012345678901234567890123456789012345678901234567890123 match port 5 then discard",
		"f:1:6: unexpected '0123456789012345678901234567890123456789…', expected a name of at most 63 octets");
	assert_error("family ipv5 match port 5 then discard", "f:1:8: unexpected 'ipv5', expected 'ipv4' or 'ipv6'");
	assert_error("match source ::/0 family ipv4 then discard",
		     "f:1:26: unexpected 'ipv4', expected the family of the addresses");
	assert_error("match payload \"\" then discard", "f:1:15: unexpected '\"\"', expected a pattern");
	assert_error(
		"match payload \"/x/\" family ipv6 then discard",
		"f:1:1: unexpected rule that matches everything, expected a condition beside 'payload' and 'family'");
}

static void test_blocks(void **state)
{
	(void)state;
	assert_int_equal(
		read_text("route 203-0-113-7-DNS { match { destination 203.0.113.7/32; port 53; packet-length "
			  "1200-1500; } "
			  "then { discard; } }\n"
			  "route match\n{\n\tttl 5m;\n\tmatch {\n\t\tport [ 53\n 123 ];\n\t\towner a;\n\t}\n\tthen "
			  "discard;\n}\n"
			  "flow {\n route flow { match { port 1; } then { sample; site s; } then rate-limit 5; }\n"
			  " route { match { port 2; } then accept; }\n}\n"
			  "name then match port 3 then accept"),
		0);
	assert_int_equal(seen.rules, 5);
	assert_string_equal(seen.rule[0].rule.name, "203-0-113-7-DNS");
	assert_string_equal(seen.rule[1].rule.name, "match");
	assert_string_equal(seen.rule[1].owner, "a");
	assert_int_equal(seen.rule[1].ttl_s, 300);
	assert_int_equal(seen.rule[1].line, 2);
	assert_string_equal(seen.rule[2].rule.name, "flow");
	assert_int_equal(seen.rule[2].rule.actions.set, FG_ACT_SAMPLE | FG_ACT_RATE_BYTES);
	assert_string_equal(seen.rule[3].rule.name, "");
	assert_int_equal(seen.rule[3].column, 2);
	assert_string_equal(seen.rule[4].rule.name, "then");
	assert_int_equal(read_text(""), 0);
	assert_int_equal(read_text("\r\n;;\n# nothing"), 0);
	assert_int_equal(seen.rules, 0);
}

static void test_errors(void **state)
{
	(void)state;
	assert_error("foo", "f:1:1: unexpected 'foo', expected 'route', 'flow', 'name', 'match', 'limits', 'family' …");
	assert_error("\n\n  }",
		     "f:3:3: unexpected '}', expected 'route', 'flow', 'name', 'match', 'limits', 'family' …");
	assert_error("match porte 5",
		     "f:1:7: unexpected 'porte', expected 'destination', 'source', 'protocol', 'port', "
		     "'destination-port', 'source-port' …");
	assert_error("match port 5\n",
		     "f:1:13: unexpected end of line, expected 'then', 'destination', 'source', 'protocol', "
		     "'port', 'destination-port' …");
	assert_error("match port blah then discard",
		     "f:1:12: unexpected 'blah', expected a number or a standard name of its field");
	assert_error("route X { match { port 5 } }", "f:1:26: unexpected '}', expected ';' or '&'");
	assert_error("route X { match { port 5; } }",
		     "f:1:29: unexpected '}', expected 'then', 'family', 'ttl', 'owner', 'ticket', "
		     "'site' …");
	assert_error("route X { match { } then discard; }",
		     "f:1:19: unexpected '}', expected 'destination', 'source', 'protocol', "
		     "'port', 'destination-port', 'source-port' …");
	assert_error("route X {",
		     "f:1:10: unexpected end of file, expected 'match', 'family', 'ttl', 'owner', 'ticket', 'site' …");
	assert_error("match port [ 5", "f:1:15: unexpected end of file, expected ']', number, range, word, '&', '=' …");
	assert_error("match port [ ] then discard",
		     "f:1:14: unexpected ']', expected number, range, word, '=', '!=', '>=' …");
	assert_error("match port 18446744073709551616 then discard",
		     "f:1:12: unexpected number above 18446744073709551615, "
		     "expected number, range, word, '[', '=', '!=' …");
	assert_error("match payload \"abc\n",
		     "f:1:15: unexpected string without closing quote, expected quoted string");
	assert_error("name\nmatch", "f:1:5: unexpected end of line, expected name");
}

static void test_garbage(void **state)
{
	static const char nul[] = "match port 5\0 then discard";

	(void)state;
	assert_error("\x7f"
		     "ELF",
		     "f:1:1: unexpected octet 0x7f, expected 'route', 'flow', 'name', 'match', 'limits', 'family' …");
	assert_error("match port 5 then discard;\xff",
		     "f:1:27: unexpected octet 0xff, expected 'route', 'flow', 'name', 'match', "
		     "'limits', 'family' …");
	assert_int_equal(seen.rules, 1);
	assert_int_equal(read_octets(nul, sizeof(nul) - 1), FG_MALFORMED);
	assert_non_null(strstr(seen.error, "f:1:13: unexpected octet 0x00, expected "));
	assert_int_equal(read_octets("# \0", 3), FG_MALFORMED);
	for (unsigned int seed = 1; seed < 2000; seed++) {
		char octets[64];

		for (size_t i = 0; i < sizeof(octets); i++)
			octets[i] = (char)(seed * 2654435761u >> (i * 7 % 24) ^ i * seed);
		read_octets(octets, seed % sizeof(octets));
	}
}

/* Every truncation of a valid text is read or answered with a place, and never kept too long. */
static void test_truncated(void **state)
{
	static const char text[] =
		"name N match destination 2001:db8::/64/32 port [ 53 >=5&<=6 ] tcp-flags =syn+ack payload \"/x/\" then "
		"redirect [2001:db8::1]:5 rate-limit 80Mbit\nlimits { bytes 1G; source A { lines 5; } }\n";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		char *exact = malloc(len + 1);
		int r;

		assert_non_null(exact);
		memcpy(exact, text, len);
		r = read_octets(exact, len);
		assert_true(r == 0 || (r == FG_MALFORMED && strncmp(seen.error, "f:", 2) == 0));
		free(exact);
	}
}

static int stop(void *ctx, const struct fg_text_rule *rule)
{
	(void)rule;
	++*(int *)ctx;
	return -EIO;
}

static void test_stop(void **state)
{
	int calls = 0;
	struct fg_text_reader reader = { .rule = stop, .ctx = &calls };
	static const char text[] = "match port 5 then discard\nmatch port 6 then discard\nfoo";
	char error[1024] = "untouched";

	(void)state;
	assert_int_equal(fg_text_read("f", text, strlen(text), &reader, error), -EIO);
	assert_int_equal(calls, 1);
	assert_string_equal(error, "untouched");
}

/* One rule's state at a time: what one rule said is not in the next. */
static void test_many(void **state)
{
	enum { COUNT = 20000, ROOM = 64 };
	char *text = malloc(COUNT * ROOM);
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < COUNT; i++)
		len += (size_t)snprintf(text + len, ROOM, "match destination 10.0.%d.%d then discard\n", i / 256,
					i % 256);
	assert_int_equal(read_octets(text, len), 0);
	assert_int_equal(seen.rules, COUNT);
	assert_int_equal(seen.rule[7].line, 8);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_prefixes_refused),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_actions_refused),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_attributes_refused),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
