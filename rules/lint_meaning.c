/* What a regex means in its view, and what it costs: read from its tree, from the plan, and from trying it. */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "rules/lint_context.h"
#include "rules/regex.h"
#include "rules/regex_demand.h"
#include "rules/regex_fit.h"
#include "rules/regex_search.h"
#include "rules/regex_set.h"
#include "rules/regex_tree.h"
#include "text/utf8.h"
#include "text/view.h"

#define LONG_REPEAT 64u         /* a repeat that may go on for so long is worth trying */
#define TARGETS_MAX 6u          /* repeats of one regex that are tried */
#define WITNESS_SIZE_MAX 3000u  /* bytes: a long message, but one that people write */
#define SETS_LOOKED_AT_MAX 256u /* characters beyond ASCII */
#define MESSAGE_BYTES 80.0      /* of an ordinary message */
#define OFTEN 0.02              /* in one of 50 ordinary messages */

#define SHARE_SMALL 0.2 /* of ordinary messages */

/* ---- What can never occur in a view ---- */

static bool stays(enum view view, uint32_t character)
{
    uint8_t bytes[4];
    struct span text = span_of(bytes, utf8_encode(character, bytes));
    struct buffer viewed = BUFFER_INIT(1024);
    enum status status = view_append(view, text, &viewed, NULL);
    bool same = status != STATUS_OK || span_equal(buffer_span(&viewed), text);
    buffer_free(&viewed);
    return same;
}

/* May one of the set's characters stand in the view? When in doubt: yes. */
static bool set_occurs(enum view view, const struct regex_set *set)
{
    if (set->other_any || set->other_count > SETS_LOOKED_AT_MAX) {
        return true;
    }
    for (uint32_t c = 0; c < 128; c++) {
        bool never = view != VIEW_RAW && ((c >= 'A' && c <= 'Z') || (c >= '\t' && c <= '\r'));
        if (regex_set_has_ascii(set->ascii, c) && !never) {
            return true;
        }
    }
    for (uint32_t i = 0; i < set->other_count; i++) {
        if (view == VIEW_RAW || stays(view, set->others[i])) {
            return true;
        }
    }
    return false;
}

static bool is_space(const struct regex_node *node)
{
    return node->type == NODE_CHARACTERS && !node->set.other_any && node->set.other_count == 0 &&
           node->set.ascii[1] == 0 && node->set.ascii[0] == UINT64_C(1) << ' ';
}

/* In how far a node can match a view: not at all, only some of its alternatives, or all of it. */
enum reach { REACH_NONE, REACH_PART, REACH_ALL };

static enum reach reach_of(enum view view, const struct regex_node *node)
{
    enum reach reach = REACH_ALL;
    switch (node->type) {
    case NODE_CHARACTERS:
        return set_occurs(view, &node->set) ? REACH_ALL : REACH_NONE;
    case NODE_SEQUENCE:
        for (const struct regex_node *child = node->first; child; child = child->next) {
            enum reach of_child = reach_of(view, child);
            reach = of_child < reach ? of_child : reach;
            if (view != VIEW_RAW && child->next && is_space(child) && is_space(child->next)) {
                return REACH_NONE; /* these views have no two spaces in a row */
            }
        }
        return reach;
    case NODE_CHOICE: {
        uint32_t none = 0, count = 0;
        for (const struct regex_node *child = node->first; child; child = child->next, count++) {
            enum reach of_child = reach_of(view, child);
            none += of_child == REACH_NONE;
            reach = of_child < reach ? of_child : reach;
        }
        return none == count && count > 0 ? REACH_NONE : none > 0 ? REACH_PART : reach;
    }
    case NODE_REPEAT:
        reach = reach_of(view, node->first);
        if (view != VIEW_RAW && node->min > 1 && node->min != REGEX_REPEAT_FOREVER && is_space(node->first)) {
            return REACH_NONE;
        }
        return reach == REACH_NONE && node->min == 0 ? REACH_PART : reach;
    default:
        return REACH_ALL;
    }
}

static enum view view_of(const struct pattern *pattern)
{
    unsigned view = 0;
    while (view + 1 < VIEW_COUNT && !(pattern->views & (1u << view))) {
        view++;
    }
    return (enum view)view;
}

/* The first token that can never occur, for the place; the start of the regex if it cannot be told. */
static uint32_t find_dead_token(struct lint *lint, const struct pattern *pattern, enum view view)
{
    struct lint_tokens tokens;
    if (lint_tokens_read(pattern->regex, lint->scratch, &tokens) != STATUS_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < tokens.count; i++) {
        const struct lint_token *token = &tokens.items[i];
        struct regex_node *tree = NULL;
        if (token->type != LINT_LITERAL && token->type != LINT_CLASS && token->type != LINT_TYPE) {
            continue;
        }
        const char *text = arena_print(lint->scratch, "%s%.*s", token->caseless ? "" : "(?-i)", (int)token->size,
                                       (const char *)pattern->regex.data + token->offset);
        if (text && regex_tree_parse(span_text(text), lint->scratch, &tree) == STATUS_OK &&
            reach_of(view, tree) == REACH_NONE) {
            return token->offset;
        }
        if (view != VIEW_RAW && token->type == LINT_LITERAL && token->character == ' ' && i > 0 &&
            tokens.items[i - 1].type == LINT_LITERAL && tokens.items[i - 1].character == ' ') {
            return token->offset;
        }
    }
    return 0;
}

static void check_reach(struct lint *lint, const struct pattern *pattern, const struct regex_node *tree)
{
    enum view view = view_of(pattern);
    enum reach reach = reach_of(view, tree);
    if (reach == REACH_ALL) {
        return;
    }
    struct model_place place = lint_place_inside(lint, pattern, find_dead_token(lint, pattern, view));
    const char *remedy = "write it as the view has it: small letters, ss for a sharp s, single spaces; or view: raw";
    if (reach == REACH_NONE) {
        lint_report(lint, "never-matches", &place, remedy,
                    "this regex can never match: the %s view does not have what stands here", view_names[view]);
    } else {
        lint_report(lint, "idle-part", &place, remedy, "this part can never match: the %s view does not have it",
                    view_names[view]);
    }
}

/* ---- What makes it slow ---- */

/* A text that goes on for long at one repeat of the regex. */
struct witness {
    struct buffer *out;
    const struct regex_node *target;
    uint32_t times;
};

/* What does not fit any more is left out: the text is long enough then. */
static void put(struct buffer *out, const void *bytes, size_t size)
{
    enum status status = buffer_append(out, bytes, size);
    (void)status;
}

static void put_character(struct witness *witness, const struct regex_set *set)
{
    static const char wanted[] = "aex1 .-!";
    uint32_t character = set->other_count > 0 ? set->others[0] : 0xE9;
    uint8_t bytes[4];
    bool found = false;
    for (uint32_t c = 32; c < 127 && !found; c++) {
        if (regex_set_has_ascii(set->ascii, c)) {
            character = c;
            found = c >= 'a' || !strpbrk(wanted, (char[]){(char)c, 0});
        }
    }
    for (size_t i = 0; i + 1 < sizeof wanted; i++) {
        if (regex_set_has_ascii(set->ascii, (uint8_t)wanted[i])) {
            character = (uint8_t)wanted[i];
            break;
        }
    }
    put(witness->out, bytes, utf8_encode(character, bytes));
}

/* Appends a short match of the node. True: the target was in it, and nothing is to follow. */
static bool put_node(struct witness *witness, const struct regex_node *node)
{
    switch (node->type) {
    case NODE_CHARACTERS:
        put_character(witness, &node->set);
        return false;
    case NODE_SEQUENCE:
        for (const struct regex_node *child = node->first; child; child = child->next) {
            if (put_node(witness, child)) {
                return true;
            }
        }
        return false;
    case NODE_CHOICE:
        for (const struct regex_node *child = node->first; child; child = child->next) {
            size_t size = witness->out->size;
            if (put_node(witness, child)) {
                return true;
            }
            if (child->next) {
                witness->out->size = size;
            }
        }
        return false;
    case NODE_REPEAT:
        if (node == witness->target) {
            for (uint32_t i = 0; i < witness->times && witness->out->size < WITNESS_SIZE_MAX; i++) {
                (void)put_node(&(struct witness){.out = witness->out}, node->first);
            }
            return true;
        }
        for (uint32_t i = 0; i < (node->min > 0 ? node->min : witness->target ? 1u : 0u) && i < WITNESS_SIZE_MAX; i++) {
            size_t size = witness->out->size;
            if (put_node(witness, node->first)) {
                return true;
            }
            witness->out->size = node->min > 0 ? witness->out->size : size;
        }
        return false;
    default:
        return false;
    }
}

static uint32_t find_targets(const struct regex_node *node, const struct regex_node **targets, uint32_t count)
{
    if (node->type == NODE_REPEAT && node->max >= LONG_REPEAT && count < TARGETS_MAX) {
        targets[count++] = node;
    }
    for (const struct regex_node *child = node->first; child; child = child->next) {
        count = find_targets(child, targets, count);
    }
    return count;
}

/* Does the regex give up on this text? `text` is brought to the view first: only what can occur counts. */
static bool gives_up(struct lint *lint, const struct regex *regex, enum view view, const struct buffer *text)
{
    struct buffer viewed = BUFFER_INIT(4 * WITNESS_SIZE_MAX + 64);
    uint32_t start, end;
    bool limit = view_append(view, buffer_span(text), &viewed, NULL) == STATUS_OK &&
                 regex_match(regex, lint->regex_scratch, buffer_span(&viewed), 0, &start, &end) == STATUS_LIMIT;
    buffer_free(&viewed);
    return limit;
}

/*
 * The same with the last character of a match somewhere: without it PCRE2 need not try at all. Behind a break, or before
 * everything, it does not end a match.
 */
static bool gives_up_somehow(struct lint *lint, const struct regex *regex, enum view view, struct buffer *text,
                             uint8_t last)
{
    size_t size = text->size;
    put(text, " !", 2);
    if (gives_up(lint, regex, view, text)) {
        return true;
    }
    put(text, &last, 1);
    if (gives_up(lint, regex, view, text)) {
        return true;
    }
    text->size = size;
    put(text, "  ", 2);
    if (text->size == size + 2) {
        memmove(text->data + 2, text->data, size);
        text->data[0] = last;
        text->data[1] = ' ';
    }
    return gives_up(lint, regex, view, text);
}

/* Tries to make the regex give up at one of its repeats; the text is left in `text`. */
static bool find_witness(struct lint *lint, const struct regex *regex, enum view view, const struct regex_node *tree,
                         const struct regex_node *target, struct buffer *text)
{
    static const uint32_t times[] = {40, WITNESS_SIZE_MAX};
    struct witness witness = {.out = text};
    buffer_clear(text);
    (void)put_node(&witness, tree);
    uint8_t last = text->size > 0 ? text->data[text->size - 1] : '!';
    witness.target = target;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        buffer_clear(text);
        witness.times = times[i];
        (void)put_node(&witness, tree);
        if (gives_up_somehow(lint, regex, view, text, last)) {
            return true;
        }
    }
    /* The text up to the repeat, over and over: for repeats that compete with earlier ones. */
    buffer_clear(text);
    witness.times = 0;
    (void)put_node(&witness, tree);
    size_t once = text->size;
    /* It must not move while it is copied to itself. */
    if (buffer_reserve(text, (size_t)2 * WITNESS_SIZE_MAX) != STATUS_OK) {
        return false;
    }
    while (once > 0 && text->size + once < WITNESS_SIZE_MAX) {
        put(text, text->data, once);
    }
    return once > 0 && gives_up_somehow(lint, regex, view, text, last);
}

static void check_backtracking(struct lint *lint, const struct pattern *pattern, const struct regex_node *tree)
{
    const struct regex_node *targets[TARGETS_MAX];
    struct buffer text = BUFFER_INIT((size_t)8 * WITNESS_SIZE_MAX);
    struct regex *regex = NULL;
    uint32_t count = find_targets(tree, targets, 0);
    if (count == 0 || regex_compile(pattern->regex, NULL, &regex) != STATUS_OK) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (find_witness(lint, regex, view_of(pattern), tree, targets[i], &text)) {
            char quote[MODEL_QUOTE_SIZE];
            lint_report(
                lint, "backtracks", &pattern->body,
                "avoid repeats inside repeats and several open gaps; give gaps a limit, such as .{0,60}",
                "this regex gives up on a text of %zu bytes that begins '%s': such messages go to people unscanned",
                text.size, model_quote(buffer_span(&text), quote));
            break;
        }
    }
    buffer_free(&text);
    regex_free(&regex);
}

/* ---- What it costs ---- */

static const struct program_probe *find_probe(struct lint *lint, uint32_t pattern)
{
    const struct program *program = lint->program;
    while (program && lint->program_rule < program->rule_count &&
           program->rules[lint->program_rule].rule != lint->rule) {
        lint->program_rule++; /* the program has the rules in the same order, without those that are off */
    }
    if (!program || lint->program_rule == program->rule_count) {
        return NULL;
    }
    const struct program_rule *rule = &program->rules[lint->program_rule];
    for (uint32_t i = 0; i < rule->probe_count; i++) {
        if (program->probes[rule->first_probe + i].pattern == pattern) {
            return &program->probes[rule->first_probe + i];
        }
    }
    return NULL;
}

static void check_cost(struct lint *lint, const struct pattern *pattern, const struct program_probe *probe,
                       struct regex_node *tree)
{
    struct regex_search search = {0};
    if (probe->search == SEARCH_ALWAYS) {
        double share = regex_demand_share(&probe->demand, NULL);
        if (share < SHARE_SMALL || probe->view == VIEW_SKELETON) {
            return; /* the bytes that it needs are rare: cheaper than any search */
        }
        /* An automaton refutes what its tree says for certain; the rest is for PCRE2. */
        lint_report(lint, tree->loose ? "searched-always" : "no-literal", &pattern->body,
                    "make sure that some text of three letters or more must be there",
                    tree->loose
                        ? "nothing can be searched for this regex: PCRE2 runs on %.0f%% of ordinary messages"
                        : "no match of this regex needs a rare text: it is looked for in %.0f%% of ordinary messages",
                    100 * share);
    } else if (probe->search == SEARCH_EXPRESSION) {
        lint_report(
            lint, "no-literal", &pattern->body,
            "if something rare must be there, say so: a word in every alternative, or another pattern with 'and'",
            "no match of this regex needs a rare text: it is searched as an expression, which costs in every message");
    } else if (probe->search == SEARCH_LITERALS && regex_fit(tree, probe->view, lint->scratch) == STATUS_OK &&
               regex_search_plan(tree, lint->scratch, probe->view, NULL, &search) == STATUS_OK &&
               search.rate * MESSAGE_BYTES > OFTEN) {
        lint_report(lint, "often-confirmed", &pattern->body, "let a longer or rarer text be required",
                    "what this regex requires is expected in one of %.0f messages, and PCRE2 runs on each of them",
                    1 / (search.rate * MESSAGE_BYTES));
    }
}

void lint_meaning_check(struct lint *lint, uint32_t pattern)
{
    const struct pattern *checked = &lint->rule->patterns[pattern];
    const struct program_probe *probe = find_probe(lint, pattern);
    struct regex_node *tree = NULL;
    enum status status = regex_tree_parse(checked->regex, lint->scratch, &tree);
    if (status != STATUS_OK) {
        lint->no_memory |= status == STATUS_NO_MEMORY;
        return;
    }
    check_reach(lint, checked, tree);
    check_backtracking(lint, checked, tree);
    if (probe) {
        check_cost(lint, checked, probe, tree);
    }
}
