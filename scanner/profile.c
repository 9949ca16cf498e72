#include "scanner/profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "rules/condition.h"
#include "rules/regex.h"
#include "scanner/scanner.h"
#include "scanner/search.h"
#include "text/view.h"

#define BATCH_MESSAGES 1024u
#define PASSES_MIN 3
#define PASSES_MAX 50
#define PASSES_NS INT64_C(400000000) /* of measuring, at least */
#define ALONE_PASSES 3

struct run {
    struct ruleset *ruleset;
    const struct program *program;
    const struct span *texts;
    uint32_t count;
    struct profile *profile;
    struct searcher *searcher;
    struct regex_scratch *scratch;
    struct view_batch views[VIEW_COUNT];
    struct buffer raw;
    uint32_t *pattern_of_probe; /* index in profile->patterns */
    struct candidate *by_probe; /* the batch's candidates, sorted by probe */
    uint32_t by_probe_capacity;
    profile_progress progress;
    void *progress_context;
};

static void tell(const struct run *run, uint64_t done, uint64_t total)
{
    if (run->progress) {
        run->progress(run->progress_context, done, total);
    }
}

/* ---- The whole scan ---- */

static enum status count_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    struct profile *profile = context;
    bool flagged = false;
    (void)message;
    for (uint32_t i = 0; i < hit_count; i++) {
        for (uint32_t r = 0; hits[i].outcome == OUTCOME_FLAGGED && r < profile->rule_count; r++) {
            if (profile->rules[r].rule == hits[i].rule) {
                profile->rules[r].hits++;
                break;
            }
        }
        flagged |= hits[i].outcome == OUTCOME_FLAGGED && hits[i].rule->status == RULE_LIVE;
    }
    profile->flagged += flagged;
    return STATUS_OK;
}

static enum status ignore_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    (void)context;
    (void)message;
    (void)hits;
    (void)hit_count;
    return STATUS_OK;
}

/* The first pass counts and warms up; the fastest of the others is what the scan takes. */
static enum status time_scan(struct run *run)
{
    struct profile *profile = run->profile;
    struct scanner *scanner = NULL;
    enum status status = scanner_new(&scanner);
    int64_t begun_ns = clock_ticks_ns();
    if (status == STATUS_OK) {
        status = scanner_scan(scanner, run->ruleset, run->texts, run->count, count_hits, profile);
        struct scanner_counts counts = scanner_counts(scanner);
        profile->candidates = counts.candidates;
        profile->confirmations = counts.confirmations;
    }
    for (int i = 0; status == STATUS_OK && i < PASSES_MAX; i++) {
        int64_t started_ns = clock_thread_ns();
        status = scanner_scan(scanner, run->ruleset, run->texts, run->count, ignore_hits, NULL);
        double took_ns = (double)(clock_thread_ns() - started_ns);
        profile->total_ns = i == 0 || took_ns < profile->total_ns ? took_ns : profile->total_ns;
        if (i + 1 >= PASSES_MIN && clock_ticks_ns() - begun_ns > PASSES_NS) {
            break;
        }
    }
    scanner_free(&scanner);
    return status;
}

/* ---- Candidates, and confirming them ---- */

static enum status make_views(struct run *run, const struct program *program, uint32_t first, uint32_t count)
{
    enum status status = STATUS_OK;
    bool skeleton = (program->views & (1u << VIEW_SKELETON)) != 0; /* it is made from the folded view */
    run->views[VIEW_SKELETON].folded = &run->views[VIEW_FOLDED];
    run->views[VIEW_SKELETON].wanted = &program->disguised;
    for (int view = 0; status == STATUS_OK && view < VIEW_COUNT; view++) {
        if ((program->views & (1u << view)) || (skeleton && view == VIEW_FOLDED)) {
            status = view_batch_make(&run->views[view], (enum view)view, run->texts + first, count);
        }
    }
    return status;
}

static int compare_probes(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return x->probe != y->probe       ? (x->probe > y->probe) - (x->probe < y->probe)
           : x->message != y->message ? (x->message > y->message) - (x->message < y->message)
                                      : (x->start > y->start) - (x->start < y->start);
}

/* The text that PCRE2 confirms on. */
static enum status confirmed_text(struct run *run, enum view view, uint32_t first, uint32_t message,
                                  struct span *ret_text)
{
    enum status status = STATUS_OK;
    if (view == VIEW_FOLDED) {
        *ret_text = view_batch_text(&run->views[view], message);
        return STATUS_OK;
    }
    buffer_clear(&run->raw); /* of the others something else is searched than confirmed */
    status = view_append(view, run->texts[first + message], &run->raw, NULL);
    *ret_text = buffer_span(&run->raw);
    return status;
}

/* The candidates of one probe in the batch, one message after the other. */
static enum status confirm_group(struct run *run, uint32_t first, const struct candidate *group, uint32_t count)
{
    const struct program_probe *probe = &run->program->probes[group[0].probe];
    struct profile_pattern *pattern = &run->profile->patterns[run->pattern_of_probe[group[0].probe]];
    double spent_ns = 0;
    if (probe->regex) {
        (void)regex_size(probe->regex); /* compiles it: that is not what confirming costs */
    }
    for (uint32_t i = 0; i < count; i++) {
        struct span text;
        uint32_t start, end;
        if (i > 0 && group[i].message == group[i - 1].message) {
            continue;
        }
        pattern->candidates++;
        if (group[i].confirmed || group[i].held) {
            pattern->matches++; /* confirmed where the literal stands, or by an automaton */
            continue;
        }
        pattern->confirmations++;
        if (!probe->regex) {
            continue;
        }
        enum status status = confirmed_text(run, probe->view, first, group[i].message, &text);
        if (status != STATUS_OK) {
            return status;
        }
        int64_t started_ns = clock_ticks_ns();
        pattern->matches += regex_match(probe->regex, run->scratch, text, 0, &start, &end) == STATUS_OK;
        spent_ns += (double)(clock_ticks_ns() - started_ns);
    }
    pattern->confirm_ns += spent_ns;
    return STATUS_OK;
}

static enum status confirm_batch(struct run *run, uint32_t first, const struct candidate *candidates, uint32_t count)
{
    enum status status = STATUS_OK;
    if (count > run->by_probe_capacity) {
        struct candidate *grown = reallocarray(run->by_probe, count, sizeof *grown);
        if (!grown) {
            return STATUS_NO_MEMORY;
        }
        run->by_probe = grown;
        run->by_probe_capacity = count;
    }
    if (count == 0) {
        return STATUS_OK;
    }
    memcpy(run->by_probe, candidates, count * sizeof *candidates);
    qsort(run->by_probe, count, sizeof *run->by_probe, compare_probes);
    for (uint32_t i = 0, next; status == STATUS_OK && i < count; i = next) {
        for (next = i + 1; next < count && run->by_probe[next].probe == run->by_probe[i].probe;) {
            next++;
        }
        status = confirm_group(run, first, run->by_probe + i, next - i);
    }
    return status;
}

/* One pass over the sample. In the first one candidates are counted and confirmed as well. */
static enum status time_pass(struct run *run, bool confirm, double *ret_views_ns, double *ret_search_ns)
{
    double views_ns = 0, search_ns = 0;
    enum status status = STATUS_OK;
    for (uint32_t first = 0; status == STATUS_OK && first < run->count; first += BATCH_MESSAGES) {
        uint32_t count = run->count - first < BATCH_MESSAGES ? run->count - first : BATCH_MESSAGES;
        struct candidate *candidates = NULL;
        uint32_t candidate_count = 0;
        int64_t started_ns = clock_thread_ns();
        status = make_views(run, run->program, first, count);
        int64_t made_ns = clock_thread_ns();
        if (status == STATUS_OK) {
            status = searcher_search(run->searcher, run->program, run->views, &candidates, &candidate_count);
        }
        views_ns += (double)(made_ns - started_ns);
        search_ns += (double)(clock_thread_ns() - made_ns);
        if (status == STATUS_OK && confirm) {
            status = confirm_batch(run, first, candidates, candidate_count);
        }
    }
    *ret_views_ns = views_ns;
    *ret_search_ns = search_ns;
    return status;
}

/* The fastest pass counts, as it does for the whole: so the parts cannot be more than that. */
static enum status time_parts(struct run *run)
{
    struct profile *profile = run->profile;
    enum status status = searcher_prepare(run->searcher, run->program);
    int64_t begun_ns = clock_ticks_ns();
    for (int pass = 0; status == STATUS_OK && pass < PASSES_MAX; pass++) {
        double views_ns, search_ns;
        status = time_pass(run, pass == 0, &views_ns, &search_ns);
        if (pass <= 1 || views_ns < profile->views_ns) { /* the first pass is for warming up */
            profile->views_ns = views_ns;
        }
        if (pass <= 1 || search_ns < profile->search_ns) {
            profile->search_ns = search_ns;
        }
        if (pass + 1 >= PASSES_MIN && clock_ticks_ns() - begun_ns > PASSES_NS) {
            break;
        }
    }
    if (profile->views_ns + profile->search_ns > profile->total_ns) {
        profile->total_ns = profile->views_ns + profile->search_ns;
    }
    return status;
}

/* ---- Patterns alone ---- */

static const struct condition pattern_alone = {.type = CONDITION_PATTERN, .pattern = 0};

static size_t probe_bytes(const struct program *program)
{
    size_t bytes = program->facts.database_bytes;
    for (uint32_t i = 0; i < program->probe_count; i++) {
        bytes += program->probes[i].regex ? regex_size(program->probes[i].regex) : 0;
    }
    return bytes;
}

/* Nanoseconds of searching the first messages for this program. */
static enum status time_search(struct run *run, const struct program *program, uint32_t count, double *ret_ns)
{
    struct candidate *candidates;
    uint32_t candidate_count;
    double fastest_ns = 0;
    enum status status = searcher_prepare(run->searcher, program);
    if (status == STATUS_OK) {
        status = make_views(run, program, 0, count);
    }
    for (int pass = 0; status == STATUS_OK && pass < ALONE_PASSES; pass++) {
        int64_t started_ns = clock_ticks_ns();
        status = searcher_search(run->searcher, program, run->views, &candidates, &candidate_count);
        double took_ns = (double)(clock_ticks_ns() - started_ns);
        fastest_ns = pass == 0 || took_ns < fastest_ns ? took_ns : fastest_ns;
    }
    *ret_ns = fastest_ns;
    return status;
}

/* Plans and compiles a rule of one pattern, without the cache, and searches for it. */
static enum status measure_alone(struct run *run, struct profile_pattern *pattern, uint32_t count)
{
    const struct partition_options options = {.in_process = true};
    struct rule rule = *pattern->rule;
    rule.patterns = &pattern->rule->patterns[pattern->pattern];
    rule.pattern_count = 1;
    rule.condition = &pattern_alone;
    rule.across = (struct rule_across){0};
    const struct pack pack = {.name = "alone", .path = "alone", .rules = &rule, .rule_count = 1};
    const struct pack *const packs[] = {&pack};
    struct program *program = NULL;
    struct error error = {0};
    int64_t started_ns = clock_ticks_ns();
    enum status status = program_build(packs, 1, &options, &error, &program);
    if (status != STATUS_OK) {
        return status;
    }
    pattern->bytes = probe_bytes(program); /* compiles what is compiled when it is first used */
    pattern->compile_ms = (double)(clock_ticks_ns() - started_ns) / 1e6;
    status = program->probe_count ? time_search(run, program, count, &pattern->search_ns) : STATUS_OK;
    program_free(&program);
    return status;
}

static uint32_t messages_of_bytes(const struct run *run, size_t bytes_max)
{
    size_t bytes = 0;
    uint32_t count = 0;
    while (count < run->count && bytes < bytes_max && count < SCANNER_SLICE_MESSAGES) {
        bytes += run->texts[count++].size;
    }
    return count;
}

/* Every pattern's search and compile time alone; then the search's whole time is shared out in proportion. */
static enum status share_search(struct run *run)
{
    struct profile *profile = run->profile;
    uint32_t count = messages_of_bytes(run, PROFILE_ALONE_BYTES);
    enum status status = STATUS_OK;
    double sum_ns = 0;
    profile->alone = profile->pattern_count <= PROFILE_ALONE_PATTERNS_MAX;
    for (uint32_t i = 0; status == STATUS_OK && i < profile->pattern_count; i++) {
        struct profile_pattern *pattern = &profile->patterns[i];
        pattern->search_ns = 1;
        pattern->compile_ms = -1;
        status = profile->alone ? measure_alone(run, pattern, count) : STATUS_OK;
        bool searched = pattern->search == SEARCH_LITERALS || pattern->search == SEARCH_EXPRESSION;
        pattern->search_ns = searched ? pattern->search_ns : 0;
        sum_ns += pattern->search_ns;
        tell(run, i + 1, profile->pattern_count);
    }
    for (uint32_t i = 0; i < profile->pattern_count && sum_ns > 0; i++) {
        profile->patterns[i].search_ns *= profile->search_ns / sum_ns;
    }
    return status;
}

/* A scan confirms no more than conditions ask for, so it takes less than confirming everything: in proportion. */
static void share_confirm(struct profile *profile)
{
    double sum_ns = 0, rest_ns = profile->total_ns - profile->views_ns - profile->search_ns;
    for (uint32_t i = 0; i < profile->pattern_count; i++) {
        sum_ns += profile->patterns[i].confirm_ns;
    }
    double factor = sum_ns > rest_ns && rest_ns > 0 ? rest_ns / sum_ns : 1;
    for (uint32_t i = 0; i < profile->pattern_count; i++) {
        profile->patterns[i].confirm_ns *= factor;
    }
}

/* ---- Setting up ---- */

static enum status list_patterns(struct run *run)
{
    const struct program *program = run->program;
    struct profile *profile = run->profile;
    uint32_t pattern_count = 0;
    for (uint32_t r = 0; r < program->rule_count; r++) {
        pattern_count += program->rules[r].rule->pattern_count;
    }
    profile->rules = calloc((size_t)program->rule_count + 1, sizeof *profile->rules);
    profile->patterns = calloc((size_t)pattern_count + 1, sizeof *profile->patterns);
    run->pattern_of_probe = calloc((size_t)program->probe_count + 1, sizeof *run->pattern_of_probe);
    if (!profile->rules || !profile->patterns || !run->pattern_of_probe) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t r = 0; r < program->rule_count; r++) {
        const struct rule *rule = program->rules[r].rule;
        profile->rules[r] = (struct profile_rule){.rule = rule, .first_pattern = profile->pattern_count};
        for (uint32_t i = 0; i < rule->pattern_count; i++) {
            profile->patterns[profile->pattern_count++] =
                (struct profile_pattern){.rule = rule, .pattern = i, .search = SEARCH_DEFERRED};
        }
    }
    profile->rule_count = program->rule_count;
    for (uint32_t i = 0; i < program->probe_count; i++) {
        const struct program_probe *probe = &program->probes[i];
        run->pattern_of_probe[i] = profile->rules[probe->rule].first_pattern + probe->pattern;
        struct profile_pattern *pattern = &profile->patterns[run->pattern_of_probe[i]];
        bool dearer = pattern->search == SEARCH_DEFERRED || probe->search == SEARCH_ALWAYS ||
                      (probe->search == SEARCH_EXPRESSION && pattern->search == SEARCH_LITERALS);
        pattern->search = dearer ? probe->search : pattern->search; /* of its views the one that costs most */
    }
    return STATUS_OK;
}

static void run_end(struct run *run)
{
    searcher_free(&run->searcher);
    regex_scratch_free(&run->scratch);
    for (int view = 0; view < VIEW_COUNT; view++) {
        view_batch_free(&run->views[view]);
    }
    buffer_free(&run->raw);
    free(run->pattern_of_probe);
    free(run->by_probe);
}

enum status profile_run(struct ruleset *ruleset, const struct span *texts, uint32_t count, profile_progress progress,
                        void *context, struct profile **ret_profile)
{
    struct profile *profile = calloc(1, sizeof *profile);
    struct run run = {.ruleset = ruleset,
                      .program = ruleset_program(ruleset),
                      .texts = texts,
                      .count = count,
                      .profile = profile,
                      .raw = BUFFER_INIT(SEARCH_VIEW_BYTES_MAX),
                      .progress = progress,
                      .progress_context = context};
    enum status status = profile ? list_patterns(&run) : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        profile->messages = count;
        for (uint32_t i = 0; i < count; i++) {
            profile->bytes += texts[i].size;
        }
        status = searcher_new(&run.searcher);
    }
    if (status == STATUS_OK) {
        status = regex_scratch_new(&run.scratch);
    }
    if (status == STATUS_OK) {
        status = time_scan(&run);
    }
    if (status == STATUS_OK) {
        status = time_parts(&run);
    }
    if (status == STATUS_OK) {
        status = share_search(&run);
    }
    run_end(&run);
    if (status != STATUS_OK) {
        profile_free(&profile);
        return status;
    }
    share_confirm(profile);
    *ret_profile = profile;
    return STATUS_OK;
}

void profile_free(struct profile **profile)
{
    if (*profile) {
        free((*profile)->rules);
        free((*profile)->patterns);
        free(*profile);
        *profile = NULL;
    }
}
