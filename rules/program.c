#include "rules/program.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "rules/gate.h"
#include "rules/plan.h"
#include "rules/regex_weigh.h"
#include "rules/weighed.h"
#include "text/domain.h"
#include "text/word.h"

#define ARENA_MAX ((size_t)8 << 30)
#define PROBES_MAX 4000000u
#define ENTRIES_A_REGEX 64u       /* entries over the raw view are joined into regexes of this many */
#define DEFERRED_ENTRIES_MAX 256u /* a longer list is always searched: looking for one entry after the other costs */

static enum status add_probe(struct plan *plan, const struct program_probe *probe, uint32_t *ret_number)
{
    if (plan->probes.count >= PROBES_MAX) {
        error_set(plan->error, "more than %u patterns in a rule set", PROBES_MAX);
        return STATUS_LIMIT;
    }
    struct program_probe *added = plan_list_add(&plan->probes, sizeof *added);
    if (!added) {
        return STATUS_NO_MEMORY;
    }
    *added = *probe;
    *ret_number = plan->probes.count - 1;
    plan->program->views |= 1u << probe->view;
    return STATUS_OK;
}

/* A literal to be searched for; of a deferred probe, one to be looked for when it comes to that. */
static enum status add_literal(struct plan *plan, enum view view, struct span literal, struct program_target target)
{
    struct program_probe *probe = (struct program_probe *)plan->probes.items + target.probe;
    if (probe->search == SEARCH_DEFERRED) {
        struct program_entry *entry = plan_list_add(&plan->entries, sizeof *entry);
        if (!entry) {
            return STATUS_NO_MEMORY;
        }
        *entry = (struct program_entry){.literal = literal, .target = target};
        probe->first_entry = probe->entry_count ? probe->first_entry : plan->entries.count - 1;
        probe->entry_count++;
        return STATUS_OK;
    }
    struct plan_literal *use = plan_list_add(&plan->literals[view], sizeof *use);
    if (!use) {
        return STATUS_NO_MEMORY;
    }
    *use = (struct plan_literal){.literal = literal, .target = target};
    return STATUS_OK;
}

static enum status add_gates(struct plan *plan, uint32_t number, enum view view, const struct regex_search *search)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < search->literal_count; i++) {
        const struct regex_literal *literal = &search->literals[i];
        char *copy = arena_copy(plan->program->arena, literal->text);
        struct program_target target = {.probe = number, .kind = TARGET_GATE, .before = literal->before};
        status = copy ? add_literal(plan, view, span_of(copy, literal->text.size), target) : STATUS_NO_MEMORY;
    }
    return status;
}

static enum status add_expression(struct plan *plan, uint32_t number, enum view view, struct span expression)
{
    char *copy = arena_copy(plan->program->arena, expression);
    struct plan_expression *use = copy ? plan_list_add(&plan->expressions[view], sizeof *use) : NULL;
    if (!use) {
        return STATUS_NO_MEMORY;
    }
    *use = (struct plan_expression){.text = copy, .probe = number};
    return STATUS_OK;
}

/* Weighs it, unless that was done ahead. The expression is the caller's. */
static enum status make_choice(struct plan *plan, struct span pattern, enum view view, struct regex_choice *choice)
{
    enum status status;
    const struct regex_choice *before = weighed_find(plan->weighed, pattern, view, &status);
    if (!before) {
        return regex_weigh(pattern, view, plan->scratch, plan->traffic, choice);
    }
    struct buffer expression = choice->expression;
    if (status == STATUS_OK) {
        status = buffer_append(&expression, before->expression.data, before->expression.size);
    }
    *choice = *before;
    choice->expression = expression;
    return status;
}

/*
 * Chooses the search of a regex probe: literals, what they leave as an expression, or both. What cannot be searched, or is
 * confirmed for less, is confirmed on every message that could match at all.
 */
static enum status plan_search(struct plan *plan, uint32_t number, struct span pattern, enum view view)
{
    struct program_probe *probe = (struct program_probe *)plan->probes.items + number;
    struct regex_choice choice = {.expression = BUFFER_INIT(REGEX_EXPRESSION_SIZE_MAX)};
    if (view == VIEW_SKELETON) {
        probe->search = SEARCH_ALWAYS; /* what is searched of the skeleton is no text for regexes: text/skeleton.h */
        return STATUS_OK;
    }
    enum status status = make_choice(plan, pattern, view, &choice);
    probe->demand = choice.demand;
    probe->search = SEARCH_LITERALS; /* none, if nothing can match */
    if (status == STATUS_OK && !choice.never) {
        bool search = choice.searchable && choice.search_ns < choice.always_ns;
        bool express = search && choice.search.rest;
        probe->search = express ? SEARCH_EXPRESSION : search ? SEARCH_LITERALS : SEARCH_ALWAYS;
        plan->program->facts.gated += search && !express;
        status = express ? add_expression(plan, number, view, buffer_span(&choice.expression)) : status;
        status = status == STATUS_OK && search ? add_gates(plan, number, view, &choice.search) : status;
    }
    buffer_free(&choice.expression);
    return status;
}

/* `checked`: PCRE2 took it before. */
static enum status plan_regex(struct plan *plan, struct program_probe probe, struct span pattern, bool checked)
{
    struct regex_fault fault = {0};
    uint32_t number;
    enum status status = checked ? regex_defer(pattern, &probe.regex) : regex_compile(pattern, &fault, &probe.regex);
    if (status != STATUS_OK) {
        error_set(plan->error, "a regex that was checked does not compile any more: %s", fault.text);
        return status == STATUS_INVALID ? STATUS_SYSTEM : status;
    }
    status = add_probe(plan, &probe, &number);
    if (status != STATUS_OK) {
        regex_free(&probe.regex);
        return status;
    }
    if (probe.search == SEARCH_DEFERRED) {
        plan->program->facts.deferred++;
        return STATUS_OK;
    }
    return plan_search(plan, number, pattern, probe.view);
}

/* Which neighbours the phrase rules out for its piece `anchor`, written as `text`. */
static uint8_t piece_edges(const struct phrase *phrase, uint32_t anchor, struct span text)
{
    bool first = anchor == 0, last = anchor + 1 == phrase->count;
    bool before =
        first ? phrase->edge_before && word_is_letter_or_digit(text.data[0]) : phrase->pieces[anchor].gap_min > 0;
    bool after = last ? phrase->edge_after && word_is_letter_or_digit(text.data[text.size - 1])
                      : phrase->pieces[anchor + 1].gap_min > 0;
    return (uint8_t)((before ? EDGE_BEFORE_LITERAL : 0) | (after ? EDGE_AFTER_LITERAL : 0));
}

/* The place of a phrase in a view: the skeleton shows a piece as it is, or in its disguised form (text/phrase.h). */
/* The piece of a phrase that is searched for: the rarest. */
static uint32_t rarest_piece(const struct plan *plan, const struct phrase *phrase)
{
    uint32_t rarest = 0;
    double least = 2;
    for (uint32_t i = 0; i < phrase->count && phrase->count > 1; i++) {
        double rate = traffic_profile_rate(plan->traffic, phrase->pieces[i].text);
        rarest = rate < least ? i : rarest;
        least = rate < least ? rate : least;
    }
    return rarest;
}

static enum status plan_phrase(struct plan *plan, uint32_t number, enum view view, struct span entry)
{
    struct phrase *phrase = plan_list_add(&plan->phrases, sizeof *phrase);
    if (!phrase) {
        return STATUS_NO_MEMORY;
    }
    enum status status = view == VIEW_SKELETON ? phrase_parse_disguised(entry, plan->program->arena, phrase)
                                               : phrase_parse(entry, plan->program->arena, phrase);
    if (status != STATUS_OK) {
        plan->phrases.count--;
        return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* nothing of it can be seen there */
    }
    uint32_t anchor = view == VIEW_SKELETON ? phrase_anchor(phrase) : rarest_piece(plan, phrase);
    struct phrase_piece piece = phrase->pieces[anchor];
    bool alone = phrase->count == 1 && phrase->in_disguise;
    struct program_target target = {
        .probe = number, .kind = TARGET_PHRASE, .phrase = plan->phrases.count - 1, .anchor = anchor};
    target.edges = piece_edges(phrase, anchor, piece.text);
    status = alone ? STATUS_OK : add_literal(plan, view, piece.text, target);
    if (status == STATUS_OK && piece.disguised.size > 0) {
        target.edges = piece_edges(phrase, anchor, piece.disguised);
        status = add_literal(plan, view, piece.disguised, target);
    }
    return status;
}

static enum status plan_domain(struct plan *plan, uint32_t number, enum view view, struct span entry)
{
    struct span forms[DOMAIN_FORMS_MAX];
    uint32_t count;
    enum status status = domain_parse(entry, plan->program->arena, forms, &count);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status =
            add_literal(plan, view, forms[i],
                        (struct program_target){
                            .probe = number, .kind = TARGET_DOMAIN, .edges = EDGE_BEFORE_LITERAL | EDGE_AFTER_LITERAL});
    }
    return status;
}

/* Entries over the folded view or the skeleton: literals that are confirmed where they stand. */
static enum status plan_entries(struct plan *plan, struct program_probe probe, const struct pattern *pattern)
{
    uint32_t number;
    enum status status = add_probe(plan, &probe, &number);
    plan->program->facts.deferred += probe.search == SEARCH_DEFERRED;
    for (uint32_t i = 0; status == STATUS_OK && i < pattern->entry_count; i++) {
        struct span entry = pattern->entries[i].text;
        status = pattern->kind == PATTERN_WORDS ? plan_phrase(plan, number, probe.view, entry)
                                                : plan_domain(plan, number, probe.view, entry);
    }
    return status;
}

static enum status append_entry_regex(struct plan *plan, const struct pattern *pattern, uint32_t i, struct buffer *out)
{
    struct span entry = pattern->entries[i].text;
    enum status status = out->size ? buffer_append_byte(out, '|') : STATUS_OK;
    if (status == STATUS_OK && pattern->kind == PATTERN_WORDS) {
        struct phrase phrase;
        status = phrase_parse(entry, plan->scratch, &phrase);
        return status == STATUS_OK ? phrase_regex(&phrase, out) : status;
    }
    struct span forms[DOMAIN_FORMS_MAX];
    uint32_t count = 0;
    if (status == STATUS_OK) {
        status = domain_parse(entry, plan->scratch, forms, &count);
    }
    for (uint32_t f = 0; status == STATUS_OK && f < count; f++) {
        status = f ? buffer_append_byte(out, '|') : STATUS_OK;
        if (status == STATUS_OK) {
            status = domain_regex(forms[f], out);
        }
    }
    return status;
}

/*
 * Entries over a view that is not folded: their exact regexes, caseless, joined to alternations. Slower, and rarely asked
 * for; the result is the same as PCRE2's by construction.
 */
static enum status plan_entries_regex(struct plan *plan, struct program_probe probe, const struct pattern *pattern)
{
    struct buffer text = BUFFER_INIT(1u << 20);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < pattern->entry_count;) {
        uint32_t end = i + ENTRIES_A_REGEX < pattern->entry_count ? i + ENTRIES_A_REGEX : pattern->entry_count;
        buffer_clear(&text);
        arena_reset(plan->scratch);
        for (; status == STATUS_OK && i < end; i++) {
            status = append_entry_regex(plan, pattern, i, &text);
        }
        if (status == STATUS_OK) {
            status = plan_regex(plan, probe, buffer_span(&text), false);
        }
    }
    buffer_free(&text);
    return status;
}

static enum status plan_pattern(struct plan *plan, struct program_probe probe, const struct pattern *pattern)
{
    for (unsigned view = 0; view < VIEW_COUNT; view++) {
        if (!(pattern->views & (1u << view))) {
            continue;
        }
        probe.view = (enum view)view;
        enum status status;
        if (pattern->kind == PATTERN_REGEX) {
            status = plan_regex(plan, probe, pattern->regex, true);
        } else if (view != VIEW_RAW) {
            status = plan_entries(plan, probe, pattern);
        } else {
            status = plan_entries_regex(plan, probe, pattern);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    plan->program->facts.patterns++;
    return STATUS_OK;
}

/* How often a search for the regex is expected to report something, per byte. 1: it would have to run on every message. */
static double regex_rate(struct plan *plan, struct span pattern, enum view view)
{
    struct regex_choice choice = {.expression = BUFFER_INIT(REGEX_EXPRESSION_SIZE_MAX)};
    enum status status = make_choice(plan, pattern, view, &choice);
    buffer_free(&choice.expression);
    return status == STATUS_OK ? choice.rate : 1;
}

static double pattern_rate(struct plan *plan, const struct pattern *pattern)
{
    double rate = 0;
    if (pattern->kind == PATTERN_REGEX) {
        for (unsigned view = 0; view < VIEW_COUNT; view++) {
            rate += pattern->views & (1u << view) ? regex_rate(plan, pattern->regex, (enum view)view) : 0;
        }
        return rate;
    }
    arena_reset(plan->scratch);
    for (uint32_t i = 0; i < pattern->entry_count && pattern->kind == PATTERN_WORDS; i++) {
        struct phrase phrase;
        if (phrase_parse(pattern->entries[i].text, plan->scratch, &phrase) == STATUS_OK) {
            rate += traffic_profile_rate(plan->traffic, phrase.pieces[rarest_piece(plan, &phrase)].text);
        }
    }
    return rate; /* domains: nearly never */
}

/* Which patterns of the rule are searched. */
static void choose_searched(struct plan *plan, const struct rule *rule, bool *ret_searched)
{
    double rates[MODEL_RULE_PATTERNS_MAX] = {0};
    for (uint32_t i = 0; i < rule->pattern_count && rule->pattern_count > 1; i++) {
        rates[i] = pattern_rate(plan, &rule->patterns[i]);
    }
    gate_choose(rule->condition, rates, rule->pattern_count, ret_searched);
    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        ret_searched[i] |= rule->patterns[i].entry_count > DEFERRED_ENTRIES_MAX;
        ret_searched[i] |= rule->across.messages > 0; /* what makes it hold may lie in another message */
    }
}

static enum status plan_rule(struct plan *plan, const struct rule *rule)
{
    if (rule->status == RULE_OFF) {
        return STATUS_OK;
    }
    if (plan->rules.count >= MODEL_RULES_MAX) {
        error_set(plan->error, "more than %d rules in a rule set", MODEL_RULES_MAX);
        return STATUS_LIMIT;
    }
    struct program_rule *planned = plan_list_add(&plan->rules, sizeof *planned);
    if (!planned) {
        return STATUS_NO_MEMORY;
    }
    uint32_t number = plan->rules.count - 1;
    uint32_t first = plan->probes.count, deferred = plan->program->facts.deferred;
    bool searched[MODEL_RULE_PATTERNS_MAX];
    choose_searched(plan, rule, searched);
    for (uint32_t i = 0; i < rule->pattern_count; i++) {
        struct program_probe probe = {
            .rule = number, .pattern = i, .search = searched[i] ? SEARCH_LITERALS : SEARCH_DEFERRED};
        enum status status = plan_pattern(plan, probe, &rule->patterns[i]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    planned = (struct program_rule *)plan->rules.items + number;
    *planned = (struct program_rule){.rule = rule,
                                     .first_probe = first,
                                     .probe_count = plan->probes.count - first,
                                     .deferred_count = plan->program->facts.deferred - deferred};
    return STATUS_OK;
}

static enum status plan_rules(struct plan *plan)
{
    const struct rule *rule = NULL;
    enum status status = weighed_next(plan->weighed, &rule);
    while (status == STATUS_OK && rule) {
        status = plan_rule(plan, rule);
        if (status == STATUS_OK) {
            status = weighed_next(plan->weighed, &rule);
        }
    }
    return status;
}

static enum status list_always(struct plan *plan, enum view view)
{
    const struct program_probe *probes = plan->probes.items;
    struct plan_list demands = {0};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < plan->probes.count; i++) {
        if (probes[i].view != view || probes[i].search != SEARCH_ALWAYS) {
            continue;
        }
        uint32_t *added = plan_list_add(&plan->always[view], sizeof *added);
        struct regex_demand *kept = added ? plan_list_add(&demands, sizeof *kept) : NULL;
        if (kept) {
            *added = i;
            *kept = probes[i].demand;
        }
        status = kept ? STATUS_OK : STATUS_NO_MEMORY;
        plan->program->facts.always++;
    }
    if (status == STATUS_OK) {
        status =
            regex_demand_index_make(demands.items, demands.count, plan->program->arena, &plan->program->demands[view]);
    }
    free(demands.items);
    return status;
}

static size_t database_bytes(const struct program *program)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < program->literal_partition_count; i++) {
        const struct program_literals *literals = &program->literals[i];
        bytes += literals->partition ? literals->partition->size : token_index_bytes(literals->tokens);
    }
    for (uint32_t i = 0; i < program->expression_partition_count; i++) {
        bytes += program->expressions[i].partition->size;
    }
    return bytes;
}

/* What the search has to be shown of words in disguise. */
static void want_disguised(struct program *program)
{
    for (uint32_t i = 0; i < program->phrase_count; i++) {
        const struct phrase *phrase = &program->phrases[i];
        for (uint32_t k = 0; k < phrase->count && phrase->in_disguise; k++) {
            if (phrase->pieces[k].disguised.size > 0) {
                skeleton_want(&program->disguised, phrase->pieces[k].disguised);
            }
        }
    }
}

/*
 * Moves what the lists hold into the program, also after a failure: program_free then finds and frees every regex and
 * database that was made.
 */
static enum status plan_finish(struct plan *plan)
{
    struct program *program = plan->program;
    program->probes = plan_list_keep(&plan->probes, sizeof(struct program_probe), program->arena);
    program->rules = plan_list_keep(&plan->rules, sizeof(struct program_rule), program->arena);
    program->phrases = plan_list_keep(&plan->phrases, sizeof(struct phrase), program->arena);
    program->entries = plan_list_keep(&plan->entries, sizeof(struct program_entry), program->arena);
    for (int view = 0; view < VIEW_COUNT; view++) {
        program->always[view] = plan_list_keep(&plan->always[view], sizeof(uint32_t), program->arena);
    }
    program->literals = plan->literal_parts.items;
    program->literal_partition_count = plan->literal_parts.count;
    program->expressions = plan->expression_parts.items;
    program->expression_partition_count = plan->expression_parts.count;
    plan->literal_parts.items = plan->expression_parts.items = NULL;
    program->heavy = plan_list_keep(&plan->heavy, sizeof(uint32_t), program->arena);
    program->heavy_count = program->heavy ? plan->heavy.count : 0;
    program->facts.database_bytes = database_bytes(program);
    if (!program->probes || !program->rules || !program->phrases || !program->entries || !program->always[0] ||
        !program->always[1] || !program->always[2]) {
        for (uint32_t i = 0; i < plan->probes.count && !program->probes; i++) {
            regex_free(&((struct program_probe *)plan->probes.items)[i].regex);
        }
        return STATUS_NO_MEMORY;
    }
    program->probe_count = plan->probes.count;
    program->rule_count = plan->rules.count;
    program->phrase_count = plan->phrases.count;
    want_disguised(program);
    return STATUS_OK;
}

static void plan_end(struct plan *plan)
{
    free(plan->probes.items);
    free(plan->rules.items);
    free(plan->phrases.items);
    free(plan->entries.items);
    for (int view = 0; view < VIEW_COUNT; view++) {
        free(plan->literals[view].items);
        free(plan->expressions[view].items);
        free(plan->always[view].items);
    }
    free(plan->literal_parts.items);
    free(plan->expression_parts.items);
    free(plan->heavy.items);
    weighed_free(&plan->weighed);
    arena_free(&plan->scratch);
}

enum status program_build(const struct pack *const *packs, uint32_t pack_count, const struct partition_options *options,
                          struct error *error, struct program **ret_program)
{
    struct plan plan = {.error = error, .program = calloc(1, sizeof(struct program))};
    if (options) {
        plan.compiling = *options;
    }
    enum status status = plan.program ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = arena_new(1u << 16, ARENA_MAX, &plan.program->arena);
    }
    if (status == STATUS_OK) {
        status = arena_new(1u << 16, PLAN_SCRATCH_MAX, &plan.scratch);
    }
    if (status == STATUS_OK) {
        status = weighed_new(packs, pack_count, plan.traffic, &plan.weighed);
    }
    if (status == STATUS_OK) {
        status = plan_rules(&plan);
    }
    if (status == STATUS_OK) {
        status = plan_tokens(&plan);
    }
    if (status == STATUS_OK) {
        status = plan_compile(&plan);
    }
    for (int view = 0; status == STATUS_OK && view < VIEW_COUNT; view++) {
        status = list_always(&plan, (enum view)view);
    }
    if (plan.program && plan.program->arena) {
        enum status finished = plan_finish(&plan);
        status = status == STATUS_OK ? finished : status;
    }
    plan_end(&plan);
    if (status != STATUS_OK) {
        if (error && error->text[0] == '\0') {
            error_set(error, "%s", status_text(status));
        }
        program_free(&plan.program);
        return status;
    }
    *ret_program = plan.program;
    return STATUS_OK;
}

void program_free(struct program **program)
{
    struct program *freed = *program;
    if (!freed) {
        return;
    }
    for (uint32_t i = 0; i < freed->probe_count; i++) {
        struct regex *regex = freed->probes[i].regex;
        regex_free(&regex);
    }
    for (uint32_t i = 0; i < freed->literal_partition_count; i++) {
        partition_free(&freed->literals[i].partition);
    }
    for (uint32_t i = 0; i < freed->expression_partition_count; i++) {
        partition_free(&freed->expressions[i].partition);
    }
    free(freed->literals);
    free(freed->expressions);
    arena_free(&freed->arena);
    free(freed);
    *program = NULL;
}
