/* Words and domains are taken out of what Hyperscan searches, into indexes of tokens. */
#include <stdlib.h>
#include <string.h>

#include "rules/plan.h"
#include "rules/token_index.h"
#include "text/word.h"

#define RUNS_MAX 16u /* ways in which the pieces around one may be joined */
#define RUN_SIZE_MAX 256u

/* What an index takes in place of one literal: most often that alone. */
struct taken {
    struct plan_literal uses[RUNS_MAX];
    struct token_literal literals[RUNS_MAX];
    uint32_t count;
};

static bool takes(struct span text, const struct program_target *target, struct token_literal *ret_literal)
{
    bool beyond = false;
    for (size_t i = 0; i < text.size; i++) {
        beyond |= text.data[i] >= 0x80;
    }
    bool open = !(target->edges & EDGE_AFTER_LITERAL) && word_is_letter_or_digit(text.data[text.size - 1]);
    enum token_kind kind = beyond                          ? TOKEN_BEYOND
                           : target->kind == TARGET_DOMAIN ? TOKEN_DOTTED
                           : open                          ? TOKEN_BEGINNING
                                                           : TOKEN_ANY;
    *ret_literal = (struct token_literal){.text = text, .kind = kind, .edges = target->edges};
    return token_index_takes(ret_literal);
}

/* Is there nothing of the phrase besides the literal, which must not stand at edges that EDGE_* say nothing of? */
static bool is_alone(const struct phrase *phrase, const struct program_target *target)
{
    return phrase->count == 1 && !phrase->in_disguise &&
           (!phrase->edge_before || (target->edges & EDGE_BEFORE_LITERAL)) &&
           (!phrase->edge_after || (target->edges & EDGE_AFTER_LITERAL));
}

static bool add_taken(struct taken *taken, struct plan_literal use)
{
    taken->uses[taken->count] = use;
    return takes(use.literal, &use.target, &taken->literals[taken->count]) && ++taken->count > 0;
}

/* Pieces [first, last] of a phrase, joined: no gap between them, and one, or an edge, on both sides. */
static bool add_run(struct plan *plan, const struct phrase *phrase, uint32_t first, uint32_t last,
                    struct program_target target, struct taken *taken)
{
    uint8_t text[RUN_SIZE_MAX];
    size_t size = 0;
    for (uint32_t i = first; i <= last; i++) {
        struct span piece = phrase->pieces[i].text;
        if (piece.size > sizeof text - size) {
            return false;
        }
        memcpy(text + size, piece.data, piece.size);
        size += piece.size;
    }
    const void *kept = arena_copy(plan->program->arena, span_of(text, size));
    bool starts = first == 0 && !(phrase->edge_before && word_is_letter_or_digit(text[0]));
    bool ends = last + 1 == phrase->count && !(phrase->edge_after && word_is_letter_or_digit(text[size - 1]));
    target.anchor = first;
    target.edges = (uint8_t)((starts ? 0 : EDGE_BEFORE_LITERAL) | (ends ? 0 : EDGE_AFTER_LITERAL));
    return kept && taken->count < RUNS_MAX &&
           add_taken(taken, (struct plan_literal){.literal = span_of(kept, size), .target = target});
}

/*
 * A piece that others may touch ("mail" of "e-mail") is no whole token: in its place all that it and those may be when they
 * are joined, "mail" and "email".
 */
static bool add_runs(struct plan *plan, const struct phrase *phrase, uint32_t anchor,
                     const struct program_target *target, struct taken *taken)
{
    uint32_t first = anchor, last = anchor;
    taken->count = 0;
    while (first > 0 && phrase->pieces[first].gap_min == 0) {
        first--;
    }
    while (last + 1 < phrase->count && phrase->pieces[last + 1].gap_min == 0) {
        last++;
    }
    for (uint32_t from = first; from <= anchor; from++) {
        for (uint32_t to = anchor; to <= last; to++) {
            if (!add_run(plan, phrase, from, to, *target, taken)) {
                return false;
            }
        }
    }
    return true;
}

/* A phrase of several pieces: by the one that was chosen, or else by the rarest other that can be ("m" of "s & m"). */
static bool take_pieces(struct plan *plan, const struct phrase *phrase, const struct program_target *target,
                        struct taken *ret_taken)
{
    uint32_t rarest = phrase->count;
    double least = 2;
    if (add_runs(plan, phrase, target->anchor, target, ret_taken)) {
        return true;
    }
    for (uint32_t i = 0; i < phrase->count; i++) {
        double rate = traffic_profile_rate(plan->traffic, phrase->pieces[i].text);
        if (rate < least && add_runs(plan, phrase, i, target, ret_taken)) {
            rarest = i;
            least = rate;
        }
    }
    return rarest < phrase->count && add_runs(plan, phrase, rarest, target, ret_taken);
}

/* Can an index find it? Literals of regexes are left to Hyperscan, which searches for others of them anyway. */
static bool take(struct plan *plan, const struct plan_literal *use, struct taken *ret_taken)
{
    struct plan_literal alone = *use;
    if (use->target.kind == TARGET_GATE) {
        return false;
    }
    if (use->target.kind == TARGET_PHRASE) {
        const struct phrase *phrases = plan->phrases.items, *phrase = &phrases[use->target.phrase];
        if (phrase->count > 1 && !phrase->in_disguise && take_pieces(plan, phrase, &use->target, ret_taken)) {
            return true;
        }
        alone.target.alone = is_alone(phrase, &use->target);
    }
    ret_taken->count = 0;
    return add_taken(ret_taken, alone);
}

/* What was taken of one view. */
struct tokens {
    struct plan_list uses, literals;
};

static enum status keep_taken(struct tokens *tokens, const struct taken *taken)
{
    for (uint32_t i = 0; i < taken->count; i++) {
        struct plan_literal *use = plan_list_add(&tokens->uses, sizeof *use);
        struct token_literal *literal = plan_list_add(&tokens->literals, sizeof *literal);
        if (!use || !literal) {
            return STATUS_NO_MEMORY;
        }
        *use = taken->uses[i];
        *literal = taken->literals[i];
    }
    return STATUS_OK;
}

/* One part that searches for what was taken; a literal that is used twice is in it twice. */
static enum status add_part(struct plan *plan, enum view view, const struct tokens *tokens)
{
    struct arena *arena = plan->program->arena;
    uint32_t count = tokens->uses.count;
    const struct plan_literal *uses = tokens->uses.items;
    struct program_literals part = {.view = view, .count = count};
    uint32_t *first = arena_array(arena, (size_t)count + 1, sizeof *first);
    uint32_t *sizes = arena_array(arena, count, sizeof *sizes);
    uint8_t *edges = arena_array(arena, count, sizeof *edges);
    struct program_target *targets = arena_array(arena, count, sizeof *targets);
    if (!first || !sizes || !edges || !targets) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        first[i + 1] = i + 1;
        sizes[i] = (uint32_t)uses[i].literal.size;
        edges[i] = uses[i].target.edges;
        targets[i] = uses[i].target;
    }
    part.target_first = first;
    part.sizes = sizes;
    part.edges = edges;
    part.targets = targets;
    enum status status = token_index_make(tokens->literals.items, count, plan->traffic, arena, &part.tokens);
    struct program_literals *added = status == STATUS_OK ? plan_list_add(&plan->literal_parts, sizeof *added) : NULL;
    if (added) {
        *added = part;
        plan->program->facts.literals += count;
    }
    return status == STATUS_OK && !added ? STATUS_NO_MEMORY : status;
}

/* Are there words enough? Looking at every token of a text for few of them does not pay. */
static bool has_words(const struct plan *plan, const struct plan_list *literals)
{
    const struct plan_literal *uses = literals->items;
    uint32_t words = 0, words_min = plan->compiling.words_min ? plan->compiling.words_min : PLAN_WORDS_MIN;
    struct token_literal ignored;
    for (uint32_t i = 0; i < literals->count && words < words_min; i++) {
        words += uses[i].target.kind == TARGET_PHRASE && takes(uses[i].literal, &uses[i].target, &ignored);
    }
    return words >= words_min;
}

static enum status index_view(struct plan *plan, enum view view)
{
    struct plan_list *literals = &plan->literals[view];
    struct plan_literal *uses = literals->items;
    struct tokens tokens = {0};
    enum status status = STATUS_OK;
    uint32_t kept = 0;
    bool words = has_words(plan, literals);
    for (uint32_t i = 0; status == STATUS_OK && i < literals->count; i++) {
        struct taken taken;
        if ((words || uses[i].target.kind == TARGET_DOMAIN) && take(plan, &uses[i], &taken)) {
            status = keep_taken(&tokens, &taken);
        } else {
            uses[kept++] = uses[i];
        }
    }
    if (status == STATUS_OK) {
        literals->count = kept;
        status = tokens.uses.count > 0 ? add_part(plan, view, &tokens) : STATUS_OK;
    }
    free(tokens.uses.items);
    free(tokens.literals.items);
    return status;
}

enum status plan_tokens(struct plan *plan)
{
    enum status status = STATUS_OK;
    for (int view = 0; status == STATUS_OK && view < VIEW_COUNT; view++) {
        status = index_view(plan, (enum view)view);
    }
    return status;
}
