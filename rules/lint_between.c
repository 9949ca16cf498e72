/* Rules beside each other: the same rule twice, and the same entry in two rules. */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "rules/lint_context.h"
#include "text/domain.h"
#include "text/phrase.h"

#define ENTRIES_MAX 500000u /* of all rules; over it entries are not compared between rules */
#define KEY_SIZE_MAX (64u << 20)
#define SHARED_TOLD_MAX 10u /* of one pattern */

/* Something that two rules may share: its digest, and where it stands. */
struct use {
    uint64_t digest[2];
    uint32_t pack, order;
    const struct rule *rule;
    const struct pattern *pattern;     /* NULL: the rule as a whole */
    const struct pattern_entry *entry; /* NULL likewise */
};

struct uses {
    struct use *items;
    uint32_t count, capacity;
};

static int compare_uses(const void *left, const void *right)
{
    const struct use *a = left, *b = right;
    int order = memcmp(a->digest, b->digest, sizeof a->digest);
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

static bool add_use(struct lint *lint, struct uses *uses, struct use use)
{
    if (uses->count == uses->capacity) {
        uint32_t capacity = uses->capacity ? uses->capacity * 2 : 256;
        struct use *items = reallocarray(uses->items, capacity, sizeof *items);
        if (!items) {
            lint->no_memory = true;
            return false;
        }
        uses->items = items;
        uses->capacity = capacity;
    }
    use.order = uses->count;
    uses->items[uses->count++] = use;
    return true;
}

static enum status key_add(struct buffer *key, struct span bytes)
{
    uint64_t size = bytes.size;
    enum status status = buffer_append(key, &size, sizeof size);
    return status == STATUS_OK ? buffer_append(key, bytes.data, bytes.size) : status;
}

/* What the rule finds, and nothing of how it is named. */
static enum status rule_key(const struct rule *rule, struct buffer *key)
{
    const char *condition = rule->condition_text ? rule->condition_text : "any of them";
    enum status status = key_add(key, span_text(condition));
    for (uint32_t i = 0; status == STATUS_OK && i < rule->pattern_count; i++) {
        const struct pattern *pattern = &rule->patterns[i];
        uint32_t head[2] = {pattern->kind, pattern->views};
        bool named = rule->condition_text != NULL; /* the names are part of the condition */
        status = key_add(key, span_of(head, sizeof head));
        status = status == STATUS_OK ? key_add(key, span_text(named ? pattern->name : "")) : status;
        status = status == STATUS_OK ? key_add(key, pattern->regex) : status;
        for (uint32_t e = 0; status == STATUS_OK && e < pattern->entry_count; e++) {
            status = key_add(key, pattern->entries[e].text);
        }
    }
    return status;
}

static void check_duplicate_rules(struct lint *lint)
{
    struct uses uses = {0};
    struct buffer key = BUFFER_INIT(KEY_SIZE_MAX);
    for (uint32_t p = 0; p < lint->pack_count && !lint->no_memory; p++) {
        for (uint32_t r = 0; r < lint->packs[p]->rule_count; r++) {
            struct use use = {.pack = p, .rule = &lint->packs[p]->rules[r]};
            buffer_clear(&key);
            if (rule_key(use.rule, &key) == STATUS_OK) { /* else it is too large to compare */
                model_digest(buffer_span(&key), use.digest);
                (void)add_use(lint, &uses, use);
            }
        }
    }
    buffer_free(&key);
    if (uses.count > 1) {
        qsort(uses.items, uses.count, sizeof *uses.items, compare_uses);
    }
    for (uint32_t i = 1, first = 0; i < uses.count; i++) {
        const struct use *use = &uses.items[i], *other = &uses.items[first];
        if (memcmp(use->digest, other->digest, sizeof use->digest) != 0) {
            first = i;
            continue;
        }
        lint_take(lint, use->pack, use->rule);
        lint_report(lint, "duplicate-rule", &use->rule->place, "remove one of them",
                    "rule '%s' looks for the same as rule '%s' at %s:%u", use->rule->id, other->rule->id,
                    other->rule->place.file, other->rule->place.line);
    }
    free(uses.items);
}

static enum status entry_key(struct lint *lint, const struct pattern *pattern, const struct pattern_entry *entry,
                             struct buffer *key)
{
    uint32_t head[2] = {pattern->kind, pattern->views};
    enum status status = key_add(key, span_of(head, sizeof head));
    if (status == STATUS_OK && pattern->kind == PATTERN_WORDS) {
        struct phrase phrase = {0};
        status = phrase_parse(entry->text, lint->scratch, &phrase);
        for (uint32_t i = 0; status == STATUS_OK && i < phrase.count; i++) {
            status = key_add(key, phrase.pieces[i].text);
        }
        uint8_t edges = (uint8_t)(phrase.edge_before | phrase.edge_after << 1);
        return status == STATUS_OK ? key_add(key, span_of(&edges, 1)) : status;
    }
    struct span forms[DOMAIN_FORMS_MAX] = {{0}};
    uint32_t count = 0;
    status = status == STATUS_OK ? domain_parse(entry->text, lint->scratch, forms, &count) : status;
    return status == STATUS_OK ? key_add(key, forms[0]) : status;
}

/* The entries of the patterns that are enough for their rule to hold. */
static void collect_entries(struct lint *lint, uint32_t pack, const struct rule *rule, struct buffer *key,
                            struct uses *uses)
{
    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        const struct pattern *pattern = &rule->patterns[i];
        if (pattern->kind == PATTERN_REGEX || !lint_rule_flags_alone(rule, i)) {
            continue;
        }
        for (uint32_t e = 0; e < pattern->entry_count && uses->count < ENTRIES_MAX && !lint->no_memory; e++) {
            struct use use = {.pack = pack, .rule = rule, .pattern = pattern, .entry = &pattern->entries[e]};
            buffer_clear(key);
            arena_reset(lint->scratch);
            if (entry_key(lint, pattern, use.entry, key) == STATUS_OK) {
                model_digest(buffer_span(key), use.digest);
                (void)add_use(lint, uses, use);
            }
        }
    }
}

static bool same_queue(const struct rule *a, const struct rule *b)
{
    return a->queue == b->queue || (a->queue && b->queue && strcmp(a->queue, b->queue) == 0);
}

static void tell_shared(struct lint *lint, const struct use *use, const struct use *other)
{
    char quote[MODEL_QUOTE_SIZE];
    struct model_place place = lint_place_of_entry(use->pattern, use->entry);
    lint_take(lint, use->pack, use->rule);
    (void)model_quote(use->entry->text, quote);
    if (use->rule == other->rule) {
        lint_report(lint, "shared-entry", &place, "remove one of them",
                    "'%s' stands in pattern '%s' of the rule as well, line %u, and each alone is enough", quote,
                    other->pattern->name, other->entry->line);
    } else {
        lint_report(lint, "shared-entry", &place, "remove one of them, or give the rules different queues",
                    "'%s' alone flags in rule '%s' as well, line %u: each message makes two alerts in one queue", quote,
                    other->rule->id, other->entry->line);
    }
}

static void check_shared_entries(struct lint *lint)
{
    struct uses uses = {0};
    struct buffer key = BUFFER_INIT(KEY_SIZE_MAX);
    for (uint32_t p = 0; p < lint->pack_count && !lint->no_memory; p++) {
        for (uint32_t r = 0; r < lint->packs[p]->rule_count; r++) {
            const struct rule *rule = &lint->packs[p]->rules[r];
            if (rule->status == RULE_LIVE) {
                collect_entries(lint, p, rule, &key, &uses);
            }
        }
    }
    buffer_free(&key);
    if (uses.count > 1) {
        qsort(uses.items, uses.count, sizeof *uses.items, compare_uses);
    }
    uint32_t told = 0;
    const struct pattern *told_of = NULL;
    for (uint32_t i = 1, first = 0; i < uses.count; i++) {
        const struct use *use = &uses.items[i], *other = &uses.items[first];
        if (memcmp(use->digest, other->digest, sizeof use->digest) != 0) {
            first = i;
            continue;
        }
        if (use->pattern == other->pattern || !same_queue(use->rule, other->rule)) {
            continue;
        }
        told = use->pattern == told_of ? told + 1 : 0;
        told_of = use->pattern;
        if (told < SHARED_TOLD_MAX) {
            tell_shared(lint, use, other);
        }
    }
    free(uses.items);
}

void lint_between_check(struct lint *lint)
{
    check_duplicate_rules(lint);
    check_shared_entries(lint);
    lint->rule = NULL;
}
