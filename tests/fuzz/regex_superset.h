/*
 * Is the loosened form of a pattern really no tighter than PCRE2? One check, for the unit tests and for the campaign.
 *
 * Texts are packed as the scanner packs them, with a newline behind each. Every text in which PCRE2 finds the pattern
 * must be one in whose bytes Hyperscan reports the end of a match.
 */
#ifndef TESTS_FUZZ_REGEX_SUPERSET_H
#define TESTS_FUZZ_REGEX_SUPERSET_H

#include <hs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "rules/regex.h"
#include "rules/regex_loosen.h"
#include "rules/regex_tree.h"

enum superset_outcome {
    SUPERSET_HELD,
    SUPERSET_REFUSED,     /* PCRE2 or the dialect does not take the pattern */
    SUPERSET_UNSUPPORTED, /* no search: confirmed on every message */
    SUPERSET_TOO_LARGE,
    SUPERSET_NOT_COMPILED, /* Hyperscan refuses the loosened form */
    SUPERSET_MISSED,       /* the one that must never be */
    SUPERSET_OUTCOMES,
};

struct superset {
    struct arena *arena;
    struct regex_scratch *scratch;
    hs_scratch_t *hs_scratch;
    struct buffer loosened, packed;
    uint64_t outcomes[SUPERSET_OUTCOMES];
    uint64_t texts, matches, candidates;
    char hs_message[200];
};

static inline void superset_free(struct superset *run)
{
    arena_free(&run->arena);
    regex_scratch_free(&run->scratch);
    hs_free_scratch(run->hs_scratch);
    buffer_free(&run->loosened);
    buffer_free(&run->packed);
}

static inline bool superset_init(struct superset *run)
{
    *run = (struct superset){.loosened = BUFFER_INIT(1 << 20), .packed = BUFFER_INIT(64 << 20)};
    return arena_new(65536, 256 << 20, &run->arena) == STATUS_OK && regex_scratch_new(&run->scratch) == STATUS_OK;
}

/* The loosened form of a pattern into run->loosened; SUPERSET_HELD if there is one. */
static inline enum superset_outcome superset_loosen(struct superset *run, struct span pattern)
{
    struct regex_node *root = NULL;
    struct regex_loosened facts;
    arena_reset(run->arena);
    buffer_clear(&run->loosened);
    enum status status = regex_tree_parse(pattern, run->arena, &root);
    if (status == STATUS_OK) {
        status = regex_loosen(root, &run->loosened, &facts);
    }
    if (status == STATUS_OK && facts.length_min == 0) {
        abort(); /* it promised not to match the empty string */
    }
    return status == STATUS_OK ? SUPERSET_HELD : status == STATUS_LIMIT ? SUPERSET_TOO_LARGE : SUPERSET_UNSUPPORTED;
}

struct superset_scan {
    const uint32_t *ends; /* of each text in the packed buffer */
    const struct span *texts;
    uint32_t count;
    bool *candidate;
};

static inline int superset_note(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                                void *opaque)
{
    struct superset_scan *scan = opaque;
    (void)id, (void)from, (void)flags;
    uint32_t low = 0, high = scan->count;
    while (low < high) { /* the first text that ends at `to` or behind it */
        uint32_t middle = (low + high) / 2;
        if (scan->ends[middle] < to) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < scan->count && to > scan->ends[low] - scan->texts[low].size) {
        scan->candidate[low] = true;
    }
    return 0;
}

static inline void superset_print(const char *title, struct span bytes)
{
    fprintf(stderr, "  %s: ", title);
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        if (c >= ' ' && c < 0x7F) {
            fputc(c, stderr);
        } else {
            fprintf(stderr, "<%02x>", c);
        }
    }
    fputc('\n', stderr);
}

static inline enum superset_outcome superset_compare(struct superset *run, const struct regex *regex,
                                                     struct span pattern, const hs_database_t *database,
                                                     struct superset_scan *scan)
{
    enum superset_outcome outcome = SUPERSET_HELD;
    struct span packed = buffer_span(&run->packed);
    if (hs_alloc_scratch(database, &run->hs_scratch) != HS_SUCCESS ||
        hs_scan(database, (const char *)packed.data, (unsigned)packed.size, 0, run->hs_scratch, superset_note, scan) !=
            HS_SUCCESS) {
        abort();
    }
    for (uint32_t i = 0; i < scan->count; i++) {
        uint32_t start, end;
        enum status status = regex_match(regex, run->scratch, scan->texts[i], 0, &start, &end);
        run->texts++;
        run->matches += status == STATUS_OK;
        run->candidates += scan->candidate[i];
        if (status == STATUS_OK && !scan->candidate[i] && outcome == SUPERSET_HELD) {
            outcome = SUPERSET_MISSED;
            fprintf(stderr, "missed a match at %u..%u\n", start, end);
            superset_print("pattern", pattern);
            superset_print("searched", span_text((const char *)run->loosened.data));
            superset_print("text", scan->texts[i]);
        }
    }
    return outcome;
}

static inline enum superset_outcome superset_run(struct superset *run, const struct regex *regex, struct span pattern,
                                                 const struct span *texts, uint32_t count)
{
    enum superset_outcome outcome = superset_loosen(run, pattern);
    if (outcome != SUPERSET_HELD) {
        return outcome;
    }
    hs_database_t *database = NULL;
    hs_compile_error_t *error = NULL;
    if (hs_compile((const char *)run->loosened.data, HS_FLAG_DOTALL | HS_FLAG_MULTILINE, HS_MODE_BLOCK, NULL, &database,
                   &error) != HS_SUCCESS) {
        snprintf(run->hs_message, sizeof run->hs_message, "%s", error->message);
        hs_free_compile_error(error);
        return SUPERSET_NOT_COMPILED;
    }
    uint32_t *ends = calloc(count + 1, sizeof *ends);
    bool *candidate = calloc(count + 1, sizeof *candidate);
    if (!ends || !candidate) {
        abort();
    }
    buffer_clear(&run->packed);
    for (uint32_t i = 0; i < count; i++) {
        if (buffer_append(&run->packed, texts[i].data, texts[i].size) != STATUS_OK) {
            abort();
        }
        ends[i] = (uint32_t)run->packed.size;
        if (buffer_append_byte(&run->packed, '\n') != STATUS_OK) {
            abort();
        }
    }
    struct superset_scan scan = {.ends = ends, .texts = texts, .count = count, .candidate = candidate};
    outcome = superset_compare(run, regex, pattern, database, &scan);
    hs_free_database(database);
    free(ends);
    free(candidate);
    return outcome;
}

static inline enum superset_outcome superset_check(struct superset *run, struct span pattern, const struct span *texts,
                                                   uint32_t count)
{
    struct regex *regex = NULL;
    enum superset_outcome outcome = SUPERSET_REFUSED;
    if (regex_compile(pattern, NULL, &regex) == STATUS_OK) {
        outcome = superset_run(run, regex, pattern, texts, count);
        regex_free(&regex);
    }
    run->outcomes[outcome]++;
    return outcome;
}

#endif
