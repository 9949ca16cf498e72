#include "cli/diff_rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "proto/severity.h"
#include "rules/condition.h"
#include "text/view.h"

#define ENTRY_SIZE_MAX (1u << 20)

const char *const diff_effect_names[4] = {"flags", "routes", "words", NULL};

static struct diff_change *add(struct diff_changes *changes, enum diff_effect effect, const char *what,
                               const char *words)
{
    if (!what || !words) {
        return NULL;
    }
    if (changes->count == changes->capacity) {
        uint32_t capacity = changes->capacity ? changes->capacity * 2 : 16;
        struct diff_change *grown = arena_array(changes->arena, capacity, sizeof *grown);
        if (!grown) {
            return NULL;
        }
        if (changes->count) {
            memcpy(grown, changes->items, changes->count * sizeof *grown);
        }
        changes->items = grown;
        changes->capacity = capacity;
    }
    struct diff_change *change = &changes->items[changes->count++];
    *change = (struct diff_change){.effect = effect, .what = what, .words = words};
    return change;
}

static enum status add_value(struct diff_changes *changes, enum diff_effect effect, const char *what, const char *old,
                             const char *new)
{
    if (strcmp(old, new) == 0) {
        return STATUS_OK;
    }
    const char *words = arena_print(changes->arena, "%s, now %s", old, new);
    return add(changes, effect, what, words) ? STATUS_OK : STATUS_NO_MEMORY;
}

/* ---- Lists of texts ---- */

struct item {
    struct span key, shown;
};

static int compare_spans(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    size_t size = x->key.size < y->key.size ? x->key.size : y->key.size;
    int order = size ? memcmp(x->key.data, y->key.data, size) : 0;
    return order ? order : (x->key.size > y->key.size) - (x->key.size < y->key.size);
}

/* Those of `a` that are not in `b`, both sorted: the first few as lines, and how many. */
static uint32_t missing(struct diff_changes *changes, const struct item *a, uint32_t a_count, const struct item *b,
                        uint32_t b_count, const char *const **ret_lines)
{
    const char **lines = arena_array(changes->arena, DIFF_ENTRIES_SHOWN_MAX + 1, sizeof *lines);
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; lines && i < a_count; i++) {
        while (at < b_count && compare_spans(&b[at], &a[i]) < 0) {
            at++;
        }
        bool there = at < b_count && compare_spans(&b[at], &a[i]) == 0;
        if (there || (i > 0 && compare_spans(&a[i - 1], &a[i]) == 0)) {
            continue;
        }
        if (count++ < DIFF_ENTRIES_SHOWN_MAX) {
            lines[count - 1] = arena_copy(changes->arena, a[i].shown);
        }
    }
    *ret_lines = lines;
    return count;
}

/* Adds a change if the lists differ. `one` and `many` name what they hold. */
static enum status compare_items(struct diff_changes *changes, enum diff_effect effect, const char *what,
                                 const char *one, const char *many, struct item *old, uint32_t old_count,
                                 struct item *new, uint32_t new_count)
{
    const char *const *removed, *const *added;
    qsort(old, old_count, sizeof *old, compare_spans);
    qsort(new, new_count, sizeof *new, compare_spans);
    uint32_t removed_count = missing(changes, old, old_count, new, new_count, &removed);
    uint32_t added_count = missing(changes, new, new_count, old, old_count, &added);
    if (!removed || !added) {
        return STATUS_NO_MEMORY;
    }
    if (removed_count + added_count == 0) {
        return STATUS_OK;
    }
    const char *words =
        added_count == 0 ? arena_print(changes->arena, "%u %s removed", removed_count, removed_count == 1 ? one : many)
        : removed_count == 0 ? arena_print(changes->arena, "%u %s added", added_count, added_count == 1 ? one : many)
                             : arena_print(changes->arena, "%u %s added and %u removed", added_count,
                                           added_count == 1 ? one : many, removed_count);
    struct diff_change *change = add(changes, effect, what, words);
    if (!change) {
        return STATUS_NO_MEMORY;
    }
    change->removed = removed;
    change->added = added;
    change->removed_count = removed_count;
    change->added_count = added_count;
    return STATUS_OK;
}

/* ---- Patterns ---- */

static const char *const kind_names[] = {"a regex", "words", "domains"};

static const char *views_text(struct arena *arena, unsigned views)
{
    char text[128] = "";
    size_t size = 0;
    for (int view = 0; view < VIEW_COUNT; view++) {
        if (views & (1u << view) && size < sizeof text) {
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", size ? " and " : "", view_names[view]);
        }
    }
    return arena_copy(arena, span_text(text));
}

/* Entries as what they mean: folded. */
static enum status entry_items(struct arena *arena, const struct pattern *pattern, struct item **ret_items)
{
    struct item *items = arena_array(arena, (size_t)pattern->entry_count + 1, sizeof *items);
    struct buffer folded = BUFFER_INIT(ENTRY_SIZE_MAX);
    enum status status = items ? STATUS_OK : STATUS_NO_MEMORY;
    for (uint32_t i = 0; status == STATUS_OK && i < pattern->entry_count; i++) {
        buffer_clear(&folded);
        status = view_append(VIEW_FOLDED, pattern->entries[i].text, &folded, NULL);
        char *copy = status == STATUS_OK ? arena_copy(arena, buffer_span(&folded)) : NULL;
        if (status == STATUS_OK && !copy) {
            status = STATUS_NO_MEMORY;
        }
        items[i] = (struct item){.key = span_of(copy, folded.size), .shown = pattern->entries[i].text};
    }
    buffer_free(&folded);
    *ret_items = items;
    return status;
}

static enum status compare_entries(struct diff_changes *changes, const char *what, const struct pattern *old,
                                   const struct pattern *new)
{
    struct item *old_items, *new_items;
    bool words = old->kind == PATTERN_WORDS;
    enum status status = entry_items(changes->arena, old, &old_items);
    if (status == STATUS_OK) {
        status = entry_items(changes->arena, new, &new_items);
    }
    return status == STATUS_OK
               ? compare_items(changes, DIFF_FLAGS, what, words ? "phrase" : "domain", words ? "phrases" : "domains",
                               old_items, old->entry_count, new_items, new->entry_count)
               : status;
}

static enum status compare_regexes(struct diff_changes *changes, const char *what, const struct pattern *old,
                                   const struct pattern *new)
{
    if (span_equal(old->regex, new->regex)) {
        return STATUS_OK;
    }
    const char **lines = arena_array(changes->arena, 4, sizeof *lines);
    struct diff_change *change = lines ? add(changes, DIFF_FLAGS, what, "the regex is another one") : NULL;
    if (!change) {
        return STATUS_NO_MEMORY;
    }
    lines[0] = arena_copy(changes->arena, old->regex);
    lines[2] = arena_copy(changes->arena, new->regex);
    change->removed = lines;
    change->added = lines + 2;
    change->removed_count = change->added_count = 1;
    return lines[0] && lines[2] ? STATUS_OK : STATUS_NO_MEMORY;
}

static enum status compare_patterns(struct diff_changes *changes, const struct pattern *old, const struct pattern *new)
{
    const char *what = arena_print(changes->arena, "pattern %s", new->name);
    const char *old_views = views_text(changes->arena, old->views), *new_views = views_text(changes->arena, new->views);
    if (!what || !old_views || !new_views) {
        return STATUS_NO_MEMORY;
    }
    enum status status = add_value(changes, DIFF_FLAGS, what, kind_names[old->kind], kind_names[new->kind]);
    if (status == STATUS_OK && old->views != new->views) {
        const char *words = arena_print(changes->arena, "looks at the view %s, now at %s", old_views, new_views);
        status = add(changes, DIFF_FLAGS, what, words) ? STATUS_OK : STATUS_NO_MEMORY;
    }
    if (status != STATUS_OK || old->kind != new->kind) {
        return status;
    }
    return old->kind == PATTERN_REGEX ? compare_regexes(changes, what, old, new)
                                      : compare_entries(changes, what, old, new);
}

static const struct pattern *find_pattern(const struct rule *rule, const char *name)
{
    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        if (strcmp(rule->patterns[i].name, name) == 0) {
            return &rule->patterns[i];
        }
    }
    return NULL;
}

/* A pattern that only one of the rules has. */
static enum status add_pattern(struct diff_changes *changes, const struct pattern *pattern, bool added)
{
    const char *what = arena_print(changes->arena, "pattern %s", pattern->name);
    const char **lines = arena_array(changes->arena, 2, sizeof *lines);
    bool one = pattern->entry_count == 1;
    const char *words =
        pattern->kind == PATTERN_REGEX
            ? arena_print(changes->arena, "%s: %s", added ? "added" : "removed", kind_names[pattern->kind])
            : arena_print(changes->arena, "%s: %u %s", added ? "added" : "removed", pattern->entry_count,
                          pattern->kind == PATTERN_WORDS ? (one ? "phrase" : "phrases")
                          : one                          ? "domain"
                                                         : "domains");
    struct diff_change *change = lines ? add(changes, DIFF_FLAGS, what, words) : NULL;
    if (!change) {
        return STATUS_NO_MEMORY;
    }
    if (pattern->kind == PATTERN_REGEX) {
        lines[0] = arena_copy(changes->arena, pattern->regex);
        *(added ? &change->added : &change->removed) = lines;
        *(added ? &change->added_count : &change->removed_count) = 1;
        return lines[0] ? STATUS_OK : STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

static enum status compare_all_patterns(struct diff_changes *changes, const struct rule *old, const struct rule *new)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < old->pattern_count; i++) {
        const struct pattern *same = find_pattern(new, old->patterns[i].name);
        status =
            same ? compare_patterns(changes, &old->patterns[i], same) : add_pattern(changes, &old->patterns[i], false);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < new->pattern_count; i++) {
        if (!find_pattern(old, new->patterns[i].name)) {
            status = add_pattern(changes, &new->patterns[i], true);
        }
    }
    return status;
}

/* ---- Conditions ---- */

/* Whether both conditions hold for the same sets of patterns, which both rules have by the same names. */
static bool means_the_same(const struct rule *old, const struct rule *new)
{
    enum truth old_values[DIFF_TRUTH_PATTERNS_MAX], new_values[DIFF_TRUTH_PATTERNS_MAX];
    uint32_t place[DIFF_TRUTH_PATTERNS_MAX]; /* of each new pattern among the old ones */
    if (old->pattern_count != new->pattern_count || old->pattern_count > DIFF_TRUTH_PATTERNS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < new->pattern_count; i++) {
        const struct pattern *same = find_pattern(old, new->patterns[i].name);
        if (!same) {
            return false;
        }
        place[i] = (uint32_t)(same - old->patterns);
    }
    for (uint32_t set = 0; set < 1u << old->pattern_count; set++) {
        for (uint32_t i = 0; i < old->pattern_count; i++) {
            old_values[i] = set & (1u << i) ? TRUTH_TRUE : TRUTH_FALSE;
            new_values[i] = set & (1u << place[i]) ? TRUTH_TRUE : TRUTH_FALSE;
        }
        if (condition_evaluate(old->condition, old_values) != condition_evaluate(new->condition, new_values)) {
            return false;
        }
    }
    return true;
}

static enum status compare_conditions(struct diff_changes *changes, const struct rule *old, const struct rule *new)
{
    const char *old_text = old->condition_text ? old->condition_text : "any of them";
    const char *new_text = new->condition_text ? new->condition_text : "any of them";
    bool same = means_the_same(old, new);
    if (strcmp(old_text, new_text) == 0) {
        return STATUS_OK; /* what it says of other patterns is told with these */
    }
    const char *words =
        arena_print(changes->arena, same ? "written otherwise, but means the same: '%s', now '%s'" : "'%s', now '%s'",
                    old_text, new_text);
    return add(changes, same ? DIFF_WORDS : DIFF_FLAGS, "condition", words) ? STATUS_OK : STATUS_NO_MEMORY;
}

static const char *across_text(struct arena *arena, const struct rule_across *across)
{
    return across->messages ? arena_print(arena, "%u messages within %u minutes from one %s", across->messages,
                                          across->minutes, across->by_sender ? "sender" : "conversation")
                            : "one message";
}

/* ---- Tests, and the rule as a whole ---- */

static enum status compare_tests(struct diff_changes *changes, const struct rule *old, const struct rule *new, bool hit)
{
    struct item *items[2];
    uint32_t counts[2] = {0, 0};
    const struct rule *rules[2] = {old, new};
    for (int side = 0; side < 2; side++) {
        items[side] = arena_array(changes->arena, (size_t)rules[side]->test_count + 1, sizeof **items);
        if (!items[side]) {
            return STATUS_NO_MEMORY;
        }
        for (uint32_t i = 0; i < rules[side]->test_count; i++) {
            const struct rule_test *test = &rules[side]->tests[i];
            if (test->hit == hit) {
                items[side][counts[side]++] = (struct item){.key = test->text, .shown = test->text};
            }
        }
    }
    return compare_items(changes, DIFF_WORDS, hit ? "tests, hits" : "tests, clean", "text", "texts", items[0],
                         counts[0], items[1], counts[1]);
}

static const char *per_minute_text(struct arena *arena, uint32_t max)
{
    return max ? arena_print(arena, "%u", max) : "as the settings say";
}

static enum status compare_routing(struct diff_changes *changes, const struct rule *old, const struct rule *new)
{
    const char *old_max = per_minute_text(changes->arena, old->max_per_minute);
    const char *new_max = per_minute_text(changes->arena, new->max_per_minute);
    if (!old_max || !new_max) {
        return STATUS_NO_MEMORY;
    }
    enum status status =
        add_value(changes, DIFF_ROUTES, "severity", severity_text(old->severity), severity_text(new->severity));
    if (status == STATUS_OK) {
        status = add_value(changes, DIFF_ROUTES, "queue", old->queue ? old->queue : "as the settings say",
                           new->queue ? new->queue : "as the settings say");
    }
    if (status == STATUS_OK) {
        status = add_value(changes, DIFF_ROUTES, "max_per_minute", old_max, new_max);
    }
    return status;
}

enum status diff_rules(const struct rule *old, const struct rule *new, struct diff_changes *changes)
{
    const char *old_across = across_text(changes->arena, &old->across);
    const char *new_across = across_text(changes->arena, &new->across);
    if (!old_across || !new_across) {
        return STATUS_NO_MEMORY;
    }
    enum status status =
        add_value(changes, DIFF_FLAGS, "status", rule_status_names[old->status], rule_status_names[new->status]);
    if (status == STATUS_OK) {
        status = compare_conditions(changes, old, new);
    }
    if (status == STATUS_OK) {
        status = add_value(changes, DIFF_FLAGS, "across", old_across, new_across);
    }
    if (status == STATUS_OK) {
        status = compare_all_patterns(changes, old, new);
    }
    if (status == STATUS_OK) {
        status = compare_routing(changes, old, new);
    }
    if (status == STATUS_OK) {
        status = add_value(changes, DIFF_WORDS, "title", old->title, new->title);
    }
    if (status == STATUS_OK) {
        status = compare_tests(changes, old, new, true);
    }
    return status == STATUS_OK ? compare_tests(changes, old, new, false) : status;
}
