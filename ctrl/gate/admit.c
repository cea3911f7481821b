/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Admission of one rule (admit.h). In: octets that claim to be an NLRI, the actions asked for, who asks. Out: findings, each with code,
 * component, numbers and clause. Next on the way: batch.c. The order of steps is that of what they need: form, meaning, then policy.
 */
#include "ctrl/gate/admit.h"

#include <string.h>

#include "ctrl/table/need.h"

uint32_t fg_admission_begin(struct fg_admission *a, const struct fg_policy *policy, const struct fg_store *store)
{
	a->policy = policy;
	a->store = store;
	fg_need_nothing(&a->scratch, &a->nothing);
	return fg_guard_make(&a->guard, policy);
}

void fg_admit_say(struct fg_findings *out, const struct fg_finding *f)
{
	struct fg_finding *mine = fg_finding_add(out, f->code, f->component, f->source, "%s", f->detail);

	if (mine != NULL)
		*mine = *f;
}

enum fg_reason fg_findings_refusal(const struct fg_findings *out)
{
	for (size_t i = 0; i < out->count; i++)
		if (!fg_reason_is_warning(out->at[i].code))
			return out->at[i].code;
	return FG_OK;
}

/* ---- Actions ---- */

uint32_t fg_policy_target(const struct fg_policy *policy, const struct fg_actions *a)
{
	const bool rt6 = a->set & FG_ACT_RT6;

	for (uint32_t i = 0; i < policy->targets; i++)
		if (policy->target[i].rt[0] != FG_RT_NONE && policy->target[i].rt6 == rt6 &&
		    memcmp(policy->target[i].rt, a->rt, rt6 ? FG_EXTCOMM6_OCTETS : FG_EXTCOMM_OCTETS) == 0)
			return i + 1;
	return 0;
}

/* A copy is made as a frame passes from port to port; what goes to the kernel cannot be copied. */
static bool all_paired(const struct fg_policy *policy)
{
	for (uint32_t i = 0; i < policy->ports; i++)
		if (policy->port[i].peer[0] == '\0')
			return false;
	return policy->ports > 0;
}

/* flowgate-dpdk has no routes: a next hop is reached only by a target that is configured for it. */
static bool hop_known(const struct fg_policy *policy, const struct fg_address *next_hop)
{
	for (uint32_t i = 0; i < policy->targets; i++)
		if (policy->target[i].interface[0] != '\0' &&
		    memcmp(&policy->target[i].next_hop, next_hop, sizeof(*next_hop)) == 0)
			return true;
	return !policy->dpdk;
}

static void judge_actions(const struct fg_policy *policy, const struct fg_actions *a, struct fg_findings *out)
{
	if ((a->set & FG_ACT_REDIRECT_RT) && fg_policy_target(policy, a) == 0)
		fg_finding_add(out, FG_UNSUPPORTED, 0, "RFC 8955 §7.4",
			       "redirect: no target is configured for this route target");
	if ((a->set & FG_ACT_REDIRECT_IP) && !policy->redirect_to_ip)
		fg_finding_add(out, FG_UNSUPPORTED, 0, "draft-ietf-idr-flowspec-redirect-ip",
			       "%s: not permitted by the configuration",
			       a->set & FG_ACT_COPY ? "copy-to-ip" : "redirect-to-ip");
	if ((a->set & FG_ACT_REDIRECT_IP) && policy->redirect_to_ip && !hop_known(policy, &a->next_hop))
		fg_finding_add(out, FG_UNSUPPORTED, 0, "draft-ietf-idr-flowspec-redirect-ip",
			       "%s: no 'redirect' of the configuration has this next hop, which DPDK needs",
			       a->set & FG_ACT_COPY ? "copy-to-ip" : "redirect-to-ip");
	if ((a->set & FG_ACT_COPY) && !all_paired(policy))
		fg_finding_add(out, FG_UNSUPPORTED, 0, "draft-ietf-idr-flowspec-redirect-ip",
			       "copy-to-ip: packets can be copied only where every interface is in a port pair");
	if ((a->set & FG_ACT_REDIRECT_IP) && (a->set & FG_ACT_REDIRECT_RT) && (a->set & FG_ACT_COPY) == 0)
		fg_finding_add(out, FG_UNSUPPORTED, 0, "RFC 8955 §7.7", "two redirects in one rule");
}

/* ---- Budget of one rule ---- */

static void judge_need(struct fg_admission *a, const struct fg_rule *rule, const struct fg_cost *alone,
		       struct fg_findings *out)
{
	const struct fg_limit *limit = &a->policy->limits.rule;
	struct fg_finding why;

	if (alone->bytes > limit->bytes)
		fg_need_over(rule, FG_RES_BYTES, alone->bytes, limit->bytes, "one rule may take", &a->scratch, &why);
	else if (alone->lines > limit->lines)
		fg_need_over(rule, FG_RES_LINES, alone->lines, limit->lines, "one rule may take", &a->scratch, &why);
	else
		return;
	fg_admit_say(out, &why);
}

/* ---- All of it ---- */

/* A pattern lies behind the NLRI, in a record as in the store. */
static void judge_quarantine(const struct fg_admission *a, const struct fg_rule *rule, struct fg_pattern_text text,
			     struct fg_findings *out)
{
	uint64_t hash =
		fg_record_hash(rule->family, rule->offset_form, rule->nlri, rule->nlri_len, (uint16_t)text.octets);

	if (fg_store_quarantined(a->store, hash))
		fg_finding_add(out, FG_QUARANTINED, 0, "quarantine", "hash %016llx is in quarantine",
			       (unsigned long long)hash);
}

enum fg_reason fg_admit(struct fg_admission *a, const struct fg_rule *rule, struct fg_pattern_text text,
			const char *source, struct fg_findings *out, struct fg_cost *alone)
{
	struct fg_finding why;

	if (fg_nlri_check(rule, &why) != 0) {
		fg_admit_say(out, &why);
		return FG_MALFORMED;
	}
	fg_canon_make(rule, a->pool, &a->canon);
	fg_rule_lint(rule, &a->canon, &a->policy->limits.lint, out);
	judge_actions(a->policy, &rule->actions, out);
	fg_judge_breadth(&a->policy->limits, &a->canon, out);
	fg_judge_scope(a->policy, source, &a->canon, out);
	fg_judge_grant(a->policy, source, &rule->actions, out);
	fg_judge_guard(&a->guard, &a->canon, a->more, out);
	judge_quarantine(a, rule, text, out);
	fg_need_alone(rule, &a->nothing, &a->scratch, alone);
	judge_need(a, rule, alone, out);
	return fg_findings_refusal(out);
}
