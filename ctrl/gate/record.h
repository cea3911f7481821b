/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records between the gate and those that ask it for something: ctrl, which nobody trusts, and the supervisor, which
 * hands over the policy. One message of a SOCK_SEQPACKET socket is a header and what it says; all of fixed layout, in
 * host byte order, of bounded length. The gate checks each field of each record before it looks at anything else; a message that is
 * wrong closes the connection it came by and changes nothing.
 */
#ifndef CTRL_GATE_RECORD_H
#define CTRL_GATE_RECORD_H

#include "ctrl/policy/policy.h"
#include "ctrl/xdp/xdp.h"
#include "flowgate/errors.h"
#include "flowgate/rule.h"

enum {
	FG_RECORD_VERSION = 2,
	FG_MESSAGE_MAX = 128 << 10, /* octets of one message */
	FG_BATCH_MAX = 1 << 20,     /* rules of one batch, over all its messages */
};

enum fg_message_kind {
	/* Asked by ctrl. */
	FG_ASK_BATCH = 1, /* struct fg_batch, then rules: a transaction, or a part of one where `more` */
	FG_ASK_FLUSH,     /* all rules but static ones go, whatever the state */
	FG_ASK_CONFIRM,   /* what waits for it stays */
	FG_ASK_LIST,      /* struct fg_page_ask: rules from a sequence on */
	FG_ASK_STATUS,
	FG_ASK_COUNTERS,   /* struct fg_page_ask: counters from a slot on */
	FG_ASK_SHADOW,     /* struct fg_switch: whole-table shadow mode */
	FG_ASK_QUARANTINE, /* struct fg_quarantine: a hash comes or goes */
	FG_ASK_PATTERNS, /* struct fg_patterns_ask, then texts: payload patterns that a batch will want are compiled */
	/* Asked by the supervisor alone. */
	FG_ASK_POLICY = 64, /* struct fg_policy */
	FG_ASK_CTRL,        /* a socket to ctrl comes with it (SCM_RIGHTS) and replaces the one there was */
	FG_ASK_STOP,        /* struct fg_switch: on: enforcement is taken away; off: it stays */
	FG_ASK_DATABASE,    /* struct fg_database_ask: what FG_SAY_WANTED asked for comes with it (SCM_RIGHTS) */
	/* Answered. */
	FG_SAY_BATCH = 128, /* struct fg_batch_result, then struct fg_batch_finding */
	FG_SAY_DONE,        /* struct fg_done */
	FG_SAY_RULES,       /* struct fg_page, then rules as listed */
	FG_SAY_STATUS,      /* struct fg_status */
	FG_SAY_COUNTERS,    /* struct fg_page, then struct fg_slot_counters */
	/* Said unasked. */
	FG_SAY_EVENT,  /* struct fg_event */
	FG_SAY_SAMPLE, /* struct fg_sample: only where the other side keeps up */
	FG_SAY_WANTED, /* to the supervisor: struct fg_patterns_wanted; a file of texts comes with it (SCM_RIGHTS) */
};

/* `id` of a question comes back in each of its answers; `more`: another message of the same one follows. */
struct fg_message {
	uint16_t version;
	uint16_t kind; /* enum fg_message_kind */
	uint32_t id;
	uint32_t octets; /* of all of the message, this header included */
	uint32_t more;
};

enum fg_record_op { FG_OP_ADD = 1, FG_OP_DELETE };

enum fg_record_flag {
	FG_RECORD_COUNT_ONLY = 1, /* counts what it would have done */
	FG_RECORD_STATIC = 2,     /* of a file of the configuration: a flush leaves it */
	FG_RECORD_BGP = 4,        /* a peer has announced it, and takes it back: it is not kept on disk */
};

/* Who wants a rule and why. */
struct fg_owner {
	char source[FG_NAME_MAX + 1]; /* "operator", "file", or a peer's name; with the NLRI the rule's identity */
	char owner[FG_NAME_MAX + 1];
	char ticket[FG_NAME_MAX + 1];
	char site[FG_NAME_MAX + 1]; /* "": everywhere */
};

/* The payload pattern of a rule as it was written, part of the rule's identity. No octets: it has none. */
struct fg_pattern_text {
	const char *at; /* not terminated */
	uint32_t octets;
};

/*
 * A rule on its way: then nlri_len octets of NLRI and its payload pattern, padded to 8. A deletion needs family, offset form, NLRI, pattern and source.
 * Add of a rule that is there from the same source replaces its actions and attributes (RFC 4271 §3.1: implicit
 * withdraw), and answers FG_DUPLICATE only where nothing would change.
 */
struct fg_record {
	uint32_t octets; /* of this record, padding included */
	uint8_t op;      /* enum fg_record_op */
	uint8_t family;
	uint8_t offset_form;
	uint8_t flags; /* of enum fg_record_flag */
	uint16_t nlri_len;
	uint16_t payload_octets; /* of its pattern */
	uint32_t ttl_s;          /* from now; 0: none */
	struct fg_actions actions;
	char name[FG_NAME_MAX + 1];
	struct fg_owner by;
	uint8_t nlri[];
};

/* What fg_record.octets has to be. */
static inline uint32_t fg_record_octets(uint16_t nlri_len, uint16_t payload_octets)
{
	return (uint32_t)(sizeof(struct fg_record) + nlri_len + payload_octets + 7) & ~7u;
}

static inline struct fg_pattern_text fg_record_pattern(const struct fg_record *r)
{
	return (struct fg_pattern_text){ (const char *)r->nlri + r->nlri_len, r->payload_octets };
}

/*
 * Parts of a batch come one behind the other, within two seconds each and ten in all; `flags` and `confirm_s` of the first one count. It is answered by any number
 * of FG_SAY_BATCH with `more` and a last one without, which has the result; findings are in any of them. Or by FG_SAY_DONE: -EAGAIN: no
 * policy yet; -EBUSY: confirm_s, and a confirmation is waited for already; -ECANCELED, -ETIME, -E2BIG: the open batch was given up, for
 * a flush or a policy came first, it took too long, it has too many rules.
 */
enum fg_batch_flag {
	FG_BATCH_PARTIAL =
		1, /* what is refused is left out, and for room, waits; otherwise one refusal refuses all, as does one that is absent */
	FG_BATCH_TRY = 2, /* judged and taken back */
};

struct fg_batch {
	uint32_t rules; /* of this message */
	uint32_t flags;
	uint32_t confirm_s; /* reverts unless confirmed within; 0: at once for good */
	uint32_t pad;
};

/* What became of a batch, and of the rules of it that something is to be said of. */
struct fg_batch_result {
	uint64_t generation;                         /* that enforces it; as before where nothing changed */
	uint32_t admitted, refused, deleted, absent; /* absent: to be deleted, and not there */
	uint32_t committed;                          /* 0: nothing of it is enforced */
	uint32_t findings;                           /* that follow in this message */
	uint32_t waiting, pad;                       /* of those that are refused: they wait for room */
	struct fg_cost_now {
		uint64_t bytes, bytes_budget;
		uint32_t lines, lines_budget, slots, slots_budget;
	} cost;
};

struct fg_batch_finding {
	uint32_t rule; /* place in the batch, from 0 */
	uint32_t slot; /* of an admitted one, and of one that waits; otherwise 0 */
	struct fg_finding why;
};

struct fg_switch {
	uint32_t on, pad;
};

struct fg_quarantine {
	uint64_t hash; /* fg_record_hash() */
	uint32_t on, pad;
};

/*
 * Patterns that are not compiled yet are, beside those of the rules that there are; answered by FG_SAY_DONE when a batch may ask for them. What
 * became of each, the batch says. A later question takes the place of one that is not answered: -ECANCELED.
 */
struct fg_patterns_ask {
	uint32_t count, pad; /* texts of this message */
};

struct fg_text {
	uint32_t octets; /* of this, padding to 8 included */
	uint32_t text_octets;
	char text[];
};

/* The file has `count` of struct fg_text. */
struct fg_patterns_wanted {
	uint32_t id;
	uint32_t count;
	uint64_t octets;                        /* of the file */
	uint64_t database_octets, octets_alone; /* that the database may take, and that of one pattern alone */
	uint64_t room;                          /* for the file that is to come */
};

/* The file is what a side's room is to hold (flowgate/share.h), with a generation of 0. */
struct fg_database_ask {
	uint32_t id;
	int32_t result; /* 0 or -errno: there is nothing in the file */
};

struct fg_done {
	int32_t result; /* 0, -errno or enum fg_reason */
	uint32_t pad;
	uint64_t generation;
};

struct fg_page_ask {
	uint64_t from; /* rules: sequence; counters: slot */
};

struct fg_page {
	uint64_t next; /* to ask for the rest; 0: that was all */
	uint64_t generation;
	uint32_t count, pad;
};

enum fg_rule_state {
	FG_RULE_ENFORCED = 1,
	FG_RULE_WAITING,   /* refused for room; tried again in order of sequence */
	FG_RULE_YIELDS,    /* the same NLRI of another source is enforced instead */
	FG_RULE_ELSEWHERE, /* scoped to another site: kept, not enforced */
};

/* A rule as listed; its octets follow in a struct fg_record. */
struct fg_listed {
	uint64_t sequence;
	uint64_t generation;         /* that brought it */
	uint64_t added_s, expires_s; /* CLOCK_REALTIME; expires_s 0: never */
	uint32_t slot;
	uint32_t state; /* enum fg_rule_state */
	struct fg_cost_now_of_rule {
		uint32_t bytes, lines;
	} cost;
	uint32_t pad[2];
};

struct fg_slot_counters {
	uint32_t slot, pad;
	struct fg_rule_counters counters;
};

struct fg_status {
	uint64_t generation;
	uint64_t started_s;       /* CLOCK_REALTIME */
	uint64_t confirm_until_s; /* 0: nothing waits for confirmation */
	uint64_t store_made;      /* by which the store is known from others */
	uint32_t adopted;         /* the store was there */
	uint32_t shadow;
	uint32_t enforcing;                           /* 0: fg_control.side is none */
	uint32_t rules[5];                            /* by enum fg_rule_state; [0] unused */
	uint32_t patterns;                            /* in the database of payload patterns */
	uint64_t pattern_bytes, pattern_bytes_budget; /* of that database; no budget: there can be none */
	uint32_t crashes;                             /* of the gate in a row on this generation */
	uint32_t alarm; /* per cent of the fullest budget, where 70 or 90 were passed; otherwise 0 */
	struct fg_cost_now cost;
	uint32_t ports;
	struct {
		struct fg_port_config config;
		struct fg_port_status status;
		struct fg_port_counters counters;
	} port[FG_PORTS_MAX];
	struct fg_plane_status plane; /* ports as above, by number */
};

enum fg_event_kind {
	FG_EVENT_COMMIT = 1, /* a generation */
	FG_EVENT_EXPIRED,    /* a rule's time is over */
	FG_EVENT_REVERTED,   /* nobody confirmed */
	FG_EVENT_ALARM,      /* headroom of a budget: value is per cent */
	FG_EVENT_PORT,       /* a port came or went */
	FG_EVENT_REFUSED,    /* a rule that was there is permitted no more: value is enum fg_reason */
	FG_EVENT_QUARANTINED, /* the gate died thrice on one generation: it was undone, and what it brought is in quarantine */
	FG_EVENT_FLUSHED,
	FG_EVENT_FENCED,   /* a process of the dataplane hung and was killed: value is its pid */
	FG_EVENT_WAITING,  /* a rule that was there has no room any more, and waits for some */
	FG_EVENT_ADMITTED, /* a rule that waited has room: value is how many of the generation had so far */
};

struct fg_event {
	uint32_t kind; /* enum fg_event_kind */
	uint32_t value;
	uint64_t generation;
	char name[FG_NAME_MAX + 1]; /* of the rule or port */
};

/* Identity of a rule for quarantine: of family, offset form, NLRI and the pattern that follows it, not of its source. */
uint64_t fg_record_hash(uint8_t family, uint8_t offset_form, const uint8_t *nlri, uint16_t nlri_len,
			uint16_t payload_octets);
/* The record at `at`, if all of it and of what it claims lies before `end` and every field is in range; otherwise NULL. */
const struct fg_record *fg_record_check(const void *at, const void *end);

#endif
