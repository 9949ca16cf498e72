#include "scanner/mutate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/yaml.h"
#include "rules/regex.h"
#include "scanner/mutate_internal.h"
#include "scanner/patterns.h"
#include "scanner/ruleset.h"

#define ARENA_CHUNK (64u << 10)
#define ARENA_SIZE_MAX ((size_t)2 << 30)
#define THREADS_MAX 64u

const char *const mutate_kind_names[MUTATE_KIND_COUNT + 1] = {"pattern", "entry",     "branch", "place",
                                                              "repeat",  "condition", NULL};

/* Which value of which rule a text or a pattern of the scan stands for. */
struct text_of {
    uint32_t rule, text;
};
struct pattern_of {
    uint32_t rule, pattern;
    uint32_t entry; /* UINT32_MAX: the pattern as a whole */
};

struct mutator {
    const struct ruleset *set;
    struct arena *arena;
    struct mutate_rule *rules;
    uint32_t rule_count;
    struct text_of *text_owners;
    struct span *texts;
    uint32_t text_count;
    struct pattern_of *pattern_owners;
    struct pattern *patterns;
    uint32_t pattern_count;

    atomic_uint next, done;
    pthread_mutex_t lock; /* of progress */
    mutate_progress progress;
    void *context;
};

struct thread {
    pthread_t id;
    struct mutator *mutator;
    struct mutate_worker worker;
    bool started;
};

const char *mutate_quote(struct mutate_worker *worker, struct span text)
{
    char quote[MODEL_QUOTE_SIZE];
    const char *copy = arena_copy(worker->arena, span_text(model_quote(text, quote)));
    worker->status = copy ? worker->status : STATUS_NO_MEMORY;
    return copy;
}

static bool is_noticed(const struct mutate_rule *tested, const enum truth *values, const struct condition *condition)
{
    for (uint32_t t = 0; t < tested->test_count; t++) {
        if (mutate_test(tested, &tested->tests[t], values, condition) !=
            (tested->tests[t].test->hit ? TRUTH_TRUE : TRUTH_FALSE)) {
            return true;
        }
    }
    return false;
}

void mutate_judge(struct mutate_worker *worker, const struct mutate_rule *tested, const enum truth *values,
                  const struct condition *condition, const struct mutate_survivor *survivor)
{
    tested->score->tried++;
    if (is_noticed(tested, values, condition)) {
        tested->score->noticed++;
        return;
    }
    if (worker->survivor_count == worker->survivor_capacity) {
        uint32_t capacity = worker->survivor_capacity ? worker->survivor_capacity * 2 : 64;
        struct mutate_survivor *survivors = reallocarray(worker->survivors, capacity, sizeof *survivors);
        if (!survivors) {
            worker->status = STATUS_NO_MEMORY;
            return;
        }
        worker->survivors = survivors;
        worker->survivor_capacity = capacity;
    }
    worker->survivors[worker->survivor_count++] = *survivor;
}

static void drop_pattern(struct mutate_worker *worker, const struct mutate_rule *tested, uint32_t index,
                         enum truth *row)
{
    const struct rule *rule = tested->rule;
    const struct pattern *pattern = &rule->patterns[index];
    size_t count = (size_t)rule->pattern_count * tested->text_count;
    struct mutate_survivor survivor = {
        .rule = rule, .pattern = pattern, .kind = MUTATE_PATTERN, .place = pattern->place, .piece = pattern->name};
    survivor.change = arena_print(worker->arena, "without the pattern '%s'", pattern->name);
    if (!survivor.change) {
        worker->status = STATUS_NO_MEMORY;
        return;
    }
    memcpy(row, tested->values, count * sizeof *row);
    for (uint32_t t = 0; t < tested->text_count; t++) {
        row[(size_t)index * tested->text_count + t] = TRUTH_FALSE;
    }
    mutate_judge(worker, tested, row, rule->condition, &survivor);
}

/* An entry is missed only in tests in which it alone is found. */
static void drop_entry(struct mutate_worker *worker, const struct mutate_rule *tested, uint32_t index, uint32_t entry,
                       enum truth *row)
{
    const struct rule *rule = tested->rule;
    const struct pattern *pattern = &rule->patterns[index];
    const bool *found = tested->entry_found[index];
    for (uint32_t t = 0; t < tested->text_count; t++) {
        bool other = false;
        for (uint32_t e = 0; e < pattern->entry_count && !other; e++) {
            other = e != entry && found[(size_t)e * tested->text_count + t];
        }
        row[(size_t)index * tested->text_count + t] = other ? TRUTH_TRUE : TRUTH_FALSE;
    }
    struct mutate_survivor survivor = {
        .rule = rule,
        .pattern = pattern,
        .kind = MUTATE_ENTRY,
        .place = {pattern->place.file, pattern->entries[entry].line, pattern->entries[entry].column},
        .piece = mutate_quote(worker, pattern->entries[entry].text)};
    survivor.change = survivor.piece ? arena_print(worker->arena, "without the entry '%s'", survivor.piece) : NULL;
    if (!survivor.change) {
        worker->status = STATUS_NO_MEMORY;
        return;
    }
    mutate_judge(worker, tested, row, rule->condition, &survivor);
}

static void try_rule(struct mutate_worker *worker, const struct mutate_rule *tested)
{
    const struct rule *rule = tested->rule;
    size_t count = (size_t)rule->pattern_count * tested->text_count;
    enum truth *row = calloc(count + 1, sizeof *row);
    worker->status = row ? worker->status : STATUS_NO_MEMORY;
    for (uint32_t p = 0; p < rule->pattern_count && worker->status == STATUS_OK; p++) {
        const struct pattern *pattern = &rule->patterns[p];
        drop_pattern(worker, tested, p, row);
        if (pattern->kind == PATTERN_REGEX) {
            mutate_regex(worker, tested, p, row);
        } else if (tested->entry_found[p]) {
            memcpy(row, tested->values, count * sizeof *row);
            for (uint32_t e = 0; e < pattern->entry_count && worker->status == STATUS_OK; e++) {
                drop_entry(worker, tested, p, e, row);
            }
        }
    }
    if (worker->status == STATUS_OK) {
        mutate_condition(worker, tested);
    }
    free(row);
}

static void *work(void *argument)
{
    struct thread *thread = argument;
    struct mutator *mutator = thread->mutator;
    for (;;) {
        uint32_t next = atomic_fetch_add(&mutator->next, 1);
        if (next >= mutator->rule_count || thread->worker.status != STATUS_OK) {
            return NULL;
        }
        try_rule(&thread->worker, &mutator->rules[next]);
        uint32_t done = atomic_fetch_add(&mutator->done, 1) + 1;
        if (mutator->progress) {
            (void)pthread_mutex_lock(&mutator->lock);
            mutator->progress(mutator->context, done, mutator->rule_count);
            (void)pthread_mutex_unlock(&mutator->lock);
        }
    }
}

/* ---- Which rules, and what is found in their tests as things are ---- */

/* Lists belong to others, and are not what tests of a rule can cover one by one. */
static bool has_own_entries(const struct pattern *pattern)
{
    return pattern->kind != PATTERN_REGEX && !pattern->list_path && pattern->entry_count > 1;
}

/* Messages of all its tests. */
static uint32_t count_texts(const struct rule *rule)
{
    uint32_t count = 0;
    for (uint32_t t = 0; t < rule->test_count; t++) {
        count += rule->tests[t].message_count > 0 ? rule->tests[t].message_count : 1;
    }
    return count;
}

static void count_all(const struct ruleset *set, const struct rule *only, size_t *ret_rules, size_t *ret_texts,
                      size_t *ret_patterns, struct mutation *mutation)
{
    uint32_t pack_count;
    const struct pack *const *packs = ruleset_packs(set, &pack_count);
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            if (rule->status == RULE_OFF || (only && rule != only)) {
                continue;
            }
            mutation->untested_count += rule->test_count == 0;
            ++*ret_rules;
            *ret_texts += count_texts(rule);
            for (uint32_t i = 0; i < rule->pattern_count; i++) {
                *ret_patterns += 1u + (has_own_entries(&rule->patterns[i]) ? rule->patterns[i].entry_count : 0);
            }
        }
    }
}

static void take_pattern(struct mutator *mutator, uint32_t rule, uint32_t index, uint32_t entry)
{
    const struct pattern *pattern = &mutator->rules[rule].rule->patterns[index];
    struct pattern *asked = &mutator->patterns[mutator->pattern_count];
    *asked = *pattern;
    if (entry != UINT32_MAX) {
        asked->entries = &pattern->entries[entry];
        asked->entry_count = 1;
    }
    mutator->pattern_owners[mutator->pattern_count++] =
        (struct pattern_of){.rule = rule, .pattern = index, .entry = entry};
}

static enum status take_rule(struct mutator *mutator, const struct rule *rule, struct span source)
{
    uint32_t number = mutator->rule_count++;
    struct mutate_rule *tested = &mutator->rules[number];
    uint32_t text_count = count_texts(rule);
    size_t count = (size_t)rule->pattern_count * text_count;
    *tested = (struct mutate_rule){.rule = rule, .source = source};
    tested->tests = arena_array(mutator->arena, (size_t)rule->test_count + 1, sizeof *tested->tests);
    tested->texts = arena_array(mutator->arena, (size_t)text_count + 1, sizeof *tested->texts);
    tested->values = arena_array(mutator->arena, count + 1, sizeof *tested->values);
    tested->entry_found = arena_array(mutator->arena, (size_t)rule->pattern_count + 1, sizeof(bool *));
    if (!tested->tests || !tested->texts || !tested->values || !tested->entry_found) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        const struct pattern *pattern = &rule->patterns[i];
        take_pattern(mutator, number, i, UINT32_MAX);
        if (!has_own_entries(pattern)) {
            continue;
        }
        tested->entry_found[i] =
            arena_array(mutator->arena, (size_t)pattern->entry_count * text_count + 1, sizeof(bool));
        if (!tested->entry_found[i]) {
            return STATUS_NO_MEMORY;
        }
        for (uint32_t e = 0; e < pattern->entry_count; e++) {
            take_pattern(mutator, number, i, e);
        }
    }
    for (uint32_t t = 0; t < rule->test_count; t++) {
        const struct rule_test *test = &rule->tests[t];
        tested->tests[tested->test_count++] = (struct mutate_tested){.test = test, .first = tested->text_count};
        for (uint32_t m = 0; m < (test->message_count > 0 ? test->message_count : 1); m++) {
            struct span text = test->message_count > 0 ? test->messages[m].text : test->text;
            mutator->text_owners[mutator->text_count] = (struct text_of){.rule = number, .text = tested->text_count};
            mutator->texts[mutator->text_count++] = text;
            tested->texts[tested->text_count++] = text;
        }
    }
    return STATUS_OK;
}

static enum status take_rules(struct mutator *mutator, const struct rule *only)
{
    uint32_t pack_count;
    const struct pack *const *packs = ruleset_packs(mutator->set, &pack_count);
    enum status status = STATUS_OK;
    for (uint32_t p = 0; p < pack_count && status == STATUS_OK; p++) {
        struct span source = {0};
        struct error error = {0};
        if (file_read(packs[p]->path, YAML_SIZE_MAX, mutator->arena, &error, &source) != STATUS_OK) {
            source = (struct span){0}; /* places inside regexes are then those of the regexes */
        }
        for (uint32_t r = 0; r < packs[p]->rule_count && status == STATUS_OK; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            if (rule->status != RULE_OFF && rule->test_count > 0 && (!only || rule == only)) {
                status = take_rule(mutator, rule, source);
            }
        }
    }
    return status;
}

static enum status on_found(void *context, uint32_t pattern, uint32_t text, enum truth found,
                            const struct verdict_span *spans, uint32_t span_count)
{
    struct mutator *mutator = context;
    const struct text_of *owner = &mutator->text_owners[text];
    (void)spans;
    (void)span_count;
    if (pattern == PATTERNS_ALL || mutator->pattern_owners[pattern].rule != owner->rule) {
        return STATUS_OK; /* the pattern of another rule; a test that cannot be scanned would fail as it is */
    }
    const struct pattern_of *asked = &mutator->pattern_owners[pattern];
    struct mutate_rule *tested = &mutator->rules[owner->rule];
    uint32_t text_count = tested->text_count;
    if (asked->entry == UINT32_MAX) {
        tested->values[(size_t)asked->pattern * text_count + owner->text] = found;
    } else {
        tested->entry_found[asked->pattern][(size_t)asked->entry * text_count + owner->text] = found == TRUTH_TRUE;
    }
    return STATUS_OK;
}

/*
 * A conversation that is judged otherwise here than it really is proves nothing: that is where a phrase is found although it
 * is cut in two. Leaves out those, and rules that have no other tests.
 */
static void leave_out(struct mutator *mutator, struct mutation *mutation)
{
    uint32_t rule_count = 0;
    for (uint32_t r = 0; r < mutator->rule_count; r++) {
        struct mutate_rule *tested = &mutator->rules[r];
        uint32_t count = 0;
        for (uint32_t t = 0; t < tested->test_count; t++) {
            const struct mutate_tested *test = &tested->tests[t];
            if (test->test->message_count == 0 || mutate_test(tested, test, tested->values, tested->rule->condition) ==
                                                      (test->test->hit ? TRUTH_TRUE : TRUTH_FALSE)) {
                tested->tests[count++] = *test;
            }
        }
        mutation->left_out_count += tested->test_count - count;
        mutation->left_out_rule_count += count == 0;
        tested->test_count = count;
        if (count > 0) {
            mutator->rules[rule_count++] = *tested;
        }
    }
    mutator->rule_count = rule_count;
}

static enum status prepare(struct mutator *mutator, const struct rule *only, struct findings *findings,
                           struct mutation *mutation)
{
    size_t rules = 0, texts = 0, patterns = 0;
    count_all(mutator->set, only, &rules, &texts, &patterns, mutation);
    if (texts > UINT32_MAX || patterns > PATTERNS_MAX) {
        return STATUS_LIMIT;
    }
    mutator->rules = arena_array(mutator->arena, rules + 1, sizeof *mutator->rules);
    mutator->texts = arena_array(mutator->arena, texts + 1, sizeof *mutator->texts);
    mutator->text_owners = arena_array(mutator->arena, texts + 1, sizeof *mutator->text_owners);
    mutator->patterns = arena_array(mutator->arena, patterns + 1, sizeof *mutator->patterns);
    mutator->pattern_owners = arena_array(mutator->arena, patterns + 1, sizeof *mutator->pattern_owners);
    mutation->scores = calloc(rules + 1, sizeof *mutation->scores);
    if (!mutator->rules || !mutator->texts || !mutator->text_owners || !mutator->patterns || !mutator->pattern_owners ||
        !mutation->scores) {
        return STATUS_NO_MEMORY;
    }
    enum status status = take_rules(mutator, only);
    if (status == STATUS_OK) {
        status = patterns_find(mutator->patterns, mutator->pattern_count, mutator->texts, mutator->text_count, findings,
                               on_found, mutator);
    }
    if (status != STATUS_OK) {
        return status;
    }
    leave_out(mutator, mutation);
    for (uint32_t i = 0; i < mutator->rule_count; i++) {
        mutation->scores[i].rule = mutator->rules[i].rule;
        mutator->rules[i].score = &mutation->scores[i];
    }
    mutation->score_count = mutator->rule_count;
    return STATUS_OK;
}

/* ---- Threads, and the outcome ---- */

static int compare_survivors(const void *left, const void *right)
{
    const struct mutate_survivor *a = left, *b = right;
    int order = strcmp(a->place.file, b->place.file);
    if (order == 0 && a->rule != b->rule) {
        order = a->rule->place.line < b->rule->place.line ? -1 : 1;
    }
    if (order == 0 && a->place.line != b->place.line) {
        order = a->place.line < b->place.line ? -1 : 1;
    }
    if (order == 0 && a->place.column != b->place.column) {
        order = a->place.column < b->place.column ? -1 : 1;
    }
    return order != 0 ? order : strcmp(a->change, b->change);
}

/* Takes over what a thread found, and its arena. */
static enum status gather(struct mutation *mutation, struct mutate_worker *worker)
{
    uint32_t count = mutation->survivor_count + worker->survivor_count;
    struct mutate_survivor *survivors = reallocarray(mutation->survivors, (size_t)count + 1, sizeof *survivors);
    mutation->arenas[mutation->arena_count++] = worker->arena;
    worker->arena = NULL;
    if (!survivors) {
        return STATUS_NO_MEMORY;
    }
    if (worker->survivor_count > 0) {
        memcpy(survivors + mutation->survivor_count, worker->survivors, worker->survivor_count * sizeof *survivors);
    }
    mutation->survivors = survivors;
    mutation->survivor_count = count;
    return worker->status;
}

static enum status run_threads(struct mutator *mutator, unsigned count, struct mutation *mutation)
{
    struct thread threads[THREADS_MAX] = {0};
    enum status status = STATUS_OK;
    count = count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : count;
    mutation->arenas = calloc(count, sizeof(struct arena *));
    status = mutation->arenas ? STATUS_OK : STATUS_NO_MEMORY;
    for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
        threads[i].mutator = mutator;
        threads[i].worker.status = STATUS_OK;
        status = arena_new(ARENA_CHUNK, ARENA_SIZE_MAX, &threads[i].worker.arena);
        status = status == STATUS_OK ? regex_scratch_new(&threads[i].worker.scratch) : status;
        if (status == STATUS_OK && i + 1 < count) {
            threads[i].started = pthread_create(&threads[i].id, NULL, work, &threads[i]) == 0;
        }
    }
    if (status == STATUS_OK) {
        (void)work(&threads[count - 1]); /* this thread works too, and alone if no other could be started */
    }
    for (unsigned i = 0; i < count; i++) {
        if (threads[i].started) {
            (void)pthread_join(threads[i].id, NULL);
        }
        if (threads[i].worker.arena && mutation->arenas) {
            enum status gathered = gather(mutation, &threads[i].worker);
            status = status == STATUS_OK ? gathered : status;
        }
        regex_scratch_free(&threads[i].worker.scratch);
        free(threads[i].worker.survivors);
    }
    return status;
}

enum status mutate_rules(const struct ruleset *set, const struct rule *only, unsigned threads, mutate_progress progress,
                         void *context, struct findings *findings, struct mutation *ret_mutation)
{
    struct mutator mutator = {.set = set, .progress = progress, .context = context};
    struct mutation mutation = {0};
    atomic_init(&mutator.next, 0);
    atomic_init(&mutator.done, 0);
    enum status status = arena_new(ARENA_CHUNK, ARENA_SIZE_MAX, &mutator.arena);
    if (status == STATUS_OK) {
        status = prepare(&mutator, only, findings, &mutation);
    }
    if (status == STATUS_OK) {
        status = pthread_mutex_init(&mutator.lock, NULL) == 0 ? STATUS_OK : STATUS_SYSTEM;
    }
    if (status == STATUS_OK) {
        status = run_threads(&mutator, threads, &mutation);
        (void)pthread_mutex_destroy(&mutator.lock);
    }
    arena_free(&mutator.arena);
    if (status != STATUS_OK) {
        mutation_free(&mutation);
        return status;
    }
    if (mutation.survivor_count > 1) {
        qsort(mutation.survivors, mutation.survivor_count, sizeof *mutation.survivors, compare_survivors);
    }
    *ret_mutation = mutation;
    return STATUS_OK;
}

void mutation_free(struct mutation *mutation)
{
    for (uint32_t i = 0; i < mutation->arena_count; i++) {
        arena_free(&mutation->arenas[i]);
    }
    free(mutation->arenas);
    free(mutation->survivors);
    free(mutation->scores);
    *mutation = (struct mutation){0};
}
