/*
 * Is the loosened form of a pattern really no tighter than PCRE2? One check, for the unit tests and for the campaign.
 *
 * For each view, texts are written and packed as the scanner does it, with a newline behind each. Every text in which
 * PCRE2 finds the pattern must be one in whose bytes Hyperscan reports the end of a match, and which holds one of the
 * pattern's required literals if it has any. Its automaton must leave the text open, and where it is certain, PCRE2 must
 * find the pattern.
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
#include "rules/automaton.h"
#include "rules/regex.h"
#include "rules/regex_demand.h"
#include "rules/regex_fit.h"
#include "rules/regex_literals.h"
#include "rules/regex_loosen.h"
#include "rules/regex_search.h"
#include "rules/regex_tree.h"
#include "text/caseless.h"
#include "text/view.h"

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
    struct buffer loosened, packed, seen;
    struct regex_literals literals; /* of the pattern, in the arena; count 0: none */
    struct regex_search search;
    struct regex_demand demand;
    uint64_t outcomes[SUPERSET_OUTCOMES];
    uint64_t texts, matches, candidates;
    uint64_t answers, refuted, certain; /* of automata */
    char hs_message[200];
};

static inline void superset_free(struct superset *run)
{
    arena_free(&run->arena);
    regex_scratch_free(&run->scratch);
    hs_free_scratch(run->hs_scratch);
    buffer_free(&run->loosened);
    buffer_free(&run->packed);
    buffer_free(&run->seen);
}

static inline bool superset_init(struct superset *run)
{
    *run = (struct superset){
        .loosened = BUFFER_INIT(1 << 20), .packed = BUFFER_INIT(64 << 20), .seen = BUFFER_INIT(64 << 20)};
    return view_start() == STATUS_OK && arena_new(65536, 256 << 20, &run->arena) == STATUS_OK &&
           regex_scratch_new(&run->scratch) == STATUS_OK;
}

/* The loosened form of a pattern into run->loosened; SUPERSET_HELD if there is one. */
static inline enum superset_outcome superset_loosen(struct superset *run, struct span pattern, enum view view)
{
    struct regex_node *root = NULL;
    struct regex_loosened facts;
    arena_reset(run->arena);
    buffer_clear(&run->loosened);
    enum status status = regex_tree_parse(pattern, run->arena, &root);
    if (status == STATUS_OK) {
        status = regex_fit(root, view, run->arena);
    }
    run->literals.count = 0;
    run->demand = (struct regex_demand){0};
    if (status == STATUS_NOT_FOUND) { /* nothing is searched for: any match is missed */
        run->search = (struct regex_search){0};
        return buffer_append_byte(&run->loosened, '\0') == STATUS_OK ? SUPERSET_HELD : SUPERSET_TOO_LARGE;
    }
    if (status == STATUS_OK) {
        run->demand = regex_demand_find(root, NULL);
        status = regex_search_plan(root, run->arena, view, NULL, &run->search);
    }
    if (status == STATUS_OK &&
        regex_literals_find(root, view, NULL, REGEX_LITERALS_ANY_COST, run->arena, &run->literals) != STATUS_OK) {
        run->literals.count = 0;
    }
    if (status == STATUS_OK && run->search.rest) {
        status = regex_loosen(run->search.rest, &run->loosened, &facts);
    }
    if (status == STATUS_OK && !run->search.rest) {
        return buffer_append_text(&run->loosened, "") == STATUS_OK &&
                       buffer_append_byte(&run->loosened, '\0') == STATUS_OK
                   ? SUPERSET_HELD
                   : SUPERSET_TOO_LARGE;
    }
    if (status == STATUS_OK && facts.length_min == 0) {
        abort(); /* it promised not to match the empty string */
    }
    return status == STATUS_OK ? SUPERSET_HELD : status == STATUS_LIMIT ? SUPERSET_TOO_LARGE : SUPERSET_UNSUPPORTED;
}

struct superset_scan {
    const uint32_t *ends;        /* of each text in the packed buffer */
    const struct span *searched; /* what is searched of each text */
    const struct span *views;    /* what PCRE2 sees of it */
    uint32_t count;
    bool *candidate;
};

/* Does one of them stand where the match that begins at `start` must have it? SUPERSET_ANYWHERE: at all? */
#define SUPERSET_ANYWHERE UINT32_MAX
static inline bool superset_has_one(const struct regex_literal *literals, uint32_t count, struct span text,
                                    uint32_t start)
{
    for (uint32_t i = 0; i < count; i++) {
        struct span one = literals[i].text;
        for (size_t at = 0; at + one.size <= text.size; at++) {
            const uint8_t *found = memmem(text.data + at, text.size - at, one.data, one.size);
            if (!found) {
                break;
            }
            at = (size_t)(found - text.data);
            bool fits = at >= start && at - start >= literals[i].before.min && at - start <= literals[i].before.max;
            if (start == SUPERSET_ANYWHERE || fits) {
                return true;
            }
        }
    }
    return false;
}

/* What is searched has its characters at the places of the view, and a match is reported from where it was tried. */
static inline bool superset_has_places(struct span pattern, struct span view, struct span searched)
{
    bool plain = view.size == searched.size && memmem(pattern.data, pattern.size, "\\K", 2) == NULL;
    for (size_t i = 0; i < view.size && plain; i++) {
        plain = view.data[i] < 0x80;
    }
    return plain || (span_equal(view, searched) && memmem(pattern.data, pattern.size, "\\K", 2) == NULL);
}

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
    if (low < scan->count && to > scan->ends[low] - scan->searched[low].size) {
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
    if (database && (hs_alloc_scratch(database, &run->hs_scratch) != HS_SUCCESS ||
                     hs_scan(database, (const char *)packed.data, (unsigned)packed.size, 0, run->hs_scratch,
                             superset_note, scan) != HS_SUCCESS)) {
        abort();
    }
    for (uint32_t i = 0; i < scan->count; i++) {
        uint32_t start, end;
        enum status status = regex_match(regex, run->scratch, scan->views[i], 0, &start, &end);
        run->texts++;
        run->matches += status == STATUS_OK;
        run->candidates += scan->candidate[i];
        struct span searched = scan->searched[i];
        uint32_t place =
            status == STATUS_OK && superset_has_places(pattern, scan->views[i], searched) ? start : SUPERSET_ANYWHERE;
        scan->candidate[i] |= superset_has_one(run->search.literals, run->search.literal_count, searched, place);
        bool found =
            scan->candidate[i] &&
            (run->literals.count == 0 || superset_has_one(run->literals.items, run->literals.count, searched, place));
        struct regex_bytes_seen seen = regex_demand_look(searched);
        found = found && regex_demand_met(&run->demand, &seen);
        if (status == STATUS_OK && !found && outcome == SUPERSET_HELD) {
            outcome = SUPERSET_MISSED;
            fprintf(stderr, "missed a match at %u..%u\n", start, end);
            superset_print("pattern", pattern);
            superset_print("searched", span_text((const char *)run->loosened.data));
            superset_print("text", scan->views[i]);
            for (uint32_t l = 0; l < run->search.literal_count; l++) {
                superset_print("literal", run->search.literals[l].text);
            }
        }
    }
    return outcome;
}

/* Writes both forms of each text; the spans point into run->packed and run->seen, which have room for all. */
static inline void superset_pack(struct superset *run, enum view view, const struct span *texts,
                                 struct superset_scan *scan, uint32_t *ends, struct span *searched, struct span *views)
{
    size_t size = 1;
    for (uint32_t i = 0; i < scan->count; i++) {
        size += 32 * texts[i].size + 64;
    }
    buffer_clear(&run->packed);
    buffer_clear(&run->seen);
    if (buffer_reserve(&run->packed, size) != STATUS_OK || buffer_reserve(&run->seen, size) != STATUS_OK) {
        abort();
    }
    for (uint32_t i = 0; i < scan->count; i++) {
        size_t start = run->packed.size, view_start_at = run->seen.size;
        if (view_append(view, texts[i], &run->seen, NULL) != STATUS_OK ||
            (view == VIEW_RAW ? caseless_append(texts[i], &run->packed)
                              : view_append(view, texts[i], &run->packed, NULL)) != STATUS_OK) {
            abort();
        }
        searched[i] = span_of(run->packed.data + start, run->packed.size - start);
        views[i] = span_of(run->seen.data + view_start_at, run->seen.size - view_start_at);
        ends[i] = (uint32_t)run->packed.size;
        if (buffer_append_byte(&run->packed, '\n') != STATUS_OK) {
            abort();
        }
    }
    if (run->packed.size > size || run->seen.size > size) {
        abort(); /* the spans would not be valid any more */
    }
}

static inline bool superset_is_ascii(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* Are the answers of the pattern's automaton true? */
static inline bool superset_answers_hold(struct superset *run, const struct regex *regex, struct span pattern,
                                         const struct automaton *automaton, const automaton_answer *answers,
                                         const struct superset_scan *scan)
{
    for (uint32_t i = 0; i < scan->count; i++) {
        uint32_t start, end;
        bool certain = answers[i] == 1 && automaton_certain(automaton) && superset_is_ascii(scan->searched[i]);
        run->answers++;
        run->refuted += answers[i] == 0;
        run->certain += certain;
        if (answers[i] != 0 && !certain) {
            continue;
        }
        enum status status = regex_match(regex, run->scratch, scan->views[i], 0, &start, &end);
        if (status != STATUS_LIMIT && (status == STATUS_OK) != certain) {
            fprintf(stderr, certain ? "an automaton found what is not there\n" : "an automaton missed a match\n");
            superset_print("pattern", pattern);
            superset_print("text", scan->views[i]);
            return false;
        }
    }
    return true;
}

/* Both forms of its automaton, if it has one, over all texts together and one by one. */
static inline bool superset_automata_hold(struct superset *run, const struct regex *regex, struct span pattern,
                                          enum view view, const struct superset_scan *scan)
{
    automaton_answer *answers = calloc(scan->count + 1, sizeof *answers);
    uint32_t *which = calloc(scan->count + 1, sizeof *which);
    bool hold = true;
    if (!answers || !which) {
        abort();
    }
    for (uint32_t i = 0; i < scan->count; i++) {
        which[i] = i;
    }
    for (unsigned form = 0; hold && form < AUTOMATON_FORMS; form++) {
        struct automaton *automaton = NULL;
        if (automaton_new(&pattern, 1, view, form, &automaton) != STATUS_OK) {
            continue;
        }
        automaton_look(automaton, scan->searched, which, scan->count, answers);
        hold = superset_answers_hold(run, regex, pattern, automaton, answers, scan);
        for (uint32_t i = 0; i < scan->count; i++) {
            automaton_look_each(&automaton, 1, scan->searched[i], &answers[i]);
        }
        hold = hold && superset_answers_hold(run, regex, pattern, automaton, answers, scan);
        automaton_free(&automaton);
    }
    free(answers);
    free(which);
    return hold;
}

static inline enum superset_outcome superset_run(struct superset *run, const struct regex *regex, struct span pattern,
                                                 enum view view, const struct span *texts, uint32_t count)
{
    enum superset_outcome outcome = superset_loosen(run, pattern, view);
    hs_database_t *database = NULL;
    hs_compile_error_t *error = NULL;
    if (outcome == SUPERSET_HELD && run->search.rest &&
        hs_compile((const char *)run->loosened.data, HS_FLAG_DOTALL | HS_FLAG_MULTILINE, HS_MODE_BLOCK, NULL, &database,
                   &error) != HS_SUCCESS) {
        snprintf(run->hs_message, sizeof run->hs_message, "%s", error->message);
        hs_free_compile_error(error);
        outcome = SUPERSET_NOT_COMPILED;
    }
    uint32_t *ends = calloc(count + 1, sizeof *ends);
    struct span *searched = calloc(count + 1, sizeof *searched), *views = calloc(count + 1, sizeof *views);
    bool *candidate = calloc(count + 1, sizeof *candidate);
    if (!ends || !searched || !views || !candidate) {
        abort();
    }
    struct superset_scan scan = {
        .ends = ends, .searched = searched, .views = views, .count = count, .candidate = candidate};
    superset_pack(run, view, texts, &scan, ends, searched, views);
    if (outcome == SUPERSET_HELD) {
        outcome = superset_compare(run, regex, pattern, database, &scan);
    }
    if (!superset_automata_hold(run, regex, pattern, view, &scan)) {
        outcome = SUPERSET_MISSED;
    }
    hs_free_database(database);
    free(ends);
    free(searched);
    free(views);
    free(candidate);
    return outcome;
}

static inline enum superset_outcome superset_check(struct superset *run, struct span pattern, const struct span *texts,
                                                   uint32_t count)
{
    struct regex *regex = NULL;
    enum superset_outcome outcome = SUPERSET_REFUSED;
    if (regex_compile(pattern, NULL, &regex) == STATUS_OK) {
        outcome = superset_run(run, regex, pattern, VIEW_RAW, texts, count);
        if (outcome != SUPERSET_MISSED) {
            enum superset_outcome more = superset_run(run, regex, pattern, VIEW_FOLDED, texts, count);
            outcome = more == SUPERSET_MISSED ? more : outcome;
        }
        regex_free(&regex);
    }
    run->outcomes[outcome]++;
    return outcome;
}

#endif
