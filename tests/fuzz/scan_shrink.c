#include "tests/fuzz/scan_shrink.h"

#include <string.h>
#include <time.h>

#include "tests/fuzz/scan_oracle.h"
#include "text/utf8.h"

struct shrink {
    struct comparer *comparer;
    struct arena *arena;
    struct scan_case *it;
    struct difference *difference;
    time_t until;
    bool progress;
};

/* Takes the smaller case if it differs in a like manner. */
static bool accept(struct shrink *shrink, const struct scan_case *smaller)
{
    struct difference difference;
    if (time(NULL) > shrink->until || !comparer_try(shrink->comparer, smaller, &difference) ||
        (difference.kind == DIFFERENCE_LOAD) != (shrink->difference->kind == DIFFERENCE_LOAD)) {
        return false;
    }
    *shrink->it = *smaller;
    *shrink->difference = difference;
    shrink->progress = true;
    return true;
}

/* `count` items of `size` bytes without [first, first + gone). */
static void *without(struct shrink *shrink, const void *items, size_t size, uint32_t count, uint32_t first,
                     uint32_t gone)
{
    char *kept = case_array(shrink->arena, count, size);
    memcpy(kept, items, first * size);
    memcpy(kept + first * size, (const char *)items + (first + gone) * size, (count - first - gone) * size);
    return kept;
}

static bool drop_texts(struct shrink *shrink, uint32_t first, uint32_t gone)
{
    struct scan_case smaller = *shrink->it;
    smaller.texts = without(shrink, smaller.texts, sizeof *smaller.texts, smaller.text_count, first, gone);
    smaller.text_count -= gone;
    return accept(shrink, &smaller);
}

static bool drop_rules(struct shrink *shrink, uint32_t first, uint32_t gone)
{
    struct scan_case smaller = *shrink->it;
    smaller.rules = without(shrink, smaller.rules, sizeof(struct case_rule *), smaller.rule_count, first, gone);
    smaller.rule_count -= gone;
    return accept(shrink, &smaller);
}

/* Drops runs of items, long ones first, as long as `drop` succeeds; at least one item stays. */
static void drop_runs(struct shrink *shrink, uint32_t (*count_of)(const struct shrink *),
                      bool (*drop)(struct shrink *, uint32_t, uint32_t))
{
    for (uint32_t run = count_of(shrink) / 2; run > 0; run /= 2) {
        for (uint32_t first = 0; first < count_of(shrink);) {
            uint32_t count = count_of(shrink), gone = count - first < run ? count - first : run;
            if (gone == count || !drop(shrink, first, gone)) {
                first += run;
            }
        }
    }
}

static uint32_t count_texts(const struct shrink *shrink)
{
    return shrink->it->text_count;
}

static uint32_t count_rules(const struct shrink *shrink)
{
    return shrink->it->rule_count;
}

static void one_alone(struct shrink *shrink)
{
    struct scan_case smaller = *shrink->it;
    const struct case_rule **rule = case_array(shrink->arena, 1, sizeof(struct case_rule *));
    rule[0] = smaller.rules[shrink->difference->rule];
    smaller.rules = rule;
    smaller.rule_count = 1;
    smaller.batch = 1;
    if (shrink->difference->text < smaller.text_count) {
        smaller.texts += shrink->difference->text;
        smaller.text_count = 1;
        (void)accept(shrink, &smaller);
    }
}

/* ---------------------------------------------------------------- inside a rule */

static bool replace_rule(struct shrink *shrink, uint32_t index, const struct case_rule *rule)
{
    struct scan_case smaller = *shrink->it;
    struct case_rule *copy = case_array(shrink->arena, 1, sizeof *copy);
    *copy = *rule;
    smaller.rules = without(shrink, smaller.rules, sizeof(struct case_rule *), smaller.rule_count, 0, 0);
    smaller.rules[index] = copy;
    return accept(shrink, &smaller);
}

static const struct case_node *renumber(struct shrink *shrink, const struct case_node *node, const uint32_t *numbers)
{
    struct case_node *copy = case_array(shrink->arena, 1, sizeof *copy);
    *copy = *node;
    if (node->left) {
        copy->left = renumber(shrink, node->left, numbers);
    }
    if (node->right) {
        copy->right = renumber(shrink, node->right, numbers);
    }
    if (node->type == CASE_NODE_PATTERN) {
        copy->number = numbers[node->number];
    }
    for (uint32_t i = copy->set = 0; i < CASE_PATTERNS_MAX; i++) {
        copy->set |= node->set & 1u << i ? 1u << numbers[i] : 0;
    }
    return copy;
}

static uint32_t used_patterns(const struct case_node *node)
{
    return node ? node->set | (node->type == CASE_NODE_PATTERN ? 1u << node->number : 0) | used_patterns(node->left) |
                      used_patterns(node->right)
                : 0;
}

/* The rule with the patterns of `kept` only, which are all that its condition names. */
static struct case_rule keep_patterns(struct shrink *shrink, const struct case_rule *rule, uint32_t kept)
{
    struct case_rule smaller = *rule;
    struct case_pattern *patterns = case_array(shrink->arena, rule->count, sizeof *patterns);
    uint32_t numbers[CASE_PATTERNS_MAX] = {0};
    smaller.count = 0;
    for (uint32_t i = 0; i < rule->count; i++) {
        if (kept & 1u << i) {
            numbers[i] = smaller.count;
            patterns[smaller.count++] = rule->patterns[i];
        }
    }
    smaller.patterns = patterns;
    smaller.condition = rule->condition ? renumber(shrink, rule->condition, numbers) : NULL;
    return smaller;
}

/* Tries the condition with `node` replaced by something smaller; the new tree shares the rest. */
static const struct case_node *replace_node(struct shrink *shrink, const struct case_node *tree,
                                            const struct case_node *node, const struct case_node *by)
{
    if (!tree || tree == node) {
        return tree ? by : NULL;
    }
    struct case_node *copy = case_array(shrink->arena, 1, sizeof *copy);
    *copy = *tree;
    copy->left = replace_node(shrink, tree->left, node, by);
    copy->right = replace_node(shrink, tree->right, node, by);
    return copy;
}

static bool try_condition(struct shrink *shrink, uint32_t index, const struct case_node *condition)
{
    struct case_rule rule = *shrink->it->rules[index];
    rule.condition = condition;
    enum truth nothing[CASE_PATTERNS_MAX] = {0};
    if (case_evaluate(&rule, nothing) != TRUTH_FALSE) {
        return false;
    }
    rule = keep_patterns(shrink, &rule, used_patterns(condition));
    return rule.count > 0 && replace_rule(shrink, index, &rule);
}

static bool shrink_node(struct shrink *shrink, uint32_t index, const struct case_node *node)
{
    const struct case_node *tree = shrink->it->rules[index]->condition;
    if (node->left && try_condition(shrink, index, replace_node(shrink, tree, node, node->left))) {
        return true;
    }
    if (node->right && try_condition(shrink, index, replace_node(shrink, tree, node, node->right))) {
        return true;
    }
    for (uint32_t i = 0; node->type == CASE_NODE_COUNT && i < CASE_PATTERNS_MAX; i++) {
        struct case_node *fewer = case_array(shrink->arena, 1, sizeof *fewer);
        *fewer = *node;
        fewer->set &= ~(1u << i);
        uint32_t size = (uint32_t)__builtin_popcount(fewer->set);
        fewer->number = fewer->number > size ? size : fewer->number;
        if ((node->set & 1u << i) && size > 0 &&
            try_condition(shrink, index, replace_node(shrink, tree, node, fewer))) {
            return true;
        }
    }
    return (node->left && shrink_node(shrink, index, node->left)) ||
           (node->right && shrink_node(shrink, index, node->right));
}

static void shrink_rule(struct shrink *shrink, uint32_t index)
{
    for (uint32_t p = 0; p < shrink->it->rules[index]->count && shrink->it->rules[index]->count > 1; p++) {
        struct case_rule one = *shrink->it->rules[index];
        one.condition = NULL;
        one = keep_patterns(shrink, &one, 1u << p);
        (void)replace_rule(shrink, index, &one);
    }
    const struct case_rule *rule = shrink->it->rules[index];
    uint32_t used = used_patterns(rule->condition);
    if (rule->condition && used != (1u << rule->count) - 1) {
        struct case_rule fewer = keep_patterns(shrink, rule, used);
        (void)replace_rule(shrink, index, &fewer);
    }
    while (shrink->it->rules[index]->condition && shrink_node(shrink, index, shrink->it->rules[index]->condition)) {
    }
    for (uint32_t p = 0; !shrink->it->rules[index]->condition && p < shrink->it->rules[index]->count; p++) {
        rule = shrink->it->rules[index];
        struct case_rule fewer = *rule;
        if (rule->count > 1) {
            fewer = keep_patterns(shrink, rule, ((1u << rule->count) - 1) & ~(1u << p));
            p -= replace_rule(shrink, index, &fewer);
        }
    }
}

/* ---------------------------------------------------------------- inside a pattern */

static bool replace_pattern(struct shrink *shrink, uint32_t index, uint32_t p, const struct case_pattern *pattern)
{
    struct case_rule rule = *shrink->it->rules[index];
    struct case_pattern *patterns = without(shrink, rule.patterns, sizeof *patterns, rule.count, 0, 0);
    patterns[p] = *pattern;
    rule.patterns = patterns;
    return replace_rule(shrink, index, &rule);
}

static const struct case_pattern *pattern_of(const struct shrink *shrink, uint32_t index, uint32_t p)
{
    return &shrink->it->rules[index]->patterns[p];
}

static void shrink_entries(struct shrink *shrink, uint32_t index, uint32_t p)
{
    for (uint32_t run = pattern_of(shrink, index, p)->count / 2; run > 0; run /= 2) {
        for (uint32_t first = 0; first < pattern_of(shrink, index, p)->count;) {
            struct case_pattern fewer = *pattern_of(shrink, index, p);
            uint32_t gone = fewer.count - first < run ? fewer.count - first : run;
            fewer.entries = without(shrink, fewer.entries, sizeof *fewer.entries, fewer.count, first, gone);
            fewer.count -= gone;
            if (fewer.count == 0 || !replace_pattern(shrink, index, p, &fewer)) {
                first += run;
            }
        }
    }
}

static bool is_entry_still(const struct case_pattern *pattern, struct span text)
{
    if (pattern->kind == CASE_REGEX) {
        return utf8_valid(text) && oracle_takes(text);
    }
    bool solid = false;
    for (size_t i = 0; i < text.size; i++) {
        solid |= text.data[i] > ' ' && text.data[i] != '*';
    }
    return solid && utf8_valid(text);
}

static void shrink_texts_of_pattern(struct shrink *shrink, uint32_t index, uint32_t p)
{
    for (uint32_t e = 0; e < pattern_of(shrink, index, p)->count; e++) {
        size_t size = pattern_of(shrink, index, p)->entries[e].text.size;
        for (size_t run = size > 1 ? size / 2 : 1; run > 0; run /= 2) {
            for (size_t first = 0; first < pattern_of(shrink, index, p)->entries[e].text.size;) {
                struct case_pattern smaller = *pattern_of(shrink, index, p);
                struct case_entry *entries = without(shrink, smaller.entries, sizeof *entries, smaller.count, 0, 0);
                struct span text = entries[e].text;
                uint32_t gone = (uint32_t)(text.size - first < run ? text.size - first : run);
                entries[e].text = span_of(without(shrink, text.data, 1, (uint32_t)text.size, (uint32_t)first, gone),
                                          text.size - gone);
                smaller.entries = entries;
                if (!is_entry_still(&smaller, entries[e].text) || !replace_pattern(shrink, index, p, &smaller)) {
                    first += run;
                }
            }
        }
    }
}

static void shrink_bytes(struct shrink *shrink, uint32_t t)
{
    size_t size = shrink->it->texts[t].size;
    for (size_t run = size > 1 ? size / 2 : 1; run > 0; run /= 2) {
        for (size_t first = 0; first < shrink->it->texts[t].size;) {
            struct scan_case smaller = *shrink->it;
            struct span *texts = without(shrink, smaller.texts, sizeof *texts, smaller.text_count, 0, 0);
            struct span text = texts[t];
            uint32_t gone = (uint32_t)(text.size - first < run ? text.size - first : run);
            texts[t] =
                span_of(without(shrink, text.data, 1, (uint32_t)text.size, (uint32_t)first, gone), text.size - gone);
            smaller.texts = texts;
            if (!accept(shrink, &smaller)) {
                first += run;
            }
        }
    }
}

/* What cannot go because its length matters becomes dull. */
static void dull_bytes(struct shrink *shrink, uint32_t t)
{
    uint32_t size = (uint32_t)shrink->it->texts[t].size;
    for (uint32_t run = size / 2; run > 3; run /= 2) {
        for (uint32_t first = 0; first < size; first += run) {
            uint32_t count = size - first < run ? size - first : run;
            struct scan_case smaller = *shrink->it;
            struct span *texts = without(shrink, smaller.texts, sizeof *texts, smaller.text_count, 0, 0);
            uint8_t *bytes = without(shrink, texts[t].data, 1, size, 0, 0);
            bool dull = true;
            for (uint32_t i = first; i < first + count; i++) {
                dull &= bytes[i] == 'z';
                bytes[i] = 'z';
            }
            texts[t].data = bytes;
            smaller.texts = texts;
            if (!dull) {
                bool progress = shrink->progress;
                (void)accept(shrink, &smaller);
                shrink->progress = progress;
            }
        }
    }
}

static void shrink_batch(struct shrink *shrink)
{
    static const uint32_t batches[] = {1, 2, 16, 256};
    for (size_t i = 0; i < sizeof batches / sizeof *batches && batches[i] < shrink->it->batch; i++) {
        struct scan_case smaller = *shrink->it;
        smaller.batch = batches[i];
        (void)accept(shrink, &smaller);
    }
}

void scan_shrink(struct comparer *comparer, struct arena *arena, double seconds, struct scan_case *it,
                 struct difference *difference)
{
    struct shrink shrink = {.comparer = comparer,
                            .arena = arena,
                            .it = it,
                            .difference = difference,
                            .until = time(NULL) + (time_t)seconds,
                            .progress = true};
    one_alone(&shrink);
    while (shrink.progress && time(NULL) <= shrink.until) {
        shrink.progress = false;
        drop_runs(&shrink, count_rules, drop_rules);
        drop_runs(&shrink, count_texts, drop_texts);
        shrink_batch(&shrink);
        for (uint32_t r = 0; r < it->rule_count; r++) {
            shrink_rule(&shrink, r);
            for (uint32_t p = 0; p < it->rules[r]->count; p++) {
                shrink_entries(&shrink, r, p);
                if (it->rules[r]->patterns[p].kind != CASE_DOMAINS) {
                    shrink_texts_of_pattern(&shrink, r, p);
                }
            }
        }
        for (uint32_t t = 0; t < it->text_count; t++) {
            shrink_bytes(&shrink, t);
            dull_bytes(&shrink, t);
        }
    }
}
