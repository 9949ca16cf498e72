#include "baseline.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/findings.h"
#include "rules/reader.h"

#define FLAGS (HS_FLAG_CASELESS | HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH)
#define EXPRESSION_SIZE_MAX ((size_t)1 << 20)

/* Adds an expression if Hyperscan compiles it; takes over `text`. */
static void add_expression(struct baseline *list, char *text)
{
    hs_database_t *database = NULL;
    hs_compile_error_t *fault = NULL;
    if (hs_compile(text, FLAGS, HS_MODE_BLOCK, NULL, &database, &fault) != HS_SUCCESS) {
        hs_free_compile_error(fault);
        free(text);
        list->left_out++;
        return;
    }
    hs_free_database(database);
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 1024;
        list->texts = corpus_grow(list->texts, list->capacity, sizeof *list->texts);
        list->flags = corpus_grow(list->flags, list->capacity, sizeof *list->flags);
        list->ids = corpus_grow(list->ids, list->capacity, sizeof *list->ids);
    }
    list->texts[list->count] = text;
    list->flags[list->count] = FLAGS;
    list->ids[list->count] = list->count;
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
        if (entry.data[i] < 0x80 && ispunct(entry.data[i]))
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
                add_expression(list, text);
            }
            for (uint32_t e = 0; e < pattern->entry_count; e++)
                add_expression(list, entry_expression(pattern->entries[e].text));
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

void baseline_compile(struct baseline *baseline)
{
    hs_compile_error_t *fault = NULL;
    int64_t started = clock_ticks_ns();
    if (hs_compile_multi((const char *const *)baseline->texts, baseline->flags, baseline->ids, baseline->count,
                         HS_MODE_BLOCK, NULL, &baseline->database, &fault) != HS_SUCCESS)
        corpus_die("hs_compile_multi", fault ? fault->message : "");
    if (hs_alloc_scratch(baseline->database, &baseline->scratch) != HS_SUCCESS)
        corpus_die("out of memory", "");
    baseline->compile_seconds = (double)(clock_ticks_ns() - started) * 1e-9;
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
    for (size_t i = 0; i < corpus->count; i++) {
        uint64_t matches = 0;
        struct span text = corpus->texts[i];
        if (hs_scan(baseline->database, (const char *)text.data, (unsigned)text.size, 0, baseline->scratch, on_match,
                    &matches) != HS_SUCCESS)
            corpus_die("hs_scan failed", "");
        flagged += matches > 0;
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
    free(baseline->flags);
    free(baseline->ids);
    *baseline = (struct baseline){0};
}
