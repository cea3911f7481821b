%code top {
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule language. In: tokens of lexer.l. Out: calls to rulebuild.c, attributes.c and limits.c, which deliver a rule
 * at its end and a limit at its word. One grammar for Junos's and ExaBGP's blocks and for the one-line form.
 *
 * Always true: repetitions are left-recursive, so the stack has a fixed depth whatever the input; the first error ends
 * the reading. Tokens are declared in the order in which a message names them as expected.
 */
}
%code requires {
#include "ctrl/text/state.h"
}
%define api.pure full
%define api.prefix {fg_text_yy}
%define api.value.type {struct fg_text_value}
%define api.location.type {struct fg_text_place}
%define parse.error custom
%define parse.lac full
%locations
%param { void *scanner }
%parse-param { struct fg_text_state *s }

%code {
#include <errno.h>

#define YYLLOC_DEFAULT(Current, Rhs, N) ((Current) = YYRHSLOC(Rhs, (N) ? 1 : 0))

#define TRY(call)              \
	do {                   \
		if ((call))    \
			YYABORT; \
	} while (0)

int fg_text_yylex(struct fg_text_value *value, struct fg_text_place *place, void *scanner);
static void fg_text_yyerror(struct fg_text_place *place, void *scanner, struct fg_text_state *s, const char *message);
}

%initial-action { @$ = s->next; }

%token SEMICOLON "';'" RBRACE "'}'" LBRACE "'{'" RBRACKET "']'"
%token YYEOF 0 "end of file" END_OF_LINE "end of line"
%token ROUTE "'route'" FLOW "'flow'" NAME_ "'name'" MATCH "'match'" THEN "'then'" LIMITS "'limits'" PROTECT "'protect'" RULE "'rule'"
%token DESTINATION "'destination'" SOURCE "'source'" PROTOCOL "'protocol'" PORT "'port'" DPORT "'destination-port'"
%token SPORT "'source-port'" ICMP_TYPE "'icmp-type'" ICMP_CODE "'icmp-code'" TCP_FLAGS "'tcp-flags'"
%token LENGTH "'packet-length'" DSCP "'dscp'" FRAGMENT "'fragment'" FLOW_LABEL "'flow-label'"
%token NLRI "'nlri'" PAYLOAD "'payload'"
%token DISCARD "'discard'" ACCEPT "'accept'" RATE_BYTES "'rate-limit'" RATE_PACKETS "'rate-limit-packets'" MARK "'mark'"
%token REDIRECT "'redirect'" REDIRECT_IP "'redirect-to-ip'" COPY_IP "'copy-to-ip'" SAMPLE "'sample'"
%token CONTINUE "'continue'"
%token FAMILY "'family'" TTL "'ttl'" OWNER "'owner'" TICKET "'ticket'" SITE "'site'" SOURCE_NAME "'source-name'"
%token NUMBER "number" RANGE "range" AMOUNT "amount" ADDRESS "address" PREFIX "prefix" TARGET "route target"
%token WORD "word" NAME "name" HEX "hex octets" STRING "quoted string" LBRACKET "'['"
%token AND "'&'" PLUS "'+'" EQ "'='" NE "'!='" NOT "'!'" GE "'>='" LE "'<='" GT "'>'" LT "'<'"
%token TRUE "'true'" FALSE "'false'"
%token PREFIX_ "'prefix'"
%token TOO_LARGE "number above 18446744073709551615" UNTERMINATED "string without closing quote" STRAY "stray octet"
%token RULES_ "rules" SETTINGS_ "settings"

%%

/* The lexer says what kind of text it is before the first token of it. */
text: RULES_ input
	| SETTINGS_ configuration
	;

input: %empty
	| input statement
	;

statement: end
	| route_head ends_of_line LBRACE route_body RBRACE	{ TRY(fg_text_rule_end(s, @1)); }
	| flow
	| line end					{ TRY(fg_text_rule_end(s, @1)); }
	| limits
	;

end: END_OF_LINE
	| SEMICOLON
	;

/* A block may open on the next line. */
ends_of_line: %empty
	| ends_of_line END_OF_LINE
	;

flow: FLOW ends_of_line LBRACE flow_body RBRACE
	;

flow_body: %empty
	| flow_body route_head LBRACE route_body RBRACE	{ TRY(fg_text_rule_end(s, @2)); }
	;

route_head: ROUTE
	| ROUTE NAME					{ TRY(fg_text_attribute_put(s, FG_TEXT_NAME, &$1, &$2)); }
	;

/* Blocks. */

route_body: block_attributes MATCH LBRACE block_conditions RBRACE block_attributes then_blocks
	;

block_attributes: %empty
	| block_attributes attribute SEMICOLON
	;

block_conditions: condition SEMICOLON
	| block_conditions condition SEMICOLON
	;

then_blocks: then_block
	| then_blocks then_block
	| then_blocks attribute SEMICOLON
	;

then_block: THEN action SEMICOLON
	| THEN LBRACE block_actions RBRACE
	;

block_actions: action SEMICOLON
	| block_actions action SEMICOLON
	;

/* One line. */

line: line_body
	| line_head line_body
	;

line_head: line_head_item
	| line_head line_head_item
	;

line_head_item: NAME_ NAME				{ TRY(fg_text_attribute_put(s, FG_TEXT_NAME, &$1, &$2)); }
	| attribute
	;

line_body: MATCH line_conditions THEN line_actions
	;

line_conditions: condition
	| line_conditions condition
	;

line_actions: action
	| line_actions action
	;

/* Attributes stand anywhere in a rule. */

attribute: TTL amount					{ TRY(fg_text_attribute_put(s, FG_TEXT_TTL, &$1, &$2)); }
	| OWNER NAME					{ TRY(fg_text_attribute_put(s, FG_TEXT_OWNER, &$1, &$2)); }
	| TICKET NAME					{ TRY(fg_text_attribute_put(s, FG_TEXT_TICKET, &$1, &$2)); }
	| SITE NAME					{ TRY(fg_text_attribute_put(s, FG_TEXT_SITE, &$1, &$2)); }
	| SOURCE_NAME NAME				{ TRY(fg_text_attribute_put(s, FG_TEXT_SOURCE, &$1, &$2)); }
	| FAMILY WORD					{ TRY(fg_text_attribute_put(s, FG_TEXT_FAMILY, &$1, &$2)); }
	;

/* Conditions. */

condition: attribute
	| PAYLOAD STRING				{ TRY(fg_text_attribute_put(s, FG_TEXT_PAYLOAD, &$1, &$2)); }
	| NLRI HEX					{ TRY(fg_text_raw_put(s, &$1, &$2)); }
	| prefix_field prefix
	| numeric_field numeric_list
	| flag_field flag_list
	;

prefix_field: DESTINATION				{ TRY(fg_text_component_open(s, FG_DST, &$1)); }
	| SOURCE					{ TRY(fg_text_component_open(s, FG_SRC, &$1)); }
	;

prefix: ADDRESS						{ TRY(fg_text_prefix_put(s, &$1)); }
	| PREFIX					{ TRY(fg_text_prefix_put(s, &$1)); }
	;

numeric_field: PROTOCOL					{ TRY(fg_text_component_open(s, FG_PROTO, &$1)); }
	| PORT						{ TRY(fg_text_component_open(s, FG_PORT, &$1)); }
	| DPORT						{ TRY(fg_text_component_open(s, FG_DPORT, &$1)); }
	| SPORT						{ TRY(fg_text_component_open(s, FG_SPORT, &$1)); }
	| ICMP_TYPE					{ TRY(fg_text_component_open(s, FG_ICMP_TYPE, &$1)); }
	| ICMP_CODE					{ TRY(fg_text_component_open(s, FG_ICMP_CODE, &$1)); }
	| LENGTH					{ TRY(fg_text_component_open(s, FG_LENGTH, &$1)); }
	| DSCP						{ TRY(fg_text_component_open(s, FG_DSCP, &$1)); }
	| FLOW_LABEL					{ TRY(fg_text_component_open(s, FG_FLOW_LABEL, &$1)); }
	;

numeric_list: numeric_term
	| LBRACKET numeric_terms RBRACKET
	;

numeric_terms: numeric_term
	| numeric_terms numeric_term
	;

numeric_term: comparison
	| numeric_term and comparison
	;

and: AND						{ s->and_next = true; }
	;

comparison: number					{ fg_text_term_put(s, FG_OP_EQ, &$1); }
	| TRUE						{ fg_text_term_put(s, FG_OP_LT | FG_OP_GT | FG_OP_EQ, &$1); }
	| FALSE						{ fg_text_term_put(s, 0, &$1); }
	| comparator number				{ fg_text_term_put(s, (uint8_t)$1.number, &$2); }
	| RANGE						{ fg_text_range_put(s, &$1); }
	;

number: NUMBER
	| word
	;

/* Names of values that are words of the language elsewhere: an ICMP type, a port. */
word: WORD						{ $$.named = true; }
	| REDIRECT					{ $$.named = true; }
	| DISCARD					{ $$.named = true; }
	;

comparator: EQ						{ $$.number = FG_OP_EQ; }
	| NE						{ $$.number = FG_OP_LT | FG_OP_GT; }
	| LT						{ $$.number = FG_OP_LT; }
	| LE						{ $$.number = FG_OP_LT | FG_OP_EQ; }
	| GT						{ $$.number = FG_OP_GT; }
	| GE						{ $$.number = FG_OP_GT | FG_OP_EQ; }
	;

flag_field: TCP_FLAGS					{ TRY(fg_text_component_open(s, FG_TCP_FLAGS, &$1)); }
	| FRAGMENT					{ TRY(fg_text_component_open(s, FG_FRAGMENT, &$1)); }
	;

flag_list: flag_term
	| LBRACKET flag_terms RBRACKET
	;

flag_terms: flag_term
	| flag_terms flag_term
	;

flag_term: flag_test
	| flag_term and flag_test
	;

/* All of no bits is true, any of no bits is false. */
flag_test: TRUE						{ fg_text_term_put(s, FG_OP_MATCH, &$1); }
	| FALSE						{ fg_text_term_put(s, 0, &$1); }
	| flags						{ fg_text_term_put(s, 0, &$1); }
	| EQ flags					{ fg_text_term_put(s, FG_OP_MATCH, &$2); }
	| NOT flags					{ fg_text_term_put(s, FG_OP_NOT, &$2); }
	| NE flags					{ fg_text_term_put(s, FG_OP_NOT | FG_OP_MATCH, &$2); }
	;

flags: flag
	| flags PLUS flag				{ $$.number = $1.number | $3.number; }
	;

flag: NUMBER
	| WORD						{ TRY(fg_text_flag_bits(s, &$1, &$$.number)); }
	;

/* Actions. */

action: attribute
	| DISCARD					{ TRY(fg_text_action_put(s, FG_ACT_DISCARD, &$1)); }
	| ACCEPT					{ TRY(fg_text_accept_put(s, &$1)); }
	| SAMPLE					{ TRY(fg_text_action_put(s, FG_ACT_SAMPLE, &$1)); }
	| CONTINUE					{ TRY(fg_text_action_put(s, FG_ACT_CONTINUE, &$1)); }
	| RATE_BYTES amount				{ TRY(fg_text_rate_put(s, FG_ACT_RATE_BYTES, &$1, &$2)); }
	| RATE_PACKETS amount				{ TRY(fg_text_rate_put(s, FG_ACT_RATE_PACKETS, &$1, &$2)); }
	| MARK number					{ TRY(fg_text_mark_put(s, &$1, &$2)); }
	| REDIRECT TARGET				{ TRY(fg_text_target_put(s, &$1, &$2)); }
	| REDIRECT_IP ADDRESS				{ TRY(fg_text_next_hop_put(s, false, &$1, &$2)); }
	| COPY_IP ADDRESS				{ TRY(fg_text_next_hop_put(s, true, &$1, &$2)); }
	;

amount: NUMBER
	| AMOUNT
	| TOO_LARGE
	;

/* Limits. */

limits: LIMITS { TRY(fg_text_limits_open(s, &$1)); } ends_of_line LBRACE limit_items RBRACE
	;

limit_items: %empty
	| limit_items limit
	| limit_items RULE { fg_text_limits_scope(s, "rule"); } LBRACE scoped_limits RBRACE
	| limit_items SOURCE NAME { TRY(fg_text_limits_source(s, &$3)); } LBRACE source_limits RBRACE
	;

scoped_limits: scoped_items				{ fg_text_limits_scope(s, "table"); }
	;

scoped_items: %empty
	| scoped_items limit
	;

source_limits: source_items				{ fg_text_limits_scope(s, "table"); }
	;

source_items: %empty
	| source_items limit
	| source_items PREFIX_ PREFIX SEMICOLON		{ TRY(fg_text_limits_prefix(s, &$2, &$3)); }
	;

limit: WORD AMOUNT SEMICOLON				{ TRY(fg_text_limits_put(s, &$1, &$2)); }
	;

/* Configuration: limits, traffic that no rule touches, and settings. */

configuration: %empty
	| configuration block
	;

block: end
	| limits
	| PROTECT LBRACE protected RBRACE
	| setting end					{ TRY(fg_text_setting_end(s, FG_SETTING_LINE)); }
	| setting LBRACE open settings RBRACE		{ TRY(fg_text_setting_end(s, FG_SETTING_CLOSE)); }
	;

open: %empty						{ TRY(fg_text_setting_end(s, FG_SETTING_OPEN)); }
	;

settings: %empty
	| settings setting SEMICOLON			{ TRY(fg_text_setting_end(s, FG_SETTING_LINE)); }
	;

setting: first
	| setting WORD					{ TRY(fg_text_setting_add(s, &$2)); }
	;

first: WORD { fg_text_setting_begin(s); TRY(fg_text_setting_add(s, &$1)); }
	;

protected: %empty
	| protected protect_head protect_then SEMICOLON	{ s->accept = true; TRY(fg_text_rule_end(s, @2)); }
	;

protect_head: NAME_ NAME MATCH { TRY(fg_text_attribute_put(s, FG_TEXT_NAME, &$1, &$2)); } line_conditions
	;

protect_then: %empty
	| THEN ACCEPT
	;

%%

static void fg_text_yyerror(struct fg_text_place *place, void *scanner, struct fg_text_state *s, const char *message)
{
	(void)place;
	(void)scanner;
	(void)message;
	s->result = -ENOMEM; /* syntax errors go to yyreport_syntax_error(); what is left is memory */
}

/* What the look-ahead is, in words: some tokens have no text worth showing. */
static void unexpected_write(yysymbol_kind_t kind, const struct fg_text_state *s, struct fg_text_words *out)
{
	switch (kind) {
	case YYSYMBOL_YYEOF:
	case YYSYMBOL_TOO_LARGE:
	case YYSYMBOL_UNTERMINATED:
		fg_text_words_add(out, yysymbol_name(kind));
		break;
	case YYSYMBOL_END_OF_LINE:
		fg_text_words_add(out, s->ended ? "end of file" : "end of line");
		break;
	default:
		fg_text_words_token(out, s->token);
	}
}

/*
 * What is not worth naming: an empty statement where one may begin; actions that are names of values too where a value
 * may stand; a number that is too large, which is one to a rate only.
 */
static bool is_noise(yysymbol_kind_t kind, bool statement, bool value)
{
	return (statement && kind < YYSYMBOL_ROUTE) ||
	       (value && kind >= YYSYMBOL_DISCARD && kind <= YYSYMBOL_CONTINUE) || kind >= YYSYMBOL_TOO_LARGE;
}

static size_t expected_names(const yysymbol_kind_t *expected, int count, const char **name)
{
	size_t names = 0;
	bool statement = false, value = false;

	for (int i = 0; i < count; i++) {
		statement = statement || expected[i] == YYSYMBOL_LIMITS;
		value = value || expected[i] == YYSYMBOL_WORD;
	}
	for (int i = 0; i < count; i++)
		if (!is_noise(expected[i], statement, value))
			name[names++] = yysymbol_name(expected[i]);
	return names;
}

static int yyreport_syntax_error(const yypcontext_t *context, void *scanner, struct fg_text_state *s)
{
	yysymbol_kind_t expected[YYNTOKENS];
	const char *name[YYNTOKENS];
	struct fg_text_words words = { 0 };
	int count = yypcontext_expected_tokens(context, expected, YYNTOKENS);

	(void)scanner;
	if (count < 0)
		return count;
	unexpected_write(yypcontext_token(context), s, &words);
	fg_text_words_expected(&words, name, expected_names(expected, count, name));
	fg_text_fail(s, *yypcontext_location(context), "unexpected %s", words.at);
	return 0;
}
