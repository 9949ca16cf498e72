#include "scanner/search.h"

#include <hs.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/sweep.h"
#include "text/caseless.h"
#include "text/domain.h"
#include "text/phrase.h"
#include "text/skeleton.h"
#include "text/view.h"
#include "text/word.h"

#define SMALL_SORT_MAX 64u

struct searcher {
    hs_scratch_t *scratch;
    const struct program *prepared;
    struct candidate *candidates;
    uint32_t count, capacity;
    struct candidate *spare; /* as many: for sorting */
    uint32_t spare_capacity;
    /* By probe: the last message it became a candidate for. Says "known already" in one look. */
    struct last_candidate {
        uint32_t number; /* of the message, from 1 */
        uint32_t index;  /* in candidates */
    } * last;
    uint32_t probe_capacity;
    struct automata *automata;
    struct sweep *sweep;
    uint32_t base; /* message i of the current batch has the number base + i; numbers are never used twice */
};

/* What a match call-back works on: one partition over one view. */
struct search_pass {
    struct searcher *searcher;
    const struct program *program;
    const struct view_batch *views;
    const struct program_literals *literals;
    const struct program_expressions *expressions;
    enum view view;
    uint32_t cursor; /* the message of the last match: ends come (nearly) in order */
    enum status status;
};

/* What is searched of one view of one text. */
static enum status append_view(struct view_batch *batch, enum view view, struct span text)
{
    return view == VIEW_RAW      ? caseless_append(text, &batch->text)
           : view == VIEW_FOLDED ? view_append(view, text, &batch->text, NULL)
                                 : skeleton_append(SKELETON_SEARCHED_IF_DIFFERENT, text, &batch->text, NULL);
}

static enum status grow_batch(struct view_batch *batch, uint32_t capacity)
{
    uint32_t *starts = reallocarray(batch->starts, capacity, sizeof *starts);
    if (starts) {
        batch->starts = starts;
    }
    uint8_t *facts = starts ? realloc(batch->facts, capacity) : NULL;
    if (!facts) {
        return STATUS_NO_MEMORY;
    }
    batch->facts = facts;
    batch->capacity = capacity;
    return STATUS_OK;
}

enum status view_batch_make(struct view_batch *batch, enum view view, const struct span *texts, uint32_t count)
{
    batch->text.size_max = SEARCH_VIEW_BYTES_MAX;
    buffer_clear(&batch->text);
    batch->count = 0;
    if (count + 1 > batch->capacity && grow_batch(batch, count + 1) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    if (view == VIEW_SKELETON && batch->folded) {
        struct skeleton_batch skeleton = {.messages = texts,
                                          .count = count,
                                          .folded = buffer_span(&batch->folded->text),
                                          .starts = batch->folded->starts,
                                          .facts = batch->folded->facts,
                                          .wanted = batch->wanted};
        enum status status = skeleton_append_batch(&skeleton, &batch->text, batch->starts);
        batch->count = status == STATUS_OK ? count : 0;
        return status;
    }
    size_t room = count;
    for (uint32_t i = 0; i < count; i++) {
        room += texts[i].size;
    }
    if (buffer_reserve(&batch->text, room) != STATUS_OK) {
        room = 0; /* the views may be shorter: each is asked for apart */
    }
    for (uint32_t i = 0; i < count; i++) {
        if (view == VIEW_FOLDED && room > 0) {
            i += view_append_plain_batch(texts + i, count - i, &batch->text, batch->starts + i, batch->facts + i);
            if (i == count) {
                break;
            }
        }
        batch->starts[i] = (uint32_t)batch->text.size;
        batch->facts[i] = 0;
        enum status status = append_view(batch, view, texts[i]);
        if (status == STATUS_OK && batch->text.size < batch->text.capacity) {
            batch->text.data[batch->text.size++] = '\n';
        } else if (status == STATUS_OK) {
            status = buffer_append_byte(&batch->text, '\n');
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    batch->starts[count] = (uint32_t)batch->text.size;
    batch->count = count;
    enum status status = buffer_reserve(&batch->text, AUTOMATON_BLOCK);
    if (status != STATUS_OK) {
        return status;
    }
    memset(batch->text.data + batch->text.size, 0, AUTOMATON_BLOCK); /* automata look at whole blocks */
    return STATUS_OK;
}

struct span view_batch_text(const struct view_batch *batch, uint32_t message)
{
    uint32_t start = batch->starts[message];
    return span_of(batch->text.data + start, batch->starts[message + 1] - 1 - start);
}

void view_batch_free(struct view_batch *batch)
{
    buffer_free(&batch->text);
    free(batch->starts);
    free(batch->facts);
    *batch = (struct view_batch){0};
}

enum status searcher_new(struct searcher **ret_searcher)
{
    struct searcher *searcher = calloc(1, sizeof *searcher);
    if (!searcher) {
        return STATUS_NO_MEMORY;
    }
    searcher->base = 1;
    enum status status = automata_new(&searcher->automata);
    if (status == STATUS_OK) {
        status = sweep_new(&searcher->sweep);
    }
    if (status != STATUS_OK) {
        searcher_free(&searcher);
        return status;
    }
    *ret_searcher = searcher;
    return STATUS_OK;
}

void searcher_free(struct searcher **searcher)
{
    if (*searcher) {
        hs_free_scratch((*searcher)->scratch);
        free((*searcher)->candidates);
        free((*searcher)->spare);
        free((*searcher)->last);
        automata_free(&(*searcher)->automata);
        sweep_free(&(*searcher)->sweep);
        free(*searcher);
        *searcher = NULL;
    }
}

static enum status grow_scratch(struct searcher *searcher, const struct partition *partition)
{
    if (!partition) {
        return STATUS_OK;
    }
    switch (hs_alloc_scratch(partition->database, &searcher->scratch)) {
    case HS_SUCCESS:
        return STATUS_OK;
    case HS_NOMEM:
        return STATUS_NO_MEMORY;
    default:
        return STATUS_SYSTEM;
    }
}

void searcher_set_first(struct searcher *searcher, uint32_t messages)
{
    sweep_set_first(searcher->sweep, messages);
    automata_set_first(searcher->automata, messages);
}

struct automata *searcher_automata(struct searcher *searcher)
{
    return searcher->automata;
}

enum status searcher_prepare(struct searcher *searcher, const struct program *program)
{
    if (program->probe_count > searcher->probe_capacity) {
        struct last_candidate *last = reallocarray(searcher->last, program->probe_count, sizeof *last);
        if (!last) {
            return STATUS_NO_MEMORY;
        }
        memset(last + searcher->probe_capacity, 0, (program->probe_count - searcher->probe_capacity) * sizeof *last);
        searcher->last = last;
        searcher->probe_capacity = program->probe_count;
    }
    enum status status = automata_prepare(searcher->automata, program);
    sweep_forget(searcher->sweep);
    for (uint32_t i = 0; status == STATUS_OK && i < program->literal_partition_count; i++) {
        status = grow_scratch(searcher, program->literals[i].partition);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < program->expression_partition_count; i++) {
        status = grow_scratch(searcher, program->expressions[i].partition);
    }
    if (status == STATUS_OK) {
        searcher->prepared = program;
    }
    return status;
}

static enum status add_candidate(struct searcher *searcher, struct candidate candidate)
{
    if (searcher->count == searcher->capacity) {
        uint32_t capacity = searcher->capacity ? searcher->capacity * 2 : 1024;
        if (capacity > SEARCH_CANDIDATES_MAX) {
            return STATUS_LIMIT;
        }
        struct candidate *candidates = reallocarray(searcher->candidates, capacity, sizeof *candidates);
        if (!candidates) {
            return STATUS_NO_MEMORY;
        }
        searcher->candidates = candidates;
        searcher->capacity = capacity;
    }
    searcher->candidates[searcher->count++] = candidate;
    return STATUS_OK;
}

/* The probe may match the message, beginning at `start` to `end`: one candidate for all such places. */
static enum status add_unconfirmed(struct searcher *searcher, uint32_t message, uint32_t probe, uint32_t start,
                                   uint32_t end)
{
    struct last_candidate *last = &searcher->last[probe];
    uint32_t number = searcher->base + message;
    if (last->number == number) {
        struct candidate *known = &searcher->candidates[last->index];
        known->start = start < known->start ? start : known->start;
        known->end = end > known->end ? end : known->end;
        return STATUS_OK;
    }
    *last = (struct last_candidate){.number = number, .index = searcher->count};
    return add_candidate(searcher, (struct candidate){.message = message, .probe = probe, .start = start, .end = end});
}

/*
 * A literal that a match has at this distance from its begin stands at `start`. What is searched of a raw view is as
 * long as the view only if that is ASCII: confirm.c does not rely on places in any other.
 */
static enum status add_gated(struct search_pass *pass, const struct program_target *target, uint32_t message,
                             uint32_t start)
{
    struct regex_extent before = target->before;
    bool raw = pass->view == VIEW_RAW;
    if (start < before.min && !raw) {
        return STATUS_OK; /* too near to the begin of the message */
    }
    uint32_t first = start > before.max ? start - before.max : 0;
    uint32_t last = start > before.min ? start - before.min : 0;
    return add_unconfirmed(pass->searcher, message, target->probe, first, last);
}

/*
 * The message in which a match ends: the last one that starts before `end`. A match that ends with the newline after a
 * message counts as that message's: at worst a candidate too many.
 */
static uint32_t message_at(struct search_pass *pass, uint32_t end)
{
    const uint32_t *starts = pass->views->starts;
    uint32_t at = pass->cursor;
    if (starts[at] < end) {
        for (int steps = 0; steps < 16; steps++) {
            if (starts[at + 1] >= end) {
                return pass->cursor = at;
            }
            at++;
        }
    } else {
        at = 0;
    }
    uint32_t low = at, high = pass->views->count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low + 1) / 2;
        if (starts[middle] < end) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return pass->cursor = low;
}

/* What is the whole phrase has to stand at the edges of words where the phrase has. */
static bool is_at_edges(const struct program_target *target, struct span text, uint32_t start, uint32_t end)
{
    return (!(target->edges & EDGE_BEFORE_LITERAL) || word_is_edge(text, start)) &&
           (!(target->edges & EDGE_AFTER_LITERAL) || word_is_edge(text, end));
}

/* A literal stands at [start, start + size) of the view of a message: what of its target does it confirm? */
static enum status target_found(struct search_pass *pass, const struct program_target *target, uint32_t message,
                                struct span text, uint32_t start, uint32_t size)
{
    struct candidate candidate = {
        .message = message, .probe = target->probe, .start = start, .end = start + size, .confirmed = true};
    switch (target->kind) {
    case TARGET_GATE:
        return add_gated(pass, target, message, start);
    case TARGET_PHRASE:
        if (target->alone) {
            return is_at_edges(target, text, start, start + size) ? add_candidate(pass->searcher, candidate)
                                                                  : STATUS_OK;
        }
        if (!phrase_match_at(&pass->program->phrases[target->phrase], text, target->anchor, start, &candidate.start,
                             &candidate.end)) {
            return STATUS_OK;
        }
        return add_candidate(pass->searcher, candidate);
    case TARGET_DOMAIN:
        return domain_match_at(text, start, start + size) ? add_candidate(pass->searcher, candidate) : STATUS_OK;
    }
    return STATUS_OK;
}

/* Most literals are found inside words: that is seen before anything is looked up. */
static bool is_inside_word(const struct search_pass *pass, unsigned id, size_t end)
{
    unsigned edges = pass->literals->edges[id];
    const struct buffer *text = &pass->views->text;
    size_t start = end - pass->literals->sizes[id];
    return ((edges & EDGE_BEFORE_LITERAL) && start > 0 && word_is_letter_or_digit(text->data[start - 1])) ||
           ((edges & EDGE_AFTER_LITERAL) && end < text->size && word_is_letter_or_digit(text->data[end]));
}

/* Literal `id` stands at [start, end) of the views. False: the search is over. */
static bool literal_found(struct search_pass *pass, uint32_t id, uint32_t start, uint32_t end)
{
    uint32_t message = message_at(pass, end), base = pass->views->starts[message];
    struct span text = view_batch_text(pass->views, message);
    if (end - base > text.size || start < base) {
        return true; /* reaches over the border between two messages: not in either */
    }
    for (uint32_t i = pass->literals->target_first[id]; i < pass->literals->target_first[id + 1]; i++) {
        pass->status = target_found(pass, &pass->literals->targets[i], message, text, start - base, end - start);
        if (pass->status != STATUS_OK) {
            return false;
        }
    }
    return true;
}

static int on_literal(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
    struct search_pass *pass = context;
    uint32_t end = (uint32_t)to;
    (void)from;
    (void)flags;
    if (is_inside_word(pass, id, end)) {
        return 0;
    }
    return literal_found(pass, id, end - pass->literals->sizes[id], end) ? 0 : 1;
}

/* Of an index of tokens, which knows of the literals' edges. */
static bool on_token(void *context, uint32_t id, size_t start, size_t end)
{
    return literal_found(context, id, (uint32_t)start, (uint32_t)end);
}

static int on_expression(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
    struct search_pass *pass = context;
    (void)from;
    (void)flags;
    const struct program_expressions *expressions = pass->expressions;
    uint32_t message = message_at(pass, (uint32_t)to);
    uint32_t end = (uint32_t)to - pass->views->starts[message]; /* of what is required: the match begins before */
    for (uint32_t i = expressions->probe_first[id]; i < expressions->probe_first[id + 1]; i++) {
        pass->status = add_unconfirmed(pass->searcher, message, expressions->probes[i], 0, end);
        if (pass->status != STATUS_OK) {
            return 1;
        }
    }
    return 0;
}

static enum status run_pass(struct search_pass *pass, const struct partition *partition, match_event_handler on_match)
{
    struct span text = buffer_span(&pass->views->text);
    if (text.size == 0 || (pass->view == VIEW_SKELETON && text.size == pass->views->count)) {
        return STATUS_OK; /* nothing, or nothing but the newlines */
    }
    hs_error_t result = hs_scan(partition->database, (const char *)text.data, (unsigned)text.size, 0,
                                pass->searcher->scratch, on_match, pass);
    if (result != HS_SUCCESS && result != HS_SCAN_TERMINATED) {
        return STATUS_SYSTEM;
    }
    return pass->status;
}

static enum status look_up_tokens(struct search_pass *pass)
{
    struct span text = buffer_span(&pass->views->text);
    if (pass->view != VIEW_SKELETON || text.size > pass->views->count) { /* there is more than the newlines */
        (void)token_index_search(pass->literals->tokens, text, on_token, pass);
    }
    return pass->status;
}

static enum status add_swept(void *context, uint32_t message, uint32_t probe, bool held)
{
    struct searcher *searcher = context;
    enum status status = add_unconfirmed(searcher, message, probe, 0, UINT32_MAX);
    if (status == STATUS_OK && held) {
        searcher->candidates[searcher->last[probe].index].held = true;
    }
    return status;
}

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->message != y->message) {
        return x->message < y->message ? -1 : 1;
    }
    if (x->probe != y->probe) {
        return x->probe < y->probe ? -1 : 1;
    }
    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    return (x->end > y->end) - (x->end < y->end);
}

void search_sort(struct candidate *candidates, uint32_t count)
{
    if (count > 1) {
        qsort(candidates, count, sizeof *candidates, compare_candidates);
    }
}

/* One pass of a stable sort: by the byte of the message or the probe at `shift`. */
static void sort_by_byte(const struct candidate *from, struct candidate *to, uint32_t count, bool message,
                         unsigned shift)
{
    uint32_t places[257] = {0};
    for (uint32_t i = 0; i < count; i++) {
        places[((message ? from[i].message : from[i].probe) >> shift & 255) + 1]++;
    }
    for (unsigned b = 0; b < 256; b++) {
        places[b + 1] += places[b];
    }
    for (uint32_t i = 0; i < count; i++) {
        to[places[(message ? from[i].message : from[i].probe) >> shift & 255]++] = from[i];
    }
}

/* By message, probe and place: byte by byte, and what is left, places of one probe, by insertion. */
static enum status sort_candidates(struct searcher *searcher)
{
    uint32_t count = searcher->count, message_max = 0, probe_max = 0;
    if (count <= SMALL_SORT_MAX) {
        search_sort(searcher->candidates, count);
        return STATUS_OK;
    }
    if (searcher->spare_capacity < searcher->capacity) {
        struct candidate *spare = reallocarray(searcher->spare, searcher->capacity, sizeof *spare);
        if (!spare) {
            return STATUS_NO_MEMORY;
        }
        searcher->spare = spare;
        searcher->spare_capacity = searcher->capacity;
    }
    for (uint32_t i = 0; i < count; i++) {
        message_max |= searcher->candidates[i].message;
        probe_max |= searcher->candidates[i].probe;
    }
    struct candidate *from = searcher->candidates, *to = searcher->spare;
    for (int key = 0; key < 2; key++) {
        uint32_t max = key ? message_max : probe_max;
        for (unsigned shift = 0; shift < 32 && max >> shift > 0; shift += 8) {
            sort_by_byte(from, to, count, key, shift);
            struct candidate *swap = from;
            from = to;
            to = swap;
        }
    }
    if (from != searcher->candidates) {
        uint32_t capacity = searcher->capacity;
        searcher->spare = searcher->candidates;
        searcher->candidates = from;
        searcher->capacity = searcher->spare_capacity;
        searcher->spare_capacity = capacity;
    }
    for (uint32_t i = 1; i < count; i++) {
        struct candidate moved = from[i];
        uint32_t at = i;
        for (; at > 0 && compare_candidates(&from[at - 1], &moved) > 0; at--) {
            from[at] = from[at - 1];
        }
        from[at] = moved;
    }
    return STATUS_OK;
}

/* A probe that is searched both by literals and as an expression may have become a candidate twice for a message. */
static void join_repeated(struct searcher *searcher)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < searcher->count; i++) {
        struct candidate *last = kept ? &searcher->candidates[kept - 1] : NULL;
        const struct candidate *next = &searcher->candidates[i];
        if (last && !last->confirmed && !next->confirmed && last->message == next->message &&
            last->probe == next->probe) {
            last->end = next->end > last->end ? next->end : last->end; /* by start: the first begins first */
        } else if (!last || compare_candidates(last, next) != 0) {
            searcher->candidates[kept++] = *next;
        }
    }
    searcher->count = kept;
}

/* Numbers for `count` messages that no probe has seen yet. */
static void take_numbers(struct searcher *searcher, uint32_t count)
{
    if (searcher->base > UINT32_MAX - count - 1) {
        memset(searcher->last, 0, (size_t)searcher->probe_capacity * sizeof *searcher->last);
        searcher->base = 1;
    }
}

enum status searcher_search(struct searcher *searcher, const struct program *program, const struct view_batch *views,
                            struct candidate **ret_candidates, uint32_t *ret_count)
{
    uint32_t messages = 0;
    for (int view = 0; view < VIEW_COUNT; view++) {
        messages = program->views & (1u << view) ? views[view].count : messages;
    }
    searcher->count = 0;
    take_numbers(searcher, messages);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < program->literal_partition_count; i++) {
        const struct program_literals *literals = &program->literals[i];
        struct search_pass pass = {.searcher = searcher,
                                   .program = program,
                                   .views = &views[literals->view],
                                   .view = literals->view,
                                   .literals = literals};
        status = literals->partition ? run_pass(&pass, literals->partition, on_literal) : look_up_tokens(&pass);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < program->expression_partition_count; i++) {
        struct search_pass pass = {.searcher = searcher,
                                   .program = program,
                                   .views = &views[program->expressions[i].view],
                                   .expressions = &program->expressions[i]};
        status = run_pass(&pass, program->expressions[i].partition, on_expression);
    }
    for (int view = 0; status == STATUS_OK && view < VIEW_COUNT; view++) {
        if (program->demands[view].count > 0) {
            status = sweep_run(searcher->sweep, program, (enum view)view, &views[view], add_swept, searcher);
        }
    }
    searcher->base += messages;
    if (status != STATUS_OK) {
        return status;
    }
    status = sort_candidates(searcher);
    if (status != STATUS_OK) {
        return status;
    }
    join_repeated(searcher);
    *ret_candidates = searcher->candidates;
    *ret_count = searcher->count;
    return STATUS_OK;
}
