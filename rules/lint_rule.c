/* Rules: conditions, tests, and patterns beside each other. */
#include <stdlib.h>
#include <string.h>

#include "rules/lint_context.h"

#define TABLE_PATTERNS_MAX 12u /* more patterns than this: their combinations are not all tried */
#define SEARCH_STEPS_MAX 20000u

/* Can the condition hold? Tries values for one pattern after the other and stops as soon as the rest does not matter. */
static bool can_hold(const struct rule *rule, enum truth *values, uint32_t from, uint32_t *steps)
{
    enum truth truth = condition_evaluate(rule->condition, values);
    if (truth != TRUTH_UNKNOWN || from == rule->pattern_count || ++*steps > SEARCH_STEPS_MAX) {
        return truth != TRUTH_FALSE;
    }
    values[from] = TRUTH_TRUE;
    bool can = can_hold(rule, values, from + 1, steps);
    if (!can) {
        values[from] = TRUTH_FALSE;
        can = can_hold(rule, values, from + 1, steps);
    }
    values[from] = TRUTH_UNKNOWN;
    return can;
}

static void check_can_hold(struct lint *lint)
{
    enum truth values[MODEL_RULE_PATTERNS_MAX];
    uint32_t steps = 0;
    for (uint32_t i = 0; i < lint->rule->pattern_count; i++) {
        values[i] = TRUTH_UNKNOWN;
    }
    if (lint->rule->pattern_count > 8 && !can_hold(lint->rule, values, 0, &steps)) { /* fewer: the reader says it */
        lint_report(lint, "never-holds", &lint->rule->condition_place, "a pattern cannot be both there and not there",
                    "this condition can never hold: the rule never flags anything");
    }
}

/* Patterns that the condition names and that never decide: in `a or (a and b)`, b. */
static void check_idle_patterns(struct lint *lint)
{
    const struct rule *rule = lint->rule;
    uint32_t count = rule->pattern_count, combinations = 1u << (count <= TABLE_PATTERNS_MAX ? count : 0);
    enum truth values[TABLE_PATTERNS_MAX];
    bool *holds = arena_array(lint->scratch, combinations, sizeof *holds);
    bool any = false;
    if (count > TABLE_PATTERNS_MAX || !holds) {
        return;
    }
    for (uint32_t bits = 0; bits < combinations; bits++) {
        for (uint32_t i = 0; i < count; i++) {
            values[i] = (bits >> i & 1u) ? TRUTH_TRUE : TRUTH_FALSE;
        }
        holds[bits] = condition_evaluate(rule->condition, values) == TRUTH_TRUE;
        any |= holds[bits];
    }
    for (uint32_t i = 0; any && i < count; i++) {
        bool decides = !condition_uses(rule->condition, i); /* that is told as unused-pattern */
        for (uint32_t bits = 0; bits < combinations && !decides; bits++) {
            decides = holds[bits] != holds[bits ^ 1u << i];
        }
        if (!decides) {
            lint_report(lint, "idle-pattern", &rule->patterns[i].place, "simplify the condition, or remove the pattern",
                        "whether pattern '%s' is found never makes a difference to the condition",
                        rule->patterns[i].name);
        }
    }
}

static bool same_entries(const struct pattern *a, const struct pattern *b)
{
    if (a->list_path && b->list_path) {
        return strcmp(a->list_path, b->list_path) == 0;
    }
    if (a->list_path || b->list_path || a->entry_count != b->entry_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->entry_count; i++) {
        if (!span_equal(a->entries[i].text, b->entries[i].text)) {
            return false;
        }
    }
    return true;
}

static void check_duplicate_patterns(struct lint *lint)
{
    const struct rule *rule = lint->rule;
    for (uint32_t i = 1; i < rule->pattern_count; i++) {
        const struct pattern *a = &rule->patterns[i];
        for (uint32_t j = 0; j < i; j++) {
            const struct pattern *b = &rule->patterns[j];
            if (a->kind == b->kind && a->views == b->views &&
                (a->kind == PATTERN_REGEX ? span_equal(a->regex, b->regex) : same_entries(a, b))) {
                lint_report(lint, "duplicate-pattern", &a->place, "remove one of them",
                            "pattern '%s' looks for the same as pattern '%s'", a->name, b->name);
                break;
            }
        }
    }
}

static int compare_tests(const void *left, const void *right)
{
    const struct rule_test *a = *(const struct rule_test *const *)left;
    const struct rule_test *b = *(const struct rule_test *const *)right;
    size_t size = a->text.size < b->text.size ? a->text.size : b->text.size;
    int order = size ? memcmp(a->text.data, b->text.data, size) : 0;
    if (order != 0 || a->text.size != b->text.size) {
        return order != 0 ? order : a->text.size < b->text.size ? -1 : 1;
    }
    if (a->message_count != b->message_count) {
        return a->message_count < b->message_count ? -1 : 1;
    }
    return (a > b) - (a < b); /* as they stand in the file */
}

static void check_tests(struct lint *lint)
{
    const struct rule *rule = lint->rule;
    const struct rule_test **tests = arena_array(lint->scratch, (size_t)rule->test_count + 1, sizeof *tests);
    uint32_t hits = 0;
    if (!tests) {
        lint->no_memory = true;
        return;
    }
    for (uint32_t i = 0; i < rule->test_count; i++) {
        tests[i] = &rule->tests[i];
        hits += rule->tests[i].hit;
    }
    if (rule->test_count > 0 && hits == 0) {
        lint_report(lint, "no-hit-test", &rule->place, "add a text under 'hits' that the rule must flag",
                    "no test of rule '%s' shows what it finds", rule->id);
    }
    if (rule->test_count > 0 && hits == rule->test_count) {
        lint_report(lint, "no-clean-test", &rule->place,
                    "add a text under 'clean' that looks alike and must not be flagged",
                    "no test of rule '%s' shows what it leaves alone", rule->id);
    }
    qsort(tests, rule->test_count, sizeof *tests, compare_tests);
    for (uint32_t i = 1; i < rule->test_count; i++) {
        if (span_equal(tests[i]->text, tests[i - 1]->text) && tests[i]->hit == tests[i - 1]->hit &&
            tests[i]->message_count == tests[i - 1]->message_count) {
            lint_report(lint, "duplicate-test", &tests[i]->place, "remove one of them",
                        "the same text is tested on line %u", tests[i - 1]->place.line);
        }
    }
}

bool lint_rule_flags_alone(const struct rule *rule, uint32_t pattern)
{
    enum truth values[MODEL_RULE_PATTERNS_MAX];
    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        values[i] = i == pattern ? TRUTH_TRUE : TRUTH_FALSE;
    }
    return condition_evaluate(rule->condition, values) == TRUTH_TRUE;
}

void lint_rule_check(struct lint *lint)
{
    arena_reset(lint->scratch);
    if (lint->rule->title == lint->rule->id) {
        lint_report(lint, "no-title", &lint->rule->place, "add 'title:' with what the rule finds, in a few words",
                    "rule '%s' has no title: the people who review its alerts read the id", lint->rule->id);
    }
    check_tests(lint);
    check_can_hold(lint);
    check_idle_patterns(lint);
    check_duplicate_patterns(lint);
}
