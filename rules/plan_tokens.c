/* Long lists of words and domains are taken out of what Hyperscan searches, into indexes of tokens. */
#include <stdlib.h>

#include "rules/plan.h"
#include "rules/token_index.h"
#include "text/word.h"

/* Can the literal stand only between characters that are neither letters nor digits? */
static bool is_whole(struct span text, unsigned edges)
{
    return ((edges & EDGE_BEFORE_LITERAL) || !word_is_letter_or_digit(text.data[0])) &&
           ((edges & EDGE_AFTER_LITERAL) || !word_is_letter_or_digit(text.data[text.size - 1]));
}

static bool fits(const struct plan_literal *use, enum token_kind kind)
{
    return (kind == TOKEN_DOTTED) == (use->target.kind == TARGET_DOMAIN) && is_whole(use->literal, use->target.edges) &&
           token_index_takes(use->literal, kind);
}

/* Moves the uses that fit to the end of the list. Returns how many are left before them. */
static uint32_t set_apart(struct plan_literal *uses, uint32_t count, enum token_kind kind)
{
    uint32_t kept = 0, end = count;
    while (kept < end) {
        if (fits(&uses[kept], kind)) {
            struct plan_literal swapped = uses[--end];
            uses[end] = uses[kept];
            uses[kept] = swapped;
        } else {
            kept++;
        }
    }
    return kept;
}

/* One part that searches for the uses; a literal that is used twice is in it twice. */
static enum status add_part(struct plan *plan, enum view view, enum token_kind kind, const struct plan_literal *uses,
                            uint32_t count)
{
    struct arena *arena = plan->program->arena;
    struct program_literals part = {.view = view, .count = count};
    uint32_t *first = arena_array(arena, (size_t)count + 1, sizeof *first);
    uint32_t *sizes = arena_array(arena, count, sizeof *sizes);
    uint8_t *edges = arena_array(arena, count, sizeof *edges);
    struct program_target *targets = arena_array(arena, count, sizeof *targets);
    struct span *texts = calloc(count, sizeof *texts);
    enum status status = STATUS_NO_MEMORY;
    if (first && sizes && edges && targets && texts) {
        for (uint32_t i = 0; i < count; i++) {
            texts[i] = uses[i].literal;
            first[i + 1] = i + 1;
            sizes[i] = (uint32_t)uses[i].literal.size;
            edges[i] = uses[i].target.edges;
            targets[i] = uses[i].target;
        }
        part.target_first = first;
        part.sizes = sizes;
        part.edges = edges;
        part.targets = targets;
        status = token_index_make(texts, count, kind, plan->traffic, arena, &part.tokens);
    }
    struct program_literals *added = status == STATUS_OK ? plan_list_add(&plan->literal_parts, sizeof *added) : NULL;
    if (added) {
        *added = part;
        plan->program->facts.literals += count;
    }
    free(texts);
    return status == STATUS_OK && !added ? STATUS_NO_MEMORY : status;
}

static enum status index_kind(struct plan *plan, enum view view, enum token_kind kind)
{
    struct plan_list *literals = &plan->literals[view];
    struct plan_literal *uses = literals->items;
    uint32_t kept = set_apart(uses, literals->count, kind), count = literals->count - kept;
    uint32_t words_min = plan->compiling.words_min ? plan->compiling.words_min : PLAN_WORDS_MIN;
    if (count < (kind == TOKEN_ANY ? words_min : 1)) {
        return STATUS_OK;
    }
    literals->count = kept;
    return add_part(plan, view, kind, uses + kept, count);
}

enum status plan_tokens(struct plan *plan)
{
    enum status status = STATUS_OK;
    for (int view = 0; status == STATUS_OK && view < VIEW_COUNT; view++) {
        for (int kind = 0; status == STATUS_OK && kind < TOKEN_KINDS; kind++) {
            status = index_kind(plan, (enum view)view, (enum token_kind)kind);
        }
    }
    return status;
}
