#include "rules/program.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/buffer.h"
#include "rules/gate.h"
#include "rules/regex_fit.h"
#include "rules/regex_literals.h"
#include "rules/regex_loosen.h"
#include "rules/regex_search.h"
#include "rules/regex_tree.h"
#include "text/domain.h"

#define ARENA_MAX ((size_t)8 << 30)
#define PROBES_MAX 4000000u
#define EXPRESSIONS_A_PARTITION 32u /* compiling grows faster than the number; searching prefers few partitions */
#define EXPRESSION_SIZE_MAX 65536u
#define ENTRIES_A_REGEX 64u       /* entries over the raw view are joined into regexes of this many */
#define DEFERRED_ENTRIES_MAX 256u /* a longer list is always searched: looking for one entry after the other costs */
#define EXPRESSION_RATE 2e-3      /* what an expression counts for: it costs even where it finds nothing */

/* One (literal, target) pair while the plan is being made. */
struct literal_use {
    struct span literal;
    struct program_target target;
};

struct expression_use {
    const char *text;
    uint32_t probe;
};

/* A growing array; freed by plan_end. */
struct list {
    void *items;
    uint32_t count, capacity;
};

struct plan {
    struct program *program;
    struct arena *scratch;
    struct error *error;
    struct list probes, rules, phrases, entries;
    struct list literals[VIEW_COUNT];
    struct list expressions[VIEW_COUNT];
    struct list always[VIEW_COUNT];
    struct list partitions, partition_views;
};

static void *list_add(struct list *list, size_t size)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 64;
        if (list->capacity > UINT32_MAX / 2) {
            return NULL;
        }
        void *items = reallocarray(list->items, capacity, size);
        if (!items) {
            return NULL;
        }
        list->items = items;
        list->capacity = capacity;
    }
    void *item = (char *)list->items + (size_t)list->count++ * size;
    memset(item, 0, size);
    return item;
}

/* Moves a list's items into the program's arena; an empty list gives a pointer that is never followed. */
static const void *list_keep(const struct list *list, size_t size, struct arena *arena)
{
    void *kept = arena_array(arena, list->count ? list->count : 1, size);
    if (kept && list->count) {
        memcpy(kept, list->items, (size_t)list->count * size);
    }
    return kept;
}

static enum status add_probe(struct plan *plan, const struct program_probe *probe, uint32_t *ret_number)
{
    if (plan->probes.count >= PROBES_MAX) {
        error_set(plan->error, "more than %u patterns in a rule set", PROBES_MAX);
        return STATUS_LIMIT;
    }
    struct program_probe *added = list_add(&plan->probes, sizeof *added);
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
        struct program_entry *entry = list_add(&plan->entries, sizeof *entry);
        if (!entry) {
            return STATUS_NO_MEMORY;
        }
        *entry = (struct program_entry){.literal = literal, .target = target};
        probe->first_entry = probe->entry_count ? probe->first_entry : plan->entries.count - 1;
        probe->entry_count++;
        return STATUS_OK;
    }
    struct literal_use *use = list_add(&plan->literals[view], sizeof *use);
    if (!use) {
        return STATUS_NO_MEMORY;
    }
    *use = (struct literal_use){.literal = literal, .target = target};
    return STATUS_OK;
}

static enum status add_gates(struct plan *plan, uint32_t number, enum view view, const struct regex_search *search)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < search->literal_count; i++) {
        char *copy = arena_copy(plan->program->arena, search->literals[i]);
        struct program_target target = {.probe = number, .kind = TARGET_GATE};
        status = copy ? add_literal(plan, view, span_of(copy, search->literals[i].size), target) : STATUS_NO_MEMORY;
    }
    return status;
}

static enum status add_expression(struct plan *plan, uint32_t number, enum view view, const struct regex_node *tree)
{
    struct buffer text = BUFFER_INIT(EXPRESSION_SIZE_MAX);
    struct regex_loosened facts;
    enum status status = regex_loosen(tree, &text, &facts);
    if (status == STATUS_OK) {
        char *copy = arena_copy(plan->program->arena, buffer_span(&text));
        struct expression_use *use = copy ? list_add(&plan->expressions[view], sizeof *use) : NULL;
        status = use ? STATUS_OK : STATUS_NO_MEMORY;
        if (use) {
            *use = (struct expression_use){.text = copy, .probe = number};
        }
    }
    buffer_free(&text);
    return status;
}

/*
 * Chooses the search of a regex probe: literals, what they leave as an expression, or both. What cannot be searched is
 * confirmed on every message.
 */
static enum status plan_search(struct plan *plan, uint32_t number, struct span pattern, enum view view)
{
    struct program_probe *probe = (struct program_probe *)plan->probes.items + number;
    struct regex_node *tree = NULL;
    struct regex_search search = {0};
    arena_reset(plan->scratch);
    enum status status = regex_tree_parse(pattern, plan->scratch, &tree);
    if (status == STATUS_OK) {
        status = regex_fit(tree, view, plan->scratch);
    }
    if (status == STATUS_OK) {
        status = regex_search_plan(tree, plan->scratch, view, &search);
    }
    probe->search = SEARCH_LITERALS;
    if (status == STATUS_OK && search.rest) {
        probe->search = SEARCH_EXPRESSION;
        status = add_expression(plan, number, view, search.rest);
    }
    if (status == STATUS_OK) {
        plan->program->facts.gated += search.rest == NULL;
        return add_gates(plan, number, view, &search);
    }
    if (status == STATUS_NO_MEMORY) {
        return status;
    }
    probe->search = SEARCH_ALWAYS;
    return STATUS_OK;
}

static enum status plan_regex(struct plan *plan, struct program_probe probe, struct span pattern)
{
    struct regex_fault fault;
    uint32_t number;
    enum status status = regex_compile(pattern, &fault, &probe.regex);
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

static enum status plan_phrase(struct plan *plan, uint32_t number, struct span entry)
{
    struct phrase *phrase = list_add(&plan->phrases, sizeof *phrase);
    if (!phrase) {
        return STATUS_NO_MEMORY;
    }
    enum status status = phrase_parse(entry, plan->program->arena, phrase);
    if (status != STATUS_OK) {
        plan->phrases.count--;
        return status;
    }
    uint32_t anchor = phrase_anchor(phrase);
    struct program_target target = {
        .probe = number, .kind = TARGET_PHRASE, .phrase = plan->phrases.count - 1, .anchor = anchor};
    return add_literal(plan, VIEW_FOLDED, phrase->pieces[anchor].text, target);
}

static enum status plan_domain(struct plan *plan, uint32_t number, struct span entry)
{
    struct span forms[DOMAIN_FORMS_MAX];
    uint32_t count;
    enum status status = domain_parse(entry, plan->program->arena, forms, &count);
    for (uint32_t i = 0; status == STATUS_OK && i < count; i++) {
        status =
            add_literal(plan, VIEW_FOLDED, forms[i], (struct program_target){.probe = number, .kind = TARGET_DOMAIN});
    }
    return status;
}

/* Entries over the folded view: literals that are confirmed where they stand. */
static enum status plan_entries(struct plan *plan, struct program_probe probe, const struct pattern *pattern)
{
    uint32_t number;
    enum status status = add_probe(plan, &probe, &number);
    plan->program->facts.deferred += probe.search == SEARCH_DEFERRED;
    for (uint32_t i = 0; status == STATUS_OK && i < pattern->entry_count; i++) {
        struct span entry = pattern->entries[i].text;
        status = pattern->kind == PATTERN_WORDS ? plan_phrase(plan, number, entry) : plan_domain(plan, number, entry);
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
            status = plan_regex(plan, probe, buffer_span(&text));
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
            status = plan_regex(plan, probe, pattern->regex);
        } else if (view == VIEW_FOLDED) {
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
    struct regex_node *tree = NULL;
    struct regex_search search = {0};
    struct regex_loosened facts;
    struct buffer text = BUFFER_INIT(EXPRESSION_SIZE_MAX);
    arena_reset(plan->scratch);
    enum status status = regex_tree_parse(pattern, plan->scratch, &tree);
    if (status == STATUS_OK) {
        status = regex_fit(tree, view, plan->scratch);
    }
    if (status == STATUS_OK) {
        status = regex_search_plan(tree, plan->scratch, view, &search);
    }
    if (status == STATUS_OK && search.rest) {
        status = regex_loosen(search.rest, &text, &facts);
        search.rate += EXPRESSION_RATE;
    }
    buffer_free(&text);
    return status == STATUS_OK ? search.rate : 1;
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
            rate += regex_literals_rate(phrase.pieces[phrase_anchor(&phrase)].text);
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
    struct program_rule *planned = list_add(&plan->rules, sizeof *planned);
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

/* Groups the uses by literal: a stable sort by bytes keeps the targets of one literal in order of probe. */
static int compare_literals(const void *a, const void *b)
{
    const struct literal_use *x = a, *y = b;
    size_t size = x->literal.size < y->literal.size ? x->literal.size : y->literal.size;
    int order = memcmp(x->literal.data, y->literal.data, size);
    if (order == 0) {
        order = (x->literal.size > y->literal.size) - (x->literal.size < y->literal.size);
    }
    if (order == 0) {
        order = (x->target.probe > y->target.probe) - (x->target.probe < y->target.probe);
    }
    return order;
}

static enum status compile_literals(struct plan *plan, enum view view)
{
    struct list *list = &plan->literals[view];
    struct literal_use *uses = list->items;
    struct program_literals *literals = &plan->program->literals[view];
    struct arena *arena = plan->program->arena;
    if (list->count == 0) {
        return STATUS_OK;
    }
    qsort(uses, list->count, sizeof *uses, compare_literals);
    struct span *distinct = calloc(list->count, sizeof *distinct);
    uint32_t *first = arena_array(arena, (size_t)list->count + 1, sizeof *first);
    uint32_t *sizes = arena_array(arena, list->count, sizeof *sizes);
    struct program_target *targets = arena_array(arena, list->count, sizeof *targets);
    if (!distinct || !first || !sizes || !targets) {
        free(distinct);
        return STATUS_NO_MEMORY;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (i == 0 || !span_equal(uses[i].literal, uses[i - 1].literal)) {
            first[count] = i;
            sizes[count] = (uint32_t)uses[i].literal.size;
            distinct[count++] = uses[i].literal;
        }
        targets[i] = uses[i].target;
    }
    first[count] = list->count;
    *literals = (struct program_literals){.count = count, .target_first = first, .sizes = sizes, .targets = targets};
    enum status status = partition_compile_literals(distinct, count, plan->error, &literals->partition);
    free(distinct);
    plan->program->facts.literals += count;
    return status;
}

/* What a partition of expressions came from. */
struct part {
    enum view view;
    uint32_t *probes;
};

/* Cuts the expressions of a view into jobs. Texts and lists live in the program's arena. */
static enum status cut_expressions(struct plan *plan, enum view view, struct list *jobs, struct list *parts)
{
    const struct expression_use *uses = plan->expressions[view].items;
    uint32_t total = plan->expressions[view].count;
    struct arena *arena = plan->program->arena;
    for (uint32_t first = 0; first < total; first += EXPRESSIONS_A_PARTITION) {
        uint32_t count = total - first < EXPRESSIONS_A_PARTITION ? total - first : EXPRESSIONS_A_PARTITION;
        struct partition_job *job = list_add(jobs, sizeof *job);
        struct part *part = list_add(parts, sizeof *part);
        const char **texts = arena_array(arena, count, sizeof *texts);
        uint32_t *probes = arena_array(arena, count, sizeof *probes);
        bool *refused = arena_array(arena, count, sizeof *refused);
        if (!job || !part || !texts || !probes || !refused) {
            return STATUS_NO_MEMORY;
        }
        for (uint32_t i = 0; i < count; i++) {
            texts[i] = uses[first + i].text;
            probes[i] = uses[first + i].probe;
        }
        *job = (struct partition_job){.expressions = texts, .count = count, .refused = refused};
        *part = (struct part){.view = view, .probes = probes};
    }
    return STATUS_OK;
}

/* Takes over what a job made; what Hyperscan refused is confirmed on every message. */
static enum status keep_partition(struct plan *plan, struct partition_job *job, const struct part *part)
{
    for (uint32_t i = 0; i < job->count; i++) {
        if (job->refused[i]) {
            ((struct program_probe *)plan->probes.items)[part->probes[i]].search = SEARCH_ALWAYS;
        }
        plan->program->facts.expressions += !job->refused[i];
    }
    if (!job->ret_partition) {
        return STATUS_OK;
    }
    enum view *view = list_add(&plan->partition_views, sizeof *view);
    struct program_expressions *added = view ? list_add(&plan->partitions, sizeof *added) : NULL;
    if (!added) {
        return STATUS_NO_MEMORY;
    }
    *added = (struct program_expressions){.partition = job->ret_partition, .count = job->count, .probes = part->probes};
    *view = part->view;
    job->ret_partition = NULL;
    return STATUS_OK;
}

static enum status compile_expressions(struct plan *plan)
{
    struct list jobs = {0}, parts = {0};
    enum status status = STATUS_OK;
    for (int view = 0; status == STATUS_OK && view < VIEW_COUNT; view++) {
        status = cut_expressions(plan, (enum view)view, &jobs, &parts);
    }
    struct partition_job *job = jobs.items;
    if (status == STATUS_OK) {
        status = partition_compile_expressions(job, jobs.count);
    }
    for (uint32_t i = 0; i < jobs.count; i++) {
        if (status == STATUS_OK) {
            status = keep_partition(plan, &job[i], (struct part *)parts.items + i);
        }
        partition_free(&job[i].ret_partition);
    }
    free(jobs.items);
    free(parts.items);
    return status;
}

static enum status list_always(struct plan *plan, enum view view)
{
    const struct program_probe *probes = plan->probes.items;
    for (uint32_t i = 0; i < plan->probes.count; i++) {
        if (probes[i].search == SEARCH_ALWAYS && probes[i].view == view) {
            uint32_t *added = list_add(&plan->always[view], sizeof *added);
            if (!added) {
                return STATUS_NO_MEMORY;
            }
            *added = i;
        }
    }
    return STATUS_OK;
}

static size_t database_bytes(const struct program *program)
{
    size_t bytes = 0;
    for (int view = 0; view < VIEW_COUNT; view++) {
        bytes += program->literals[view].partition ? program->literals[view].partition->size : 0;
    }
    for (uint32_t i = 0; i < program->expression_partition_count; i++) {
        bytes += program->expressions[i].partition->size;
    }
    return bytes;
}

/*
 * Moves what the lists hold into the program, also after a failure: program_free then finds and frees every regex and
 * database that was made.
 */
static enum status plan_finish(struct plan *plan)
{
    struct program *program = plan->program;
    program->probes = list_keep(&plan->probes, sizeof(struct program_probe), program->arena);
    program->rules = list_keep(&plan->rules, sizeof(struct program_rule), program->arena);
    program->phrases = list_keep(&plan->phrases, sizeof(struct phrase), program->arena);
    program->entries = list_keep(&plan->entries, sizeof(struct program_entry), program->arena);
    for (int view = 0; view < VIEW_COUNT; view++) {
        program->always[view] = list_keep(&plan->always[view], sizeof(uint32_t), program->arena);
        program->always_count[view] = program->always[view] ? plan->always[view].count : 0;
        program->facts.always += program->always_count[view];
    }
    program->expressions = plan->partitions.items;
    program->expression_views = plan->partition_views.items;
    program->expression_partition_count = plan->partition_views.count;
    plan->partitions.items = plan->partition_views.items = NULL;
    program->facts.database_bytes = database_bytes(program);
    if (!program->probes || !program->rules || !program->phrases || !program->entries || !program->always[0] ||
        !program->always[1]) {
        for (uint32_t i = 0; i < plan->probes.count && !program->probes; i++) {
            regex_free(&((struct program_probe *)plan->probes.items)[i].regex);
        }
        return STATUS_NO_MEMORY;
    }
    program->probe_count = plan->probes.count;
    program->rule_count = plan->rules.count;
    program->phrase_count = plan->phrases.count;
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
    free(plan->partitions.items);
    free(plan->partition_views.items);
    arena_free(&plan->scratch);
}

enum status program_build(const struct pack *const *packs, uint32_t pack_count, struct error *error,
                          struct program **ret_program)
{
    struct plan plan = {.error = error, .program = calloc(1, sizeof(struct program))};
    enum status status = plan.program ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = arena_new(1u << 16, ARENA_MAX, &plan.program->arena);
    }
    if (status == STATUS_OK) {
        status = arena_new(1u << 16, (size_t)256 << 20, &plan.scratch);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < pack_count; i++) {
        for (uint32_t r = 0; status == STATUS_OK && r < packs[i]->rule_count; r++) {
            status = plan_rule(&plan, &packs[i]->rules[r]);
        }
    }
    for (int view = 0; status == STATUS_OK && view < VIEW_COUNT; view++) {
        status = compile_literals(&plan, (enum view)view);
    }
    if (status == STATUS_OK) {
        status = compile_expressions(&plan);
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
    for (int view = 0; view < VIEW_COUNT; view++) {
        partition_free(&freed->literals[view].partition);
    }
    for (uint32_t i = 0; i < freed->expression_partition_count; i++) {
        partition_free(&freed->expressions[i].partition);
    }
    free(freed->expressions);
    free(freed->expression_views);
    arena_free(&freed->arena);
    free(freed);
    *program = NULL;
}
