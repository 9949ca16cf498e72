/*
 * What everybody would write first, to compare with: all patterns in one Hyperscan database, and one hs_scan for each
 * message as sent. It confirms nothing, folds nothing and decides no condition; what Hyperscan does not take is left
 * out.
 *
 *     baseline_hs MESSAGES.jsonl PACK...    one JSON line on stdout
 *
 * Words and domains become \bword\b. Reading the messages is not measured, compiling is told apart.
 */
#include <ctype.h>
#include <hs.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/findings.h"
#include "rules/reader.h"
#include "text/view.h"

#define FLAGS (HS_FLAG_CASELESS | HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH)
#define EXPRESSION_SIZE_MAX ((size_t)1 << 20)
#define ROUNDS 3

struct expressions {
    char **texts;
    unsigned *flags, *ids;
    unsigned count, capacity, left_out;
};

struct messages {
    struct text {
        char *data;
        size_t size;
    } * texts;
    size_t count, capacity;
};

static void die(const char *what, const char *name)
{
    fprintf(stderr, "baseline_hs: %s: %s\n", what, name);
    exit(3);
}

static void *grow(void *items, size_t count, size_t size)
{
    void *grown = reallocarray(items, count, size);
    if (!grown)
        die("out of memory", "");
    return grown;
}

/* Adds an expression if Hyperscan compiles it; takes over `text`. */
static void add_expression(struct expressions *list, char *text)
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
        list->texts = grow(list->texts, list->capacity, sizeof *list->texts);
        list->flags = grow(list->flags, list->capacity, sizeof *list->flags);
        list->ids = grow(list->ids, list->capacity, sizeof *list->ids);
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
        die("a pattern is too long", "");
    return (char *)out.data;
}

static void add_pack(struct expressions *list, const struct pack *pack)
{
    for (uint32_t r = 0; r < pack->rule_count; r++) {
        const struct rule *rule = &pack->rules[r];
        for (uint32_t p = 0; rule->status != RULE_OFF && p < rule->pattern_count; p++) {
            const struct pattern *pattern = &rule->patterns[p];
            if (pattern->kind == PATTERN_REGEX) {
                char *text = strndup((const char *)pattern->regex.data, pattern->regex.size);
                if (!text)
                    die("out of memory", "");
                add_expression(list, text);
            }
            for (uint32_t e = 0; e < pattern->entry_count; e++)
                add_expression(list, entry_expression(pattern->entries[e].text));
        }
    }
}

static void read_packs(char **paths, int count, struct expressions *list)
{
    for (int i = 0; i < count; i++) {
        struct findings findings = {0};
        struct arena *arena = NULL;
        const char *const *files = NULL;
        if (arena_new(1 << 16, (size_t)1 << 30, &arena) != STATUS_OK ||
            reader_find_packs(paths[i], arena, &findings, &files) != STATUS_OK)
            die("no packs", paths[i]);
        for (; *files; files++) {
            struct pack *pack = NULL;
            if (reader_read_pack(*files, &findings, &pack) != STATUS_OK)
                die("the pack has errors", *files);
            add_pack(list, pack);
            pack_free(&pack);
        }
        arena_free(&arena);
        findings_clear(&findings);
    }
}

static void read_messages(const char *path, struct messages *messages)
{
    FILE *in = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0;
    if (!in)
        die("cannot read", path);
    while (getline(&line, &capacity, in) > 0) {
        json_t *object = json_loads(line, JSON_ALLOW_NUL, NULL);
        json_t *text = json_object_get(object, "text");
        if (json_is_string(text)) {
            if (messages->count == messages->capacity) {
                messages->capacity = messages->capacity ? 2 * messages->capacity : 4096;
                messages->texts = grow(messages->texts, messages->capacity, sizeof *messages->texts);
            }
            size_t size = json_string_length(text);
            char *copy = grow(NULL, size + 1, 1);
            memcpy(copy, json_string_value(text), size);
            messages->texts[messages->count++] = (struct text){copy, size};
        }
        json_decref(object);
    }
    free(line);
    (void)fclose(in);
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
    (void)id, (void)from, (void)to, (void)flags;
    (*(uint64_t *)context)++;
    return 0;
}

/* Nanoseconds of the best of some rounds over all messages. */
static int64_t scan(const hs_database_t *database, const struct messages *messages, uint64_t *ret_flagged)
{
    hs_scratch_t *scratch = NULL;
    int64_t best = INT64_MAX;
    if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS)
        die("out of memory", "");
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t flagged = 0;
        int64_t started = clock_ticks_ns();
        for (size_t i = 0; i < messages->count; i++) {
            uint64_t matches = 0;
            struct text text = messages->texts[i];
            if (hs_scan(database, text.data, (unsigned)text.size, 0, scratch, on_match, &matches) != HS_SUCCESS)
                die("hs_scan failed", "");
            flagged += matches > 0;
        }
        int64_t took = clock_ticks_ns() - started;
        best = took < best ? took : best;
        *ret_flagged = flagged;
    }
    (void)hs_free_scratch(scratch);
    return best;
}

int main(int argc, char **argv)
{
    struct expressions list = {0};
    struct messages messages = {0};
    if (argc < 3)
        die("wrong usage", "baseline_hs MESSAGES.jsonl PACK...");
    if (view_start() != STATUS_OK)
        die("cannot start", "the Unicode tables");
    read_packs(argv + 2, argc - 2, &list);
    read_messages(argv[1], &messages);
    if (list.count == 0 || messages.count == 0)
        die("nothing to do", argv[1]);

    hs_database_t *database = NULL;
    hs_compile_error_t *fault = NULL;
    int64_t started = clock_ticks_ns();
    if (hs_compile_multi((const char *const *)list.texts, list.flags, list.ids, list.count, HS_MODE_BLOCK, NULL,
                         &database, &fault) != HS_SUCCESS)
        die("hs_compile_multi", fault ? fault->message : "");
    double compile_s = (double)(clock_ticks_ns() - started) * 1e-9;
    uint64_t flagged = 0;
    double scan_s = (double)scan(database, &messages, &flagged) * 1e-9;
    printf("{\"patterns\": %u, \"left_out\": %u, \"messages\": %zu, \"flagged\": %llu, \"compile_seconds\": %.3f, "
           "\"seconds\": %.4f, \"messages_per_second\": %.0f}\n",
           list.count, list.left_out, messages.count, (unsigned long long)flagged, compile_s, scan_s,
           (double)messages.count / scan_s);

    hs_free_database(database);
    for (unsigned i = 0; i < list.count; i++)
        free(list.texts[i]);
    for (size_t i = 0; i < messages.count; i++)
        free(messages.texts[i].data);
    free(list.texts);
    free(list.flags);
    free(list.ids);
    free(messages.texts);
    return 0;
}
