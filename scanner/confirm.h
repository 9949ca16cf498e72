/*
 * Confirming and deciding: the candidates of one message become hits.
 *
 * Conditions are evaluated with three values. A pattern that is not a candidate is false, because a search never
 * misses. Before anything is confirmed the condition is tried with all candidates unknown: if it is false even so, no
 * regex runs.
 */
#ifndef SCANNER_CONFIRM_H
#define SCANNER_CONFIRM_H

#include "base/arena.h"
#include "rules/regex.h"
#include "scanner/automata.h"
#include "scanner/scanner.h"
#include "scanner/search.h"

struct confirmer {
    const struct program *program;
    const struct view_batch *views; /* by view: what was searched */
    const struct span *texts;       /* the messages as sent */
    struct regex_scratch *scratch;
    struct arena *arena;       /* hits and spans of one message; reset by the caller */
    struct arena *batch_arena; /* what confirmer_settle needs */
    uint64_t confirmations;
    struct automata *automata;                        /* of the searcher */
    bool without_spans;                               /* hits have none: nobody asks for places */
    struct verdict_span found[SCANNER_HIT_SPANS_MAX]; /* of one rule, while they are looked for */
    bool across;                                      /* rules with `across` give partial hits (scanner/scanner.h) */

    /* Of the message that is being decided: its raw view, and the offset maps once spans are asked for. */
    struct span raw;
    bool raw_known;
    struct buffer repaired; /* a raw view that is not the message itself */
    struct view_map maps[VIEW_COUNT];
    bool mapped[VIEW_COUNT];
    struct buffer remade;   /* a view that is made again, with its map */
    struct buffer skeleton; /* the view as regexes see it, once one asks for it */
    bool skeleton_known;
};

void confirmer_free(struct confirmer *confirmer);

/*
 * Confirms what has to be confirmed whatever else is found: candidates of rules that are one regex, of all messages of
 * the batch, one regex after the other, so that its machine code is at hand. What does not match is taken out; what does
 * is marked as held. The order, by message, stays. STATUS_NO_MEMORY: nothing was done.
 */
enum status confirmer_settle(struct confirmer *confirmer, struct candidate *candidates, uint32_t *count) MUST_USE;

/*
 * Decides every rule that has a candidate. `candidates` are all of one message, sorted, at least one. The hits live in the
 * arena. STATUS_NO_MEMORY: nothing is known.
 */
enum status confirmer_decide(struct confirmer *confirmer, const struct candidate *candidates, uint32_t count,
                             struct scan_hit **ret_hits, uint32_t *ret_hit_count) MUST_USE;

#endif
