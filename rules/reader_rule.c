#include "rules/reader_rule.h"

#include <stdio.h>
#include <string.h>

#include "rules/condition.h"
#include "rules/reader_across.h"
#include "rules/reader_allow.h"
#include "rules/reader_pattern.h"
#include "rules/reader_test.h"

static const char *const rule_keys[] = {"id",        "title", "status",         "severity", "queue",  "patterns",
                                        "condition", "tests", "max_per_minute", "allow",    "across", NULL};
static const char *const defaults_keys[] = {"queue", "severity", "status", "view", "max_per_minute", NULL};

/* How many patterns a rule may have for all their combinations to be tried. */
#define TRY_ALL_MAX 8u

/* A whole number from 1. */
static void read_max_per_minute(struct reader_context *context, const struct yaml *map, uint32_t *max_per_minute)
{
    const struct yaml *node = yaml_get(map, "max_per_minute");
    if (!node) {
        return;
    }
    int64_t value = 0;
    if (yaml_integer(node, &value) != STATUS_OK || value < 1 || value > MODEL_MINUTE_MAX) {
        reader_node_error(context, node, "leave it out, and the settings decide",
                          "max_per_minute must be a whole number from 1 to %d", MODEL_MINUTE_MAX);
        return;
    }
    *max_per_minute = (uint32_t)value;
}

/* queue, severity, status: the same in `defaults` and in a rule. */
static void read_common(struct reader_context *context, const struct yaml *map, const char **queue,
                        enum severity *severity, enum rule_status *status)
{
    int index = 0;
    const struct yaml *node = yaml_get(map, "queue");
    if (node) {
        (void)reader_node_id(context, node, "queue", queue);
    }
    node = yaml_get(map, "severity");
    if (node && reader_node_choice(context, node, "severity", severity_names, &index)) {
        *severity = (enum severity)index;
    }
    node = yaml_get(map, "status");
    if (node && reader_node_choice(context, node, "status", rule_status_names, &index)) {
        *status = (enum rule_status)index;
    }
}

void reader_rule_read_defaults(struct reader_context *context, const struct yaml *node,
                               struct reader_defaults *defaults)
{
    if (node->type == YAML_NULL || !reader_node_is_map(context, node, "defaults")) {
        return;
    }
    reader_node_check_keys(context, node, defaults_keys, "defaults");
    read_common(context, node, &defaults->queue, &defaults->severity, &defaults->status);
    read_max_per_minute(context, node, &defaults->max_per_minute);
    const struct yaml *view = yaml_get(node, "view");
    if (view) {
        (void)reader_pattern_read_view(context, view, &defaults->view);
    }
}

static void read_pattern_name(struct reader_context *context, const struct yaml *key, struct pattern *pattern)
{
    char quote[MODEL_QUOTE_SIZE];
    struct span text = span_of(key->text, key->text ? key->size : 0);
    char *name = arena_copy(context->arena, text);
    if (!name) {
        context->no_memory = true;
        return;
    }
    pattern->name = name;
    if (condition_is_reserved(name)) {
        reader_node_error(context, key, "give it another name", "'%s' is a word of conditions", name);
    } else if (!condition_is_name(name) || strlen(name) != text.size) {
        reader_node_error(context, key, "begin with a letter; use letters of English, digits, '-' and '_'",
                          "the name of a pattern '%s' is not valid", model_quote(text, quote));
    } else if (text.size > MODEL_ID_SIZE_MAX) {
        reader_node_error(context, key, NULL, "the name of a pattern is over %d bytes", MODEL_ID_SIZE_MAX);
    }
}

static void read_patterns(struct reader_context *context, const struct yaml *node,
                          const struct reader_defaults *defaults, struct rule *rule)
{
    if (!reader_node_is_map(context, node, "patterns")) {
        return;
    }
    if (node->count == 0) {
        reader_node_error(context, node, "add a pattern", "patterns is empty");
        return;
    }
    if (node->count > MODEL_RULE_PATTERNS_MAX) {
        reader_node_error(context, node, "split the rule, or use words or a list", "a rule has at most %d patterns",
                          MODEL_RULE_PATTERNS_MAX);
        return;
    }
    struct pattern *patterns = arena_array(context->arena, node->count, sizeof *patterns);
    if (!patterns) {
        context->no_memory = true;
        return;
    }
    uint32_t count = 0;
    for (const struct yaml *item = node->first; item && !context->no_memory; item = item->next) {
        struct pattern *pattern = &patterns[count++];
        read_pattern_name(context, item->key, pattern);
        reader_pattern_read(context, item, defaults->view, pattern);
    }
    rule->patterns = patterns;
    rule->pattern_count = count;
}

/* Holds for some combination of patterns? Only told for rules with few patterns. */
static bool can_hold(const struct rule *rule, enum truth *values)
{
    if (rule->pattern_count > TRY_ALL_MAX) {
        return true;
    }
    for (uint32_t bits = 0; bits < 1u << rule->pattern_count; bits++) {
        for (uint32_t i = 0; i < rule->pattern_count; i++) {
            values[i] = (bits >> i & 1u) ? TRUTH_TRUE : TRUTH_FALSE;
        }
        if (condition_evaluate(rule->condition, values) == TRUTH_TRUE) {
            return true;
        }
    }
    return false;
}

/* `node` is the condition's, or the rule's id if there is none. */
static void check_condition(struct reader_context *context, const struct yaml *node, const struct yaml *patterns,
                            const struct rule *rule)
{
    enum truth *values = arena_array(context->scratch, rule->pattern_count, sizeof *values); /* zero: FALSE */
    if (!values) {
        context->no_memory = true;
        return;
    }
    if (condition_evaluate(rule->condition, values) == TRUTH_TRUE) {
        reader_node_error(context, node, "require at least one pattern that is not under 'not'",
                          "this condition holds for a message in which no pattern matches: it would flag everything");
    } else if (!can_hold(rule, values)) {
        reader_node_warning(context, node, "never-holds", "a pattern cannot be both there and not there",
                            "this condition can never hold: the rule never flags anything");
    }
    uint32_t index = 0;
    for (const struct yaml *item = patterns->first; item && index < rule->pattern_count; item = item->next, index++) {
        if (!condition_uses(rule->condition, index)) {
            reader_node_warning(context, item->key, "unused-pattern", "use it in the condition, or remove it",
                                "the condition never uses pattern '%s'", rule->patterns[index].name);
        }
    }
}

/* A condition that holds no NUL, as text; NULL with an error. */
static const char *condition_text(struct reader_context *context, const struct yaml *node)
{
    struct span text;
    if (!reader_node_text(context, node, "condition", &text)) {
        return NULL;
    }
    if (memchr(text.data, '\0', text.size)) {
        reader_node_error(context, node, NULL, "condition holds a NUL character");
        return NULL;
    }
    char *copy = arena_copy(context->arena, text);
    context->no_memory |= !copy;
    return copy;
}

static void read_condition(struct reader_context *context, const struct yaml *map, struct rule *rule)
{
    const struct yaml *node = yaml_get(map, "condition");
    const struct yaml *patterns = yaml_get(map, "patterns");
    const char *text = node ? condition_text(context, node) : "any of them";
    if (!text || rule->pattern_count == 0 || !patterns) {
        return;
    }
    const char **names = arena_array(context->scratch, rule->pattern_count, sizeof *names);
    if (!names) {
        context->no_memory = true;
        return;
    }
    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        names[i] = rule->patterns[i].name;
    }
    struct condition_fault fault = {0};
    const struct condition *condition = NULL;
    enum status status = condition_parse(text, names, rule->pattern_count, context->arena, &fault, &condition);
    if (status == STATUS_OK) {
        rule->condition = condition;
        rule->condition_text = node ? text : NULL;
        rule->condition_place = reader_node_place(context, node ? node : patterns);
        check_condition(context, node ? node : patterns, patterns, rule);
    } else if (status == STATUS_INVALID && node) {
        char words[sizeof fault.text + 16];
        snprintf(words, sizeof words, "condition: %s", fault.text);
        reader_node_error_inside(context, node, fault.offset, fault.remedy[0] != '\0' ? fault.remedy : NULL, words);
    } else {
        context->no_memory = true;
    }
}

static void check_tested(struct reader_context *context, const struct yaml *place, struct rule *rule)
{
    if (rule->test_count > 0 || reader_allow_has(rule, "no-tests")) {
        return;
    }
    context->untested_count++;
    if (context->untested_count <= READER_UNTESTED_MAX) {
        reader_node_warning(context, place, "no-tests", "add tests: {hits: ['...'], clean: ['...']}",
                            "rule '%s' has no tests", rule->id);
    }
}

void reader_rule_finish(struct reader_context *context)
{
    if (context->untested_count > READER_UNTESTED_MAX) {
        findings_add_named(context->findings, FINDING_WARNING, "no-tests", context->name, 0, 0, NULL,
                           "%u more rules have no tests", context->untested_count - READER_UNTESTED_MAX);
    }
}

/* Needs id and title settled first: messages and people use them. */
static void read_names(struct reader_context *context, const struct yaml *node, struct rule *rule)
{
    const struct yaml *id = yaml_get(node, "id");
    const struct yaml *title = yaml_get(node, "title");
    if (!id) {
        reader_node_error(context, node, "add an id like 'pack.what-it-finds'", "a rule needs a key 'id'");
    } else if (reader_node_id(context, id, "id", &rule->id)) {
        rule->place = reader_node_place(context, id);
    }
    rule->title = rule->id;
    if (title) {
        (void)reader_node_line(context, title, "title", MODEL_TITLE_SIZE_MAX, &rule->title);
    }
}

void reader_rule_read(struct reader_context *context, const struct yaml *node, const struct reader_defaults *defaults,
                      struct rule *rule)
{
    *rule = (struct rule){.queue = defaults->queue,
                          .severity = defaults->severity,
                          .status = defaults->status,
                          .max_per_minute = defaults->max_per_minute,
                          .place = reader_node_place(context, node)};
    if (!reader_node_is_map(context, node, "a rule")) {
        return;
    }
    uint32_t first_finding = context->findings->count;
    reader_node_check_keys(context, node, rule_keys, "a rule");
    reader_allow_read(context, yaml_get(node, "allow"), rule);
    read_names(context, node, rule);
    read_common(context, node, &rule->queue, &rule->severity, &rule->status);
    read_max_per_minute(context, node, &rule->max_per_minute);
    const struct yaml *patterns = yaml_get(node, "patterns");
    const struct yaml *tests = yaml_get(node, "tests");
    if (patterns) {
        read_patterns(context, patterns, defaults, rule);
    } else {
        reader_node_error(context, node, "add patterns: {name: {regex: '...'}}", "a rule needs a key 'patterns'");
    }
    reader_across_read(context, node, rule);
    if (!context->no_memory) {
        read_condition(context, node, rule);
    }
    if (tests && tests->type != YAML_NULL) {
        reader_test_read(context, tests, rule);
    }
    if (rule->id) {
        check_tested(context, yaml_get(node, "id"), rule);
    }
    reader_allow_apply(context, rule, first_finding);
}
