#include "cli/backtest_tally.h"

#include <stdlib.h>
#include <string.h>

#include "rules/model.h"

/* ---- The rules of both sides ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct backtest_rule *x = a, *y = b;
    return strcmp(x->id, y->id);
}

/* Live and shadow rules of a side's packs go to `rules`, if that is not NULL; returns how many. */
static uint32_t collect_rules(const struct ruleset *set, enum backtest_side side, struct backtest_rule *rules)
{
    uint32_t pack_count = 0, count = 0;
    const struct pack *const *packs = set ? ruleset_packs(set, &pack_count) : NULL;
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            if (rule->status == RULE_OFF) {
                continue;
            }
            if (rules) {
                rules[count] = (struct backtest_rule){.id = rule->id};
                rules[count].sides[side] = rule;
            }
            count++;
        }
    }
    return count;
}

/* Rules of the same id become one. */
static uint32_t unite(struct backtest_rule *rules, uint32_t count)
{
    uint32_t kept = 0;
    qsort(rules, count, sizeof *rules, compare_ids);
    for (uint32_t i = 0; i < count; i++) {
        if (kept > 0 && strcmp(rules[kept - 1].id, rules[i].id) == 0) {
            for (int side = 0; side < 2; side++) {
                rules[kept - 1].sides[side] = rules[i].sides[side] ? rules[i].sides[side] : rules[kept - 1].sides[side];
            }
        } else {
            rules[kept++] = rules[i];
        }
    }
    return kept;
}

enum status backtest_tally_new(struct ruleset *base, struct ruleset *new, const struct backtest_options *options,
                               struct backtest **ret_backtest)
{
    struct backtest *backtest = calloc(1, sizeof *backtest);
    if (!backtest) {
        return STATUS_NO_MEMORY;
    }
    uint32_t base_count = collect_rules(base, BACKTEST_BASE, NULL), new_count = collect_rules(new, BACKTEST_NEW, NULL);
    backtest->sides[BACKTEST_BASE] = base;
    backtest->sides[BACKTEST_NEW] = new;
    backtest->rules = calloc((size_t)base_count + new_count + 1, sizeof *backtest->rules);
    backtest->files = calloc((size_t)options->file_count + 1, sizeof *backtest->files);
    if (!backtest->rules || !backtest->files) {
        backtest_free(&backtest);
        return STATUS_NO_MEMORY;
    }
    (void)collect_rules(base, BACKTEST_BASE, backtest->rules + 1);
    (void)collect_rules(new, BACKTEST_NEW, backtest->rules + 1 + base_count);
    backtest->rule_count = unite(backtest->rules + 1, base_count + new_count) + 1;
    for (uint32_t i = 0; i < options->file_count; i++) {
        backtest->files[i].path = options->files[i];
    }
    backtest->file_count = options->file_count;
    *ret_backtest = backtest;
    return STATUS_OK;
}

void backtest_free(struct backtest **backtest)
{
    if (!*backtest) {
        return;
    }
    for (uint32_t r = 0; (*backtest)->rules && r < (*backtest)->rule_count; r++) {
        struct backtest_rule *rule = &(*backtest)->rules[r];
        for (int change = 0; change < 2; change++) {
            for (uint32_t i = 0; i < rule->sample_count[change]; i++) {
                free(rule->samples[change][i].text);
            }
            free(rule->samples[change]);
        }
    }
    free((*backtest)->rules);
    free((*backtest)->files);
    free(*backtest);
    *backtest = NULL;
}

uint32_t backtest_tally_rule(const struct backtest *backtest, const struct rule *rule)
{
    const struct backtest_rule wanted = {.id = rule->id};
    const struct backtest_rule *found =
        bsearch(&wanted, backtest->rules + 1, backtest->rule_count - 1, sizeof *backtest->rules, compare_ids);
    return found ? (uint32_t)(found - backtest->rules) : 0;
}

/* ---- Samples ---- */

static bool is_continuation(const char *text, uint32_t at, uint32_t size)
{
    return at < size && ((uint8_t)text[at] & 0xC0) == 0x80;
}

/* What is shown of a message: all of it, or a part of BACKTEST_SAMPLE_BYTES_MAX around its first span. */
static enum status make_sample(const struct backtest_message *message, const struct backtest_hit *hit, uint64_t order,
                               struct backtest_sample *ret_sample)
{
    uint32_t size = (uint32_t)message->text.size, from = 0, to = size;
    const char *bytes = (const char *)message->text.data;
    if (size > BACKTEST_SAMPLE_BYTES_MAX) {
        uint32_t first = hit->span_count ? hit->spans[0].start : 0;
        from = first > BACKTEST_SAMPLE_BYTES_MAX / 3 ? first - BACKTEST_SAMPLE_BYTES_MAX / 3 : 0;
        from = from > size - BACKTEST_SAMPLE_BYTES_MAX ? size - BACKTEST_SAMPLE_BYTES_MAX : from;
        to = from + BACKTEST_SAMPLE_BYTES_MAX;
        for (int i = 0; i < 3 && from > 0 && is_continuation(bytes, from, size); i++) {
            from++;
        }
        for (int i = 0; i < 3 && is_continuation(bytes, to, size); i++) {
            to--;
        }
    }
    struct backtest_sample sample = {.order = order,
                                     .file = message->file,
                                     .line = message->line,
                                     .label = message->label,
                                     .cut_before = from > 0,
                                     .cut_after = to < size,
                                     .size = to - from};
    sample.text = malloc((size_t)sample.size + 1);
    if (!sample.text) {
        return STATUS_NO_MEMORY;
    }
    if (sample.size > 0) {
        memcpy(sample.text, bytes + from, sample.size);
    }
    sample.text[sample.size] = '\0';
    for (uint32_t i = 0; i < hit->span_count; i++) {
        uint32_t start = hit->spans[i].start > from ? hit->spans[i].start : from;
        uint32_t end = hit->spans[i].end < to ? hit->spans[i].end : to;
        if (start < end) {
            sample.spans[sample.span_count++] = (struct backtest_span){.start = start - from, .end = end - from};
        }
    }
    *ret_sample = sample;
    return STATUS_OK;
}

static bool is_before(const struct backtest_sample *a, const struct backtest_sample *b)
{
    return a->order != b->order ? a->order < b->order : a->file != b->file ? a->file < b->file : a->line < b->line;
}

/*
 * Keeps the sample if it is among the first `max`, in order; otherwise frees its text. Of the same text only the sample that
 * stands first in the files is kept.
 */
static enum status keep_sample(struct backtest_rule *rule, int change, uint32_t max, struct backtest_sample *sample)
{
    struct backtest_sample *samples = rule->samples[change];
    uint32_t count = rule->sample_count[change], at = 0;
    if (!samples) {
        samples = rule->samples[change] = calloc(max, sizeof *samples);
        if (!samples) {
            free(sample->text);
            return STATUS_NO_MEMORY;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (samples[i].order == sample->order) {
            if (is_before(sample, &samples[i])) {
                free(samples[i].text);
                samples[i] = *sample;
            } else {
                free(sample->text);
            }
            return STATUS_OK;
        }
    }
    while (at < count && is_before(&samples[at], sample)) {
        at++;
    }
    if (at == max) {
        free(sample->text);
        return STATUS_OK;
    }
    if (count == max) {
        free(samples[--count].text);
    }
    memmove(samples + at + 1, samples + at, (count - at) * sizeof *samples);
    samples[at] = *sample;
    rule->sample_count[change] = count + 1;
    return STATUS_OK;
}

/* Whether a sample of that order would be kept: most are not, and then nothing is copied. */
static bool is_wanted(const struct backtest_rule *rule, int change, uint32_t max, uint64_t order)
{
    return max > 0 && (rule->sample_count[change] < max || rule->samples[change][max - 1].order >= order);
}

/* ---- Counting ---- */

static void count(struct backtest_count *counted, enum backtest_label label)
{
    counted->all++;
    counted->positive += label == BACKTEST_POSITIVE;
    counted->negative += label == BACKTEST_NEGATIVE;
}

static uint64_t text_order(struct span text)
{
    uint64_t digest[2];
    model_digest(text, digest);
    return digest[0];
}

/* One rule (or the set) in one message: the hit of each side, or NULL. */
static enum status count_rule(struct backtest_rule *rule, uint32_t samples, const struct backtest_message *message,
                              const struct backtest_hit *const hits[2], uint64_t *order)
{
    bool flagged[2];
    for (int side = 0; side < 2; side++) {
        flagged[side] = hits[side] && !hits[side]->unscanned;
        rule->unscanned[side] += hits[side] && hits[side]->unscanned;
        if (flagged[side]) {
            count(&rule->hits[side], message->label);
        }
    }
    if (flagged[BACKTEST_BASE] == flagged[BACKTEST_NEW]) {
        return STATUS_OK;
    }
    int change = flagged[BACKTEST_NEW] ? BACKTEST_NEWLY : BACKTEST_GONE;
    count(&rule->changes[change], message->label);
    *order = *order || samples == 0 ? *order : text_order(message->text) | 1;
    if (!is_wanted(rule, change, samples, *order)) {
        return STATUS_OK;
    }
    struct backtest_sample sample;
    enum status status =
        make_sample(message, flagged[BACKTEST_NEW] ? hits[BACKTEST_NEW] : hits[BACKTEST_BASE], *order, &sample);
    return status == STATUS_OK ? keep_sample(rule, change, samples, &sample) : status;
}

/* What the set as a whole says: the first live hit that flags, or one that could not be decided. */
static const struct backtest_hit *of_set(const struct backtest_hit *hits, uint32_t hit_count)
{
    const struct backtest_hit *found = NULL;
    for (uint32_t i = 0; i < hit_count; i++) {
        if (hits[i].live && (!found || (found->unscanned && !hits[i].unscanned))) {
            found = &hits[i];
        }
    }
    return found;
}

static void count_file(struct backtest *backtest, const struct backtest_message *message,
                       const struct backtest_hit *const hits[2])
{
    struct backtest_file *file = &backtest->files[message->file];
    bool flagged[2];
    count(&backtest->messages, message->label);
    count(&file->messages, message->label);
    for (int side = 0; side < 2; side++) {
        flagged[side] = hits[side] && !hits[side]->unscanned;
        if (flagged[side]) {
            count(&file->flagged[side], message->label);
        }
    }
    if (flagged[0] != flagged[1]) {
        count(&file->changes[flagged[BACKTEST_NEW] ? BACKTEST_NEWLY : BACKTEST_GONE], message->label);
    }
}

enum status backtest_tally_message(struct backtest *backtest, uint32_t samples, const struct backtest_message *message,
                                   const struct backtest_hit *const hits[2], const uint32_t hit_counts[2])
{
    uint64_t order = 0;
    const struct backtest_hit *set[2] = {of_set(hits[0], hit_counts[0]), of_set(hits[1], hit_counts[1])};
    count_file(backtest, message, set);
    enum status status = count_rule(&backtest->rules[0], 0, message, set, &order);
    for (uint32_t b = 0, n = 0; status == STATUS_OK && (b < hit_counts[0] || n < hit_counts[1]);) {
        uint32_t base_rule = b < hit_counts[0] ? hits[0][b].rule : UINT32_MAX;
        uint32_t new_rule = n < hit_counts[1] ? hits[1][n].rule : UINT32_MAX;
        uint32_t rule = base_rule < new_rule ? base_rule : new_rule;
        const struct backtest_hit *both[2] = {base_rule == rule ? &hits[0][b++] : NULL,
                                              new_rule == rule ? &hits[1][n++] : NULL};
        if (rule > 0) {
            status = count_rule(&backtest->rules[rule], samples, message, both, &order);
        }
    }
    return status;
}

static void add_count(struct backtest_count *to, const struct backtest_count *from)
{
    to->all += from->all;
    to->positive += from->positive;
    to->negative += from->negative;
}

static enum status add_rule(struct backtest_rule *to, struct backtest_rule *from, uint32_t samples)
{
    enum status status = STATUS_OK;
    for (int i = 0; i < 2; i++) {
        add_count(&to->hits[i], &from->hits[i]);
        add_count(&to->changes[i], &from->changes[i]);
        to->unscanned[i] += from->unscanned[i];
        for (uint32_t s = 0; s < from->sample_count[i]; s++) {
            enum status kept = keep_sample(to, i, samples, &from->samples[i][s]);
            status = status == STATUS_OK ? kept : status;
        }
        from->sample_count[i] = 0; /* their texts are kept, or freed, by now */
    }
    return status;
}

enum status backtest_tally_add(struct backtest *to, struct backtest *from, uint32_t samples)
{
    enum status status = STATUS_OK;
    add_count(&to->messages, &from->messages);
    for (uint32_t f = 0; f < to->file_count; f++) {
        add_count(&to->files[f].messages, &from->files[f].messages);
        for (int i = 0; i < 2; i++) {
            add_count(&to->files[f].flagged[i], &from->files[f].flagged[i]);
            add_count(&to->files[f].changes[i], &from->files[f].changes[i]);
        }
    }
    for (uint32_t r = 0; r < to->rule_count; r++) {
        enum status added = add_rule(&to->rules[r], &from->rules[r], samples);
        status = status == STATUS_OK ? added : status;
    }
    return status;
}
