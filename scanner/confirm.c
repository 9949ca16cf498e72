#include "scanner/confirm.h"

#include <stdlib.h>
#include <string.h>

#include "text/domain.h"
#include "text/phrase.h"
#include "text/utf8.h"

/* What is known of the patterns of one rule in one message. */
struct knowledge {
    enum truth values[MODEL_RULE_PATTERNS_MAX];
    uint16_t open[MODEL_RULE_PATTERNS_MAX]; /* candidates of the pattern that are not confirmed yet */
    bool limited[MODEL_RULE_PATTERNS_MAX];  /* a match limit was hit */
};

struct span_list {
    struct verdict_span *items;
    uint32_t count;
};

void confirmer_free(struct confirmer *confirmer)
{
    for (int view = 0; view < VIEW_COUNT; view++) {
        view_map_free(&confirmer->maps[view]);
    }
    buffer_free(&confirmer->remade);
    buffer_free(&confirmer->repaired);
    buffer_free(&confirmer->skeleton);
    regex_scratch_free(&confirmer->scratch);
    arena_free(&confirmer->arena);
    arena_free(&confirmer->batch_arena);
}

static bool is_confirmed(const struct candidate *candidate)
{
    return candidate->confirmed;
}

static void know_candidates(const struct program *program, const struct candidate *candidates, uint32_t count,
                            uint32_t pattern_count, struct knowledge *know)
{
    memset(know->values, 0, pattern_count * sizeof know->values[0]);
    memset(know->open, 0, pattern_count * sizeof know->open[0]);
    memset(know->limited, 0, pattern_count * sizeof know->limited[0]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pattern = program->probes[candidates[i].probe].pattern;
        if (is_confirmed(&candidates[i]) || candidates[i].held) {
            know->values[pattern] = TRUTH_TRUE;
        } else {
            know->open[pattern]++;
            know->values[pattern] = know->values[pattern] == TRUTH_TRUE ? TRUTH_TRUE : TRUTH_UNKNOWN;
        }
    }
}

/* The skeleton as a regex sees it: what lies in the batch is another form of it. */
static enum status need_skeleton(struct confirmer *confirmer, uint32_t message, struct span *ret_text)
{
    if (!confirmer->skeleton_known) {
        confirmer->skeleton.size_max = SEARCH_VIEW_BYTES_MAX;
        buffer_clear(&confirmer->skeleton);
        enum status status = view_append(VIEW_SKELETON, confirmer->texts[message], &confirmer->skeleton, NULL);
        if (status != STATUS_OK) {
            return status;
        }
        confirmer->skeleton_known = true;
    }
    *ret_text = buffer_span(&confirmer->skeleton);
    return STATUS_OK;
}

/*
 * The view of a message. The folded one lies in the batch; the raw one is the message itself unless it has ill-formed
 * UTF-8, which is rare: then it is made once.
 */
static enum status need_text(struct confirmer *confirmer, const struct program_probe *probe, uint32_t message,
                             struct span *ret_text)
{
    enum view view = probe->view;
    if (view == VIEW_SKELETON && probe->regex) {
        return need_skeleton(confirmer, message, ret_text);
    }
    if (view != VIEW_RAW) {
        *ret_text = view_batch_text(&confirmer->views[view], message);
        return STATUS_OK;
    }
    if (!confirmer->raw_known) {
        confirmer->raw = confirmer->texts[message];
        if (!utf8_valid(confirmer->raw)) {
            confirmer->repaired.size_max = SEARCH_VIEW_BYTES_MAX;
            buffer_clear(&confirmer->repaired);
            enum status status = view_append(VIEW_RAW, confirmer->texts[message], &confirmer->repaired, NULL);
            if (status != STATUS_OK) {
                return status;
            }
            confirmer->raw = buffer_span(&confirmer->repaired);
        }
        confirmer->raw_known = true;
    }
    *ret_text = confirmer->raw;
    return STATUS_OK;
}

/* The next place of an entry at or after `from`. */
static bool find_entry(const struct program *program, const struct program_entry *entry, struct span text,
                       uint32_t from, uint32_t *ret_start, uint32_t *ret_end)
{
    while (from < text.size) {
        const uint8_t *found = memmem(text.data + from, text.size - from, entry->literal.data, entry->literal.size);
        if (!found) {
            return false;
        }
        uint32_t start = (uint32_t)(found - text.data), end = start + (uint32_t)entry->literal.size;
        *ret_start = start;
        *ret_end = end;
        if (entry->target.kind == TARGET_PHRASE ? phrase_match_at(&program->phrases[entry->target.phrase], text,
                                                                  entry->target.anchor, start, ret_start, ret_end)
                                                : domain_match_at(text, start, end)) {
            return true;
        }
        from = start + 1;
    }
    return false;
}

/* A deferred probe of entries: one literal after the other. */
static bool find_entries(const struct program *program, const struct program_probe *probe, struct span text)
{
    uint32_t start, end;
    for (uint32_t i = 0; i < probe->entry_count; i++) {
        if (find_entry(program, &program->entries[probe->first_entry + i], text, 0, &start, &end)) {
            return true;
        }
    }
    return false;
}

static bool is_ascii(struct span text)
{
    uint8_t all = 0;
    for (size_t i = 0; i < text.size; i++) {
        all |= text.data[i];
    }
    return all < 0x80;
}

static enum status confirm_probe(struct confirmer *confirmer, const struct program_probe *probe,
                                 const struct candidate *candidate, struct span text)
{
    uint32_t start, end;
    confirmer->confirmations++;
    if (!probe->regex) {
        return find_entries(confirmer->program, probe, text) ? STATUS_OK : STATUS_NOT_FOUND;
    }
    if (probe->view == VIEW_RAW && !is_ascii(text)) { /* what was searched may be longer or shorter */
        return regex_match(probe->regex, confirmer->scratch, text, 0, &start, &end);
    }
    return regex_match_between(probe->regex, confirmer->scratch, text, candidate->start, candidate->end, &start, &end);
}

static void confirm_one(struct confirmer *confirmer, const struct candidate *candidate, struct knowledge *know)
{
    const struct program_probe *probe = &confirmer->program->probes[candidate->probe];
    uint32_t pattern = probe->pattern;
    know->open[pattern]--;
    if (know->values[pattern] == TRUTH_TRUE) {
        return;
    }
    struct span text;
    if (need_text(confirmer, probe, candidate->message, &text) != STATUS_OK) {
        know->limited[pattern] = true;
        return;
    }
    automata_asked(confirmer->automata, candidate->probe, 1);
    switch (confirm_probe(confirmer, probe, candidate, text)) {
    case STATUS_OK:
        know->values[pattern] = TRUTH_TRUE;
        return;
    case STATUS_NOT_FOUND:
        break;
    default:
        know->limited[pattern] = true;
    }
    if (know->open[pattern] == 0 && !know->limited[pattern]) {
        know->values[pattern] = TRUTH_FALSE;
    }
}

static bool is_partial(const struct confirmer *confirmer, const struct rule *rule)
{
    return confirmer->across && rule->across.messages > 0;
}

static enum truth decide_rule(struct confirmer *confirmer, const struct rule *rule, const struct candidate *candidates,
                              uint32_t count, struct knowledge *know)
{
    know_candidates(confirmer->program, candidates, count, rule->pattern_count, know);
    enum truth truth = condition_evaluate(rule->condition, know->values);
    bool all = is_partial(confirmer, rule); /* every pattern counts, whatever the others say */
    for (uint32_t i = 0; i < count && (truth != TRUTH_FALSE || all); i++) {
        if (!is_confirmed(&candidates[i]) && !candidates[i].held) {
            confirm_one(confirmer, &candidates[i], know);
            truth = condition_evaluate(rule->condition, know->values);
        }
    }
    return truth;
}

/* The map of a view of the message: made when the first span needs it. */
static enum status need_map(struct confirmer *confirmer, enum view view, uint32_t message)
{
    if (confirmer->mapped[view]) {
        return STATUS_OK;
    }
    confirmer->remade.size_max = SEARCH_VIEW_BYTES_MAX;
    buffer_clear(&confirmer->remade);
    enum status status = view_append(view, confirmer->texts[message], &confirmer->remade, &confirmer->maps[view]);
    confirmer->mapped[view] = status == STATUS_OK;
    return status;
}

static void add_span(struct confirmer *confirmer, const struct rule *rule, const struct program_probe *probe,
                     uint32_t start, uint32_t end, struct span_list *list)
{
    if (list->count == SCANNER_HIT_SPANS_MAX) {
        return;
    }
    struct verdict_span *span = &list->items[list->count];
    span->pattern = rule->patterns[probe->pattern].name;
    span->view = view_names[probe->view];
    view_map_span(&confirmer->maps[probe->view], start, end, &span->start, &span->end);
    for (uint32_t i = 0; i < list->count && probe->view == VIEW_SKELETON; i++) {
        const struct verdict_span *other = &list->items[i];
        if (other->pattern == span->pattern && other->start == span->start && other->end == span->end) {
            return; /* the folded view shows it too */
        }
    }
    list->count++;
}

/* All places of the entries of a deferred probe, by where they begin, as a search would have found them. */
static void add_entry_spans(struct confirmer *confirmer, const struct rule *rule, const struct program_probe *probe,
                            struct span text, struct span_list *list)
{
    uint32_t starts[SCANNER_PATTERN_SPANS_MAX], ends[SCANNER_PATTERN_SPANS_MAX], count = 0;
    for (uint32_t i = 0; i < probe->entry_count; i++) {
        const struct program_entry *entry = &confirmer->program->entries[probe->first_entry + i];
        uint32_t from = 0, start, end;
        while (count < SCANNER_PATTERN_SPANS_MAX && find_entry(confirmer->program, entry, text, from, &start, &end)) {
            uint32_t at = count++;
            for (; at > 0 && (starts[at - 1] > start || (starts[at - 1] == start && ends[at - 1] > end)); at--) {
                starts[at] = starts[at - 1];
                ends[at] = ends[at - 1];
            }
            starts[at] = start;
            ends[at] = end;
            from = end;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        add_span(confirmer, rule, probe, starts[i], ends[i], list);
    }
}

/* All places of a regex, one after the other. */
static void add_regex_spans(struct confirmer *confirmer, const struct rule *rule, const struct candidate *candidate,
                            struct span_list *list)
{
    const struct program_probe *probe = &confirmer->program->probes[candidate->probe];
    struct span text;
    uint32_t from = 0, start, end;
    if (need_text(confirmer, probe, candidate->message, &text) != STATUS_OK) {
        return;
    }
    if (!probe->regex) {
        add_entry_spans(confirmer, rule, probe, text, list);
        return;
    }
    for (int i = 0; i < SCANNER_PATTERN_SPANS_MAX; i++) {
        if (regex_match(probe->regex, confirmer->scratch, text, from, &start, &end) != STATUS_OK) {
            return;
        }
        add_span(confirmer, rule, probe, start, end, list);
        if (end == start) {
            return; /* an empty match: there may be one everywhere */
        }
        from = end;
    }
}

static enum status add_spans(struct confirmer *confirmer, const struct rule *rule, uint32_t message,
                             const struct candidate *candidates, uint32_t count, const struct knowledge *know,
                             struct scan_hit *hit)
{
    struct span_list list = {.items = confirmer->found};
    uint32_t literal_spans = 0, last_probe = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const struct program_probe *probe = &confirmer->program->probes[candidates[i].probe];
        if (know->values[probe->pattern] != TRUTH_TRUE) {
            continue;
        }
        enum status status = need_map(confirmer, probe->view, message);
        if (status != STATUS_OK) {
            return status;
        }
        literal_spans = candidates[i].probe == last_probe ? literal_spans + 1 : 0;
        last_probe = candidates[i].probe;
        if (!is_confirmed(&candidates[i])) {
            add_regex_spans(confirmer, rule, &candidates[i], &list);
        } else if (literal_spans < SCANNER_PATTERN_SPANS_MAX) {
            add_span(confirmer, rule, probe, candidates[i].start, candidates[i].end, &list);
        }
    }
    struct verdict_span *spans = arena_array(confirmer->arena, list.count + 1u, sizeof *spans);
    if (!spans) {
        return STATUS_NO_MEMORY;
    }
    if (list.count > 0) {
        memcpy(spans, list.items, list.count * sizeof *spans);
    }
    hit->spans = spans;
    hit->span_count = list.count;
    return STATUS_OK;
}

/*
 * All there is to look at for one rule: its candidates, and its deferred probes, which nobody searched for and which may
 * match as well. NULL without memory.
 */
static struct candidate *with_deferred(struct confirmer *confirmer, const struct program_rule *planned,
                                       const struct candidate *candidates, uint32_t *count)
{
    struct candidate *all = arena_array(confirmer->arena, (size_t)*count + planned->deferred_count, sizeof *all);
    if (!all) {
        return NULL;
    }
    memcpy(all, candidates, *count * sizeof *all);
    for (uint32_t i = 0; i < planned->probe_count; i++) {
        uint32_t probe = planned->first_probe + i;
        if (confirmer->program->probes[probe].search == SEARCH_DEFERRED) {
            all[(*count)++] = (struct candidate){.message = candidates[0].message, .probe = probe, .end = UINT32_MAX};
        }
    }
    return all;
}

static void tell_partial(const struct knowledge *know, struct scan_hit *hit)
{
    hit->partial = true;
    for (uint32_t i = 0; i < hit->rule->pattern_count; i++) {
        hit->found |= (uint64_t)(know->values[i] == TRUTH_TRUE) << i;
        hit->unknown |= (uint64_t)(know->values[i] == TRUTH_UNKNOWN) << i;
    }
}

/* One rule with its candidates. *ret_is_hit: it holds, or nobody can tell. */
static enum status decide_hit(struct confirmer *confirmer, const struct program_rule *planned,
                              const struct candidate *candidates, uint32_t count, struct scan_hit *ret_hit,
                              bool *ret_is_hit)
{
    struct knowledge know;
    uint32_t message = candidates[0].message;
    struct candidate *all = NULL;
    if (planned->deferred_count > 0) {
        candidates = all = with_deferred(confirmer, planned, candidates, &count);
    }
    if (!candidates) {
        return STATUS_NO_MEMORY;
    }
    enum truth truth = decide_rule(confirmer, planned->rule, candidates, count, &know);
    *ret_hit = (struct scan_hit){.rule = planned->rule, .outcome = OUTCOME_FLAGGED};
    if (is_partial(confirmer, planned->rule)) {
        tell_partial(&know, ret_hit);
        truth = ret_hit->found | ret_hit->unknown ? TRUTH_TRUE : TRUTH_FALSE;
    }
    *ret_is_hit = truth != TRUTH_FALSE;
    if (truth == TRUTH_FALSE) {
        return STATUS_OK;
    }
    if (truth == TRUTH_UNKNOWN) {
        ret_hit->outcome = OUTCOME_UNSCANNED;
        ret_hit->reason = "match_limit";
    }
    if (confirmer->without_spans) {
        return STATUS_OK;
    }
    if (all) {
        search_sort(all, count); /* spans come in the order of the patterns */
    }
    return add_spans(confirmer, planned->rule, message, candidates, count, &know, ret_hit);
}

/* Candidates on their way to be settled: `order` has the indexes of those that can be, by probe, then by message. */
struct settling {
    struct candidate *candidates;
    uint32_t *order, *spare;
    uint32_t count;
    struct span *texts;        /* of one probe: what is searched of its messages, */
    uint32_t *numbers;         /* 0, 1, 2 and so on, */
    automaton_answer *answers; /* and what its automaton says */
};

/* Only a rule of one pattern needs it confirmed whatever else is found; automata may say no to any. */
static enum status begin_settling(struct confirmer *confirmer, struct candidate *candidates, uint32_t count,
                                  struct settling *ret_settling)
{
    struct settling settling = {.candidates = candidates};
    struct arena *arena = confirmer->batch_arena;
    arena_reset(arena);
    settling.order = arena_allocate(arena, count * sizeof *settling.order);
    settling.spare = arena_allocate(arena, count * sizeof *settling.spare);
    settling.texts = arena_allocate(arena, count * sizeof *settling.texts);
    settling.numbers = arena_allocate(arena, count * sizeof *settling.numbers);
    settling.answers = arena_allocate(arena, count * sizeof *settling.answers);
    if (!settling.order || !settling.spare || !settling.texts || !settling.numbers || !settling.answers) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct program_probe *probe = &confirmer->program->probes[candidates[i].probe];
        /* The skeleton is made for the messages in which something is to be confirmed. */
        if (!candidates[i].confirmed && !candidates[i].held && probe->regex && probe->view != VIEW_SKELETON) {
            settling.numbers[settling.count] = settling.count;
            settling.order[settling.count++] = i;
        }
    }
    *ret_settling = settling;
    return STATUS_OK;
}

/* Sorts the order by probe: byte by byte, so that those of one probe stay in the order of messages. */
static void sort_by_probe(struct settling *settling)
{
    const struct candidate *candidates = settling->candidates;
    uint32_t most = 0;
    for (uint32_t i = 0; i < settling->count; i++) {
        most |= candidates[settling->order[i]].probe;
    }
    for (unsigned shift = 0; shift < 32 && most >> shift > 0; shift += 8) {
        uint32_t places[257] = {0}, *from = settling->order, *to = settling->spare;
        for (uint32_t i = 0; i < settling->count; i++) {
            places[(candidates[from[i]].probe >> shift & 255) + 1]++;
        }
        for (unsigned b = 0; b < 256; b++) {
            places[b + 1] += places[b];
        }
        for (uint32_t i = 0; i < settling->count; i++) {
            to[places[candidates[from[i]].probe >> shift & 255]++] = from[i];
        }
        settling->order = to;
        settling->spare = from;
    }
}

/* What the automaton of a probe says of its candidates, if it has one. */
static void ask_automaton(struct confirmer *confirmer, struct settling *settling, uint32_t probe, const uint32_t *order,
                          uint32_t count)
{
    const struct view_batch *views = &confirmer->views[confirmer->program->probes[probe].view];
    for (uint32_t i = 0; i < count; i++) {
        settling->texts[i] = view_batch_text(views, settling->candidates[order[i]].message);
    }
    bool certain;
    if (!automata_look(confirmer->automata, probe, settling->texts, settling->numbers, count, settling->answers,
                       &certain)) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct candidate *candidate = &settling->candidates[order[i]];
        bool plain = (views->facts[candidate->message] & VIEW_FACT_PLAIN) != 0;
        candidate->refuted = settling->answers[i] == 0;
        candidate->held = settling->answers[i] == 1 && certain && plain;
    }
}

/* STATUS_LIMIT: to be decided with the rest of its message. */
static enum status settle_one(struct confirmer *confirmer, const struct program_probe *probe,
                              const struct candidate *candidate)
{
    struct span text = probe->view == VIEW_RAW ? confirmer->texts[candidate->message]
                                               : view_batch_text(&confirmer->views[probe->view], candidate->message);
    if (probe->view == VIEW_RAW && !is_ascii(text)) {
        return STATUS_LIMIT; /* it may have to be repaired */
    }
    enum status status = confirm_probe(confirmer, probe, candidate, text);
    confirmer->confirmations -= status == STATUS_LIMIT; /* it will be tried again */
    return status;
}

/* The candidates of one probe. */
static void settle_run(struct confirmer *confirmer, struct settling *settling, const uint32_t *order, uint32_t count)
{
    uint32_t number = settling->candidates[order[0]].probe, asked = 0;
    const struct program_probe *probe = &confirmer->program->probes[number];
    ask_automaton(confirmer, settling, number, order, count);
    if (confirmer->program->rules[probe->rule].rule->pattern_count != 1) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct candidate *candidate = &settling->candidates[order[i]];
        if (!candidate->refuted && !candidate->held) {
            enum status status = settle_one(confirmer, probe, candidate);
            candidate->held = status == STATUS_OK;
            candidate->refuted = status == STATUS_NOT_FOUND;
            asked++;
        }
    }
    automata_asked(confirmer->automata, number, asked);
}

enum status confirmer_settle(struct confirmer *confirmer, struct candidate *candidates, uint32_t *count)
{
    struct settling settling;
    enum status status = begin_settling(confirmer, candidates, *count, &settling);
    if (status != STATUS_OK) {
        return status;
    }
    sort_by_probe(&settling);
    for (uint32_t first = 0, next; first < settling.count; first = next) {
        uint32_t probe = candidates[settling.order[first]].probe;
        for (next = first + 1; next < settling.count && candidates[settling.order[next]].probe == probe;) {
            next++;
        }
        settle_run(confirmer, &settling, settling.order + first, next - first);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (!candidates[i].refuted) {
            candidates[kept++] = candidates[i];
        }
    }
    *count = kept;
    return STATUS_OK;
}

enum status confirmer_decide(struct confirmer *confirmer, const struct candidate *candidates, uint32_t count,
                             struct scan_hit **ret_hits, uint32_t *ret_hit_count)
{
    const struct program *program = confirmer->program;
    struct scan_hit *hits = NULL;
    uint32_t hit_count = 0, hit_capacity = 0;
    memset(confirmer->mapped, 0, sizeof confirmer->mapped);
    confirmer->raw_known = false;
    confirmer->skeleton_known = false;
    for (uint32_t first = 0, next; first < count; first = next) {
        const struct program_rule *planned = &program->rules[program->probes[candidates[first].probe].rule];
        uint32_t probe_end = planned->first_probe + planned->probe_count;
        for (next = first + 1; next < count && candidates[next].probe < probe_end;) {
            next++;
        }
        struct scan_hit hit;
        bool is_hit;
        enum status status = decide_hit(confirmer, planned, candidates + first, next - first, &hit, &is_hit);
        if (status != STATUS_OK) {
            return status;
        }
        if (!is_hit) {
            continue;
        }
        if (hit_count == hit_capacity) {
            uint32_t capacity = hit_capacity ? hit_capacity * 2 : 8;
            struct scan_hit *grown = arena_array(confirmer->arena, capacity, sizeof *grown);
            if (!grown) {
                return STATUS_NO_MEMORY;
            }
            if (hit_count) {
                memcpy(grown, hits, hit_count * sizeof *grown);
            }
            hits = grown;
            hit_capacity = capacity;
        }
        hits[hit_count++] = hit;
    }
    *ret_hits = hits;
    *ret_hit_count = hit_count;
    return STATUS_OK;
}
