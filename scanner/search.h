/*
 * The search: the views of many messages in one buffer, each partition searched once over it, and out come candidates.
 *
 * A candidate says "this probe may match this message"; literals of phrases and domains are confirmed on the spot, so
 * those candidates are facts and carry their place in the view. The others carry the places at which a match may begin:
 * trying only those is what makes confirming cheap. One searcher a thread. The only file besides
 * rules/partition.c that includes hs.h.
 */
#ifndef SCANNER_SEARCH_H
#define SCANNER_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "base/status.h"
#include "rules/program.h"
#include "scanner/automata.h"

struct candidate {
    uint32_t message; /* index in the batch */
    uint32_t probe;
    uint32_t start,
        end; /* in what was searched of the message: the place if confirmed; else a match begins from start to end */
    bool confirmed;
    bool refuted; /* PCRE2 found none */
    bool held;    /* there is a match, nobody knows where yet */
};

/*
 * What is searched for one view of a batch of messages, one after the other, each followed by a newline. For the folded
 * view that is the view itself; the raw view is searched without case (text/caseless.h); the skeleton is searched only of
 * messages with words in disguise that are wanted (text/skeleton.h): of nearly all messages nothing.
 */
struct view_batch {
    struct buffer text;
    uint32_t *starts; /* count + 1 offsets; message i is [starts[i], starts[i + 1] - 1) */
    uint8_t *facts;   /* of the folded view: VIEW_FACT_* of each text (text/view.h) */
    uint32_t count, capacity;
    const struct view_batch *folded;      /* for the skeleton: of the same texts, to spare some work; NULL: not there */
    const struct skeleton_wanted *wanted; /* for the skeleton: of the program; NULL: every word in disguise counts */
};

#define SEARCH_VIEW_BYTES_MAX ((size_t)256 << 20) /* of one view of one batch */
#define SEARCH_CANDIDATES_MAX (1u << 22)          /* of one batch; over it the batch is searched in halves */

/* Writes what is searched of each text. STATUS_LIMIT or STATUS_NO_MEMORY: the batch as a whole is too large. */
enum status view_batch_make(struct view_batch *batch, enum view view, const struct span *texts,
                            uint32_t count) MUST_USE;
struct span view_batch_text(const struct view_batch *batch, uint32_t message);
void view_batch_free(struct view_batch *batch);

/* By message, probe and start. */
void search_sort(struct candidate *candidates, uint32_t count);

struct searcher;
enum status searcher_new(struct searcher **ret_searcher) MUST_USE;
void searcher_free(struct searcher **searcher);

/* What has been found out about regexes while searching; the searcher's own, and of its thread. */
struct automata *searcher_automata(struct searcher *searcher);

/* For tests: automata are made after so much traffic (scanner/sweep.h, scanner/automata.h), which is much by default. */
void searcher_set_first(struct searcher *searcher, uint32_t messages);

/* Grows the searcher's scratch for a program. Must be called before its first search with that program. */
enum status searcher_prepare(struct searcher *searcher, const struct program *program) MUST_USE;

/*
 * Searches every partition of the program: views[v] must be made for each view that program->views names. The
 * candidates are sorted by (message, probe, start) and belong to the searcher until the next search. STATUS_LIMIT: too
 * many candidates; STATUS_SYSTEM: the engine failed. Then nothing is known about any message.
 */
enum status searcher_search(struct searcher *searcher, const struct program *program, const struct view_batch *views,
                            struct candidate **ret_candidates, uint32_t *ret_count) MUST_USE;

#endif
