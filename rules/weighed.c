#include "rules/weighed.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "rules/crew.h"
#include "rules/plan.h"

#define BLOCK_REGEXES 16384u /* weighed at a time, about: each takes half a kilobyte until its rule is planned */
#define REGEXES_A_THREAD 16u /* fewer are not worth another thread */
#define SCRATCH_CHUNK (1u << 16)

struct entry {
    const struct rule *rule;
    struct span pattern;
    enum view view;
    enum status status;
    struct regex_choice choice;
    void *kept; /* holds its literals */
};

/* The rules of all packs, one after the other. */
struct cursor {
    uint32_t pack, rule;
};

struct weighed {
    const struct pack *const *packs;
    uint32_t pack_count;
    const struct traffic_profile *traffic;
    struct cursor at;       /* the rule that is given next, */
    uint32_t ahead;         /* so many rules are weighed from there on, */
    struct cursor unseen;   /* and this is the one behind them */
    struct plan_list block; /* struct entry: of these and of some before them */
    uint32_t first, end;    /* those of the rule that was given last */
};

/* What threads weigh together. */
struct work {
    const struct weighed *weighed;
    struct entry *entries;
    uint32_t count;
    atomic_uint next;
};

static const struct rule *next_rule(const struct weighed *weighed, struct cursor *cursor)
{
    while (cursor->pack < weighed->pack_count && cursor->rule == weighed->packs[cursor->pack]->rule_count) {
        cursor->pack++;
        cursor->rule = 0;
    }
    return cursor->pack < weighed->pack_count ? &weighed->packs[cursor->pack]->rules[cursor->rule++] : NULL;
}

/* Copies the literals of the choice out of the scratch. */
static enum status keep_literals(struct entry *entry)
{
    struct regex_search *search = &entry->choice.search;
    size_t bytes = 0;
    for (uint32_t i = 0; i < search->literal_count; i++) {
        bytes += search->literals[i].text.size;
    }
    struct regex_literal *kept = malloc(search->literal_count * sizeof *kept + bytes + 1);
    if (!kept) {
        return STATUS_NO_MEMORY;
    }
    uint8_t *text = (uint8_t *)(kept + search->literal_count);
    for (uint32_t i = 0; i < search->literal_count; i++) {
        kept[i] = search->literals[i];
        kept[i].text.data = memcpy(text, search->literals[i].text.data, kept[i].text.size);
        text += kept[i].text.size;
    }
    search->literals = entry->kept = kept;
    return STATUS_OK;
}

/* One of the threads. */
static void *weigh_some(void *context)
{
    struct work *work = context;
    struct arena *scratch = NULL;
    enum status status = arena_new(SCRATCH_CHUNK, PLAN_SCRATCH_MAX, &scratch);
    for (uint32_t i; (i = atomic_fetch_add(&work->next, 1)) < work->count;) {
        struct entry *entry = &work->entries[i];
        entry->status = status;
        if (status == STATUS_OK) {
            entry->status = regex_weigh(entry->pattern, entry->view, scratch, work->weighed->traffic, &entry->choice);
        }
        if (entry->status == STATUS_OK) {
            entry->status = keep_literals(entry);
        }
    }
    arena_free(&scratch);
    return NULL;
}

static void drop_block(struct weighed *weighed)
{
    struct entry *entries = weighed->block.items;
    for (uint32_t i = 0; i < weighed->block.count; i++) {
        buffer_free(&entries[i].choice.expression);
        free(entries[i].kept);
    }
    weighed->block.count = weighed->first = weighed->end = 0;
}

static enum status add_entries(struct weighed *weighed, const struct rule *rule)
{
    for (uint32_t i = 0; i < rule->pattern_count && rule->status != RULE_OFF; i++) {
        const struct pattern *pattern = &rule->patterns[i];
        for (unsigned view = 0; view < VIEW_COUNT && pattern->kind == PATTERN_REGEX; view++) {
            if (!(pattern->views & (1u << view))) {
                continue;
            }
            struct entry *entry = plan_list_add(&weighed->block, sizeof *entry);
            if (!entry) {
                return STATUS_NO_MEMORY;
            }
            *entry = (struct entry){.rule = rule, .pattern = pattern->regex, .view = (enum view)view};
            entry->choice.expression = (struct buffer)BUFFER_INIT(REGEX_EXPRESSION_SIZE_MAX);
        }
    }
    return STATUS_OK;
}

/* Weighs the regexes of the next rules. */
static enum status weigh_block(struct weighed *weighed)
{
    const struct rule *rule;
    drop_block(weighed);
    while (weighed->block.count < BLOCK_REGEXES && (rule = next_rule(weighed, &weighed->unseen))) {
        if (add_entries(weighed, rule) != STATUS_OK) {
            return STATUS_NO_MEMORY;
        }
        weighed->ahead++;
    }
    struct work work = {.weighed = weighed, .entries = weighed->block.items, .count = weighed->block.count};
    atomic_init(&work.next, 0);
    if (work.count > 0) {
        crew_run(weigh_some, &work, work.count / REGEXES_A_THREAD);
    }
    return STATUS_OK;
}

enum status weighed_new(const struct pack *const *packs, uint32_t pack_count, const struct traffic_profile *traffic,
                        struct weighed **ret_weighed)
{
    struct weighed *weighed = calloc(1, sizeof *weighed);
    if (!weighed) {
        return STATUS_NO_MEMORY;
    }
    *weighed = (struct weighed){.packs = packs, .pack_count = pack_count, .traffic = traffic};
    *ret_weighed = weighed;
    return STATUS_OK;
}

void weighed_free(struct weighed **weighed)
{
    if (*weighed) {
        drop_block(*weighed);
        free((*weighed)->block.items);
        free(*weighed);
        *weighed = NULL;
    }
}

enum status weighed_next(struct weighed *weighed, const struct rule **ret_rule)
{
    if (weighed->ahead == 0) {
        enum status status = weigh_block(weighed);
        if (status != STATUS_OK) {
            return status;
        }
    }
    const struct entry *entries = weighed->block.items;
    const struct rule *rule = weighed->ahead > 0 ? next_rule(weighed, &weighed->at) : NULL;
    weighed->ahead -= rule != NULL;
    weighed->first = weighed->end;
    while (weighed->end < weighed->block.count && entries[weighed->end].rule == rule) {
        weighed->end++;
    }
    *ret_rule = rule;
    return STATUS_OK;
}

const struct regex_choice *weighed_find(const struct weighed *weighed, struct span pattern, enum view view,
                                        enum status *ret_status)
{
    const struct entry *entries = weighed->block.items;
    for (uint32_t i = weighed->first; i < weighed->end; i++) {
        if (entries[i].pattern.data == pattern.data && entries[i].pattern.size == pattern.size &&
            entries[i].view == view) {
            *ret_status = entries[i].status;
            return &entries[i].choice;
        }
    }
    return NULL;
}
