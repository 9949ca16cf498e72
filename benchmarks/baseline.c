#include "baseline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/findings.h"
#include "baseline_cache.h"
#include "rules/reader.h"

#define FLAGS (HS_FLAG_CASELESS | HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH)
#define EXPRESSION_SIZE_MAX ((size_t)1 << 20)

/* Takes over `text`. */
static void add_expression(struct baseline *list, char *text, bool literal)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 1024;
        list->texts = corpus_grow(list->texts, list->capacity, sizeof *list->texts);
        list->literal = corpus_grow(list->literal, list->capacity, sizeof *list->literal);
        list->refused = corpus_grow(list->refused, list->capacity, sizeof *list->refused);
    }
    list->texts[list->count] = text;
    list->literal[list->count] = literal;
    list->refused[list->count] = false;
    list->count++;
}

/* \bentry\b, with what means something to a regex escaped. */
static char *entry_expression(struct span entry)
{
    struct buffer out = BUFFER_INIT(EXPRESSION_SIZE_MAX);
    bool open_end = entry.size > 1 && entry.data[entry.size - 1] == '*';
    size_t size = open_end ? entry.size - 1 : entry.size;
    enum status status = buffer_append_text(&out, "\\b");
    for (size_t i = 0; status == STATUS_OK && i < size; i++) {
        if (entry.data[i] && strchr("\\.+*?()|[]{}^$", entry.data[i]))
            status = buffer_append_byte(&out, '\\');
        if (status == STATUS_OK)
            status = buffer_append_byte(&out, entry.data[i]);
    }
    if (status == STATUS_OK)
        status = buffer_append(&out, open_end ? "" : "\\b", open_end ? 1 : 3);
    if (status != STATUS_OK)
        corpus_die("a pattern is too long", "");
    return (char *)out.data;
}

static void add_pack(struct baseline *list, const struct pack *pack)
{
    for (uint32_t r = 0; r < pack->rule_count; r++) {
        const struct rule *rule = &pack->rules[r];
        for (uint32_t p = 0; rule->status != RULE_OFF && p < rule->pattern_count; p++) {
            const struct pattern *pattern = &rule->patterns[p];
            if (pattern->kind == PATTERN_REGEX) {
                char *text = strndup((const char *)pattern->regex.data, pattern->regex.size);
                if (!text)
                    corpus_die("out of memory", "");
                add_expression(list, text, false);
            }
            for (uint32_t e = 0; e < pattern->entry_count; e++)
                add_expression(list, entry_expression(pattern->entries[e].text), true);
        }
    }
}

void baseline_read(char *const *paths, int count, struct baseline *list)
{
    for (int i = 0; i < count; i++) {
        struct findings findings = {0};
        struct arena *arena = NULL;
        const char *const *files = NULL;
        if (arena_new(1 << 16, (size_t)1 << 30, &arena) != STATUS_OK ||
            reader_find_packs(paths[i], arena, &findings, &files) != STATUS_OK)
            corpus_die("no packs", paths[i]);
        for (; *files; files++) {
            struct pack *pack = NULL;
            if (reader_read_pack(*files, &findings, &pack) != STATUS_OK)
                corpus_die("the pack has errors", *files);
            add_pack(list, pack);
            pack_free(&pack);
        }
        arena_free(&arena);
        findings_clear(&findings);
    }
}

/* One that Hyperscan refuses would fail the whole compilation, after most of the work: each is tried alone. */
static void find_refused(struct baseline *baseline)
{
    for (unsigned i = 0; i < baseline->count; i++) {
        hs_database_t *database = NULL;
        hs_compile_error_t *fault = NULL;
        if (baseline->literal[i])
            continue;
        baseline->refused[i] =
            hs_compile(baseline->texts[i], FLAGS, HS_MODE_BLOCK, NULL, &database, &fault) != HS_SUCCESS;
        (void)hs_free_database(database);
        (void)hs_free_compile_error(fault);
    }
}

static void compile(struct baseline *baseline)
{
    const char **texts = corpus_grow(NULL, baseline->count, sizeof *texts);
    unsigned *flags = corpus_grow(NULL, baseline->count, sizeof *flags);
    unsigned *ids = corpus_grow(NULL, baseline->count, sizeof *ids);
    hs_compile_error_t *fault = NULL;
    unsigned count = 0;
    for (unsigned i = 0; i < baseline->count; i++) {
        if (!baseline->refused[i]) {
            texts[count] = baseline->texts[i];
            flags[count] = FLAGS;
            ids[count++] = i;
        }
    }
    (void)fprintf(stderr, "baseline: compiling %u patterns into one database\n", count);
    int64_t started = clock_ticks_ns();
    if (hs_compile_multi(texts, flags, ids, count, HS_MODE_BLOCK, NULL, &baseline->database, &fault) != HS_SUCCESS)
        corpus_die("hs_compile_multi", fault ? fault->message : "");
    baseline->compile_seconds = (double)(clock_ticks_ns() - started) * 1e-9;
    free(texts);
    free(flags);
    free(ids);
}

void baseline_compile(struct baseline *baseline, const char *cache)
{
    if (!cache || !baseline_cache_load(cache, FLAGS, baseline)) {
        find_refused(baseline);
        compile(baseline);
        if (cache)
            baseline_cache_store(cache, FLAGS, baseline);
    }
    for (unsigned i = 0; i < baseline->count; i++)
        baseline->left_out += baseline->refused[i];
    if (hs_alloc_scratch(baseline->database, &baseline->scratch) != HS_SUCCESS ||
        hs_database_size(baseline->database, &baseline->database_bytes) != HS_SUCCESS)
        corpus_die("out of memory", "");
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
    (void)id, (void)from, (void)to, (void)flags;
    (*(uint64_t *)context)++;
    return 0;
}

uint64_t baseline_scan(struct baseline *baseline, const struct corpus *corpus)
{
    uint64_t flagged = 0;
    baseline->matches = 0;
    for (size_t i = 0; i < corpus->count; i++) {
        uint64_t matches = 0;
        struct span text = corpus->texts[i];
        if (hs_scan(baseline->database, (const char *)text.data, (unsigned)text.size, 0, baseline->scratch, on_match,
                    &matches) != HS_SUCCESS)
            corpus_die("hs_scan failed", "");
        flagged += matches > 0;
        baseline->matches += matches;
    }
    return flagged;
}

void baseline_free(struct baseline *baseline)
{
    (void)hs_free_scratch(baseline->scratch);
    (void)hs_free_database(baseline->database);
    for (unsigned i = 0; i < baseline->count; i++)
        free(baseline->texts[i]);
    free(baseline->texts);
    free(baseline->literal);
    free(baseline->refused);
    *baseline = (struct baseline){0};
}
