#include "scanner/explain.h"

#include <stdio.h>

#include "rules/regex_fit.h"
#include "rules/regex_search.h"
#include "rules/regex_tree.h"
#include "scanner/patterns.h"
#include "scanner/ruleset.h"
#include "text/view.h"

#define VIEW_SIZE_MAX (64u << 20)

struct explainer {
    struct arena *arena;
    struct pattern *patterns; /* of all rules that are asked about, one after the other */
    struct explain_pattern **answers;
    uint32_t count;
    bool unscanned; /* the text as a whole */
};

static void count_patterns(const struct ruleset *set, const struct rule *only, uint32_t *ret_rules,
                           uint32_t *ret_patterns)
{
    uint32_t pack_count;
    const struct pack *const *packs = ruleset_packs(set, &pack_count);
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            if (!only || only == rule) {
                ++*ret_rules;
                *ret_patterns += rule->pattern_count;
            }
        }
    }
}

static enum status take_rule(struct explainer *explainer, const struct rule *rule, struct explain_rule *answer)
{
    struct explain_pattern *patterns = arena_array(explainer->arena, (size_t)rule->pattern_count + 1, sizeof *patterns);
    if (!patterns) {
        return STATUS_NO_MEMORY;
    }
    *answer = (struct explain_rule){.rule = rule, .patterns = patterns};
    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        patterns[i].pattern = &rule->patterns[i];
        explainer->patterns[explainer->count] = rule->patterns[i];
        explainer->answers[explainer->count++] = &patterns[i];
    }
    return STATUS_OK;
}

static enum status take_rules(struct explainer *explainer, const struct ruleset *set, const struct rule *only,
                              struct explain_rule *answers)
{
    uint32_t pack_count, taken = 0;
    const struct pack *const *packs = ruleset_packs(set, &pack_count);
    enum status status = STATUS_OK;
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count && status == STATUS_OK; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            if (!only || only == rule) {
                status = take_rule(explainer, rule, &answers[taken++]);
            }
        }
    }
    return status;
}

static enum status on_found(void *context, uint32_t pattern, uint32_t text, enum truth found,
                            const struct verdict_span *places, uint32_t count)
{
    struct explainer *explainer = context;
    (void)text; /* there is one */
    if (pattern == PATTERNS_ALL) {
        explainer->unscanned = true;
        return STATUS_OK;
    }
    struct explain_pattern *answer = explainer->answers[pattern];
    struct explain_span *spans = arena_array(explainer->arena, (size_t)count + 1, sizeof *spans);
    if (!spans) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        spans[i] = (struct explain_span){.view = places[i].view, .start = places[i].start, .end = places[i].end};
    }
    answer->found = found;
    answer->spans = spans;
    answer->span_count = count;
    return STATUS_OK;
}

/* The literals that a regex is found by, of one view. */
static enum status find_literals(struct explainer *explainer, const struct program_probe *probe,
                                 struct explain_pattern *answer)
{
    struct regex_node *tree = NULL;
    struct regex_search search = {0};
    enum status status = regex_tree_parse(answer->pattern->regex, explainer->arena, &tree);
    if (status == STATUS_OK) {
        status = regex_fit(tree, probe->view, explainer->arena);
    }
    if (status == STATUS_OK) {
        status = regex_search_plan(tree, explainer->arena, probe->view, NULL, &search);
    }
    struct span *literals = arena_array(explainer->arena, search.literal_count + 1u, sizeof *literals);
    if (status == STATUS_NO_MEMORY || !literals) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < search.literal_count; i++) {
        literals[i] = search.literals[i].text;
    }
    answer->literals = literals;
    answer->literal_count = search.literal_count;
    return STATUS_OK;
}

/* How the set itself looks for the patterns of a rule. */
static enum status explain_plan(struct explainer *explainer, const struct program *program,
                                const struct program_rule *planned, struct explain_pattern *patterns)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < planned->probe_count && status == STATUS_OK; i++) {
        const struct program_probe *probe = &program->probes[planned->first_probe + i];
        struct explain_pattern *answer = &patterns[probe->pattern];
        if (answer->planned && answer->search >= probe->search) {
            continue; /* of several views the costliest is told */
        }
        answer->planned = true;
        answer->search = probe->search;
        if (answer->pattern->kind == PATTERN_REGEX && probe->search <= SEARCH_EXPRESSION) {
            status = find_literals(explainer, probe, answer);
        }
    }
    return status;
}

static enum status explain_plans(struct explainer *explainer, const struct ruleset *set, struct explain_rule *answers,
                                 uint32_t count)
{
    const struct program *program = ruleset_program(set);
    enum status status = STATUS_OK;
    for (uint32_t i = 0, planned = 0; i < count && status == STATUS_OK; i++) {
        uint32_t at = planned;
        while (at < program->rule_count && program->rules[at].rule != answers[i].rule) {
            at++; /* the program has the rules in the same order, without those that are off */
        }
        if (at < program->rule_count) {
            /* NOLINTNEXTLINE(performance-no-int-to-ptr): only to shed the const; explain_rules made it for this answer. */
            struct explain_pattern *patterns = (struct explain_pattern *)(uintptr_t)answers[i].patterns;
            status = explain_plan(explainer, program, &program->rules[at], patterns);
            planned = at + 1;
        }
    }
    return status;
}

static enum status make_views(struct arena *arena, struct span text, struct explanation *explanation)
{
    struct buffer viewed = BUFFER_INIT(VIEW_SIZE_MAX);
    enum status status = STATUS_OK;
    for (unsigned view = 0; view < VIEW_COUNT && status == STATUS_OK; view++) {
        buffer_clear(&viewed);
        status = view_append((enum view)view, text, &viewed, NULL);
        explanation->views[view] = status == STATUS_OK ? arena_copy(arena, buffer_span(&viewed)) : NULL;
        explanation->view_sizes[view] = (uint32_t)viewed.size;
        status = status == STATUS_OK && !explanation->views[view] ? STATUS_NO_MEMORY : status;
    }
    buffer_free(&viewed);
    return status;
}

static void decide(const struct explainer *explainer, struct explain_rule *answer)
{
    enum truth values[MODEL_RULE_PATTERNS_MAX];
    for (uint32_t i = 0; i < answer->rule->pattern_count; i++) {
        values[i] = explainer->unscanned ? TRUTH_UNKNOWN : answer->patterns[i].found;
        answer->found_count += values[i] == TRUTH_TRUE;
    }
    answer->holds = condition_evaluate(answer->rule->condition, values);
}

enum status explain_text(const struct ruleset *set, const struct rule *only, struct span text, struct arena *arena,
                         struct findings *findings, struct explanation *ret_explanation)
{
    struct explainer explainer = {.arena = arena};
    struct explanation explanation = {0};
    uint32_t rule_count = 0, pattern_count = 0;
    count_patterns(set, only, &rule_count, &pattern_count);
    struct explain_rule *answers = arena_array(arena, (size_t)rule_count + 1, sizeof *answers);
    explainer.patterns = arena_array(arena, (size_t)pattern_count + 1, sizeof *explainer.patterns);
    explainer.answers = arena_array(arena, (size_t)pattern_count + 1, sizeof(struct explain_pattern *));
    enum status status =
        answers && explainer.patterns && explainer.answers ? make_views(arena, text, &explanation) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = take_rules(&explainer, set, only, answers);
    }
    if (status == STATUS_OK) {
        status = patterns_find(explainer.patterns, explainer.count, &text, 1, findings, on_found, &explainer);
    }
    if (status == STATUS_OK) {
        status = explain_plans(&explainer, set, answers, rule_count);
    }
    for (uint32_t i = 0; i < rule_count && status == STATUS_OK; i++) {
        decide(&explainer, &answers[i]);
    }
    if (status == STATUS_OK) {
        explanation.rules = answers;
        explanation.rule_count = rule_count;
        *ret_explanation = explanation;
    }
    return status;
}

/* Writes what keeps `condition` from being `wanted`. */
struct missing {
    const struct rule *rule;
    const enum truth *values;
    struct buffer *out;
    enum status status;
};

static void write_text(struct missing *missing, const char *text)
{
    if (missing->status == STATUS_OK) {
        missing->status = buffer_append_text(missing->out, text);
    }
}

static void write_count(struct missing *missing, const struct condition *condition, bool wanted)
{
    uint32_t found = 0;
    bool first = true;
    char number[32];
    for (uint32_t i = 0; i < condition->pattern_count; i++) {
        found += missing->values[condition->patterns[i]] == TRUTH_TRUE;
    }
    uint32_t wanting = wanted ? condition->at_least - found : found + 1 - condition->at_least;
    /* Where all of those that are left must change, their number says nothing. */
    bool each = wanting == (wanted ? condition->pattern_count - found : found);
    bool single = each && wanting == 1;
    if (each) {
        (void)snprintf(number, sizeof number, "%s%s", wanted ? (single ? "" : "all of ") : "no ", single ? "" : "(");
    } else {
        (void)snprintf(number, sizeof number, "%u %s of (", wanting, wanted ? "more" : "fewer");
    }
    write_text(missing, number);
    for (uint32_t i = 0; i < condition->pattern_count; i++) {
        uint32_t pattern = condition->patterns[i];
        if ((missing->values[pattern] == TRUTH_TRUE) != wanted) {
            write_text(missing, first ? "" : ", ");
            write_text(missing, missing->rule->patterns[pattern].name);
            first = false;
        }
    }
    write_text(missing, single ? "" : ")");
}

static void write_missing(struct missing *missing, const struct condition *condition, bool wanted, bool inside)
{
    enum truth truth = condition_evaluate(condition, missing->values);
    if (truth == (wanted ? TRUTH_TRUE : TRUTH_FALSE)) {
        return;
    }
    switch (condition->type) {
    case CONDITION_PATTERN:
        write_text(missing, wanted ? "" : "no ");
        write_text(missing, missing->rule->patterns[condition->pattern].name);
        return;
    case CONDITION_NOT:
        write_missing(missing, condition->left, !wanted, inside);
        return;
    case CONDITION_COUNT:
        write_count(missing, condition, wanted);
        return;
    case CONDITION_AND:
    case CONDITION_OR: {
        /* To make an `and` true everything false in it must change; to make it false, one of its parts. */
        bool all = (condition->type == CONDITION_AND) == wanted;
        enum truth good = wanted ? TRUTH_TRUE : TRUTH_FALSE;
        bool left = condition_evaluate(condition->left, missing->values) != good;
        bool right = condition_evaluate(condition->right, missing->values) != good;
        bool both = left && right;
        write_text(missing, both && !all && inside ? "(" : "");
        write_missing(missing, condition->left, wanted, inside || (both && all));
        write_text(missing, !both ? "" : all ? " and " : " or ");
        write_missing(missing, condition->right, wanted, inside || (both && all));
        write_text(missing, both && !all && inside ? ")" : "");
        return;
    }
    }
}

enum status explain_missing(const struct rule *rule, const enum truth *values, struct buffer *out)
{
    struct missing missing = {.rule = rule, .values = values, .out = out, .status = STATUS_OK};
    write_missing(&missing, rule->condition, true, false);
    return missing.status;
}
