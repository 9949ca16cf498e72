#include "tests/fuzz/scan_compare.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "scanner/scanner.h"
#include "tests/fuzz/scan_oracle.h"
#include "tests/fuzz/scan_plant.h"

#define RESULTS_MAX ((size_t)2 << 30)

const char *const difference_names[DIFFERENCE_KINDS] = {
    "none", "rules not taken", "wrong report", "MISSED", "EXTRA", "unscanned without a limit", "wrong spans",
};

/* What Weir said of one rule in one text. */
struct got {
    bool reported, unscanned;
    uint32_t span_count;
    const struct verdict_span *spans;
};

struct comparer {
    struct scanner *scanner;
    struct oracle *oracle;
    struct arena *arena; /* results of one run */
    char folder[64];
    struct comparer_counts counts;
    struct oracle_span *spans;

    /* Of the run under way. */
    const struct scan_case *it;
    struct difference *difference;
    struct got *got;
    uint32_t first, batch_count; /* of the texts of this call */
    int64_t last;                /* message of this call that was reported last */
};

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct comparer *comparer_new(void)
{
    struct comparer *comparer = calloc(1, sizeof *comparer);
    const char *temporary = getenv("TMPDIR");
    if (!comparer || scanner_new(&comparer->scanner) != STATUS_OK ||
        arena_new(1u << 20, RESULTS_MAX, &comparer->arena) != STATUS_OK) {
        abort();
    }
    comparer->oracle = oracle_new();
    comparer->spans = calloc(ORACLE_SPANS_MAX, sizeof *comparer->spans);
    (void)snprintf(comparer->folder, sizeof comparer->folder, "%.40s/weir-fuzz-XXXXXX",
                   temporary && temporary[0] ? temporary : "/tmp");
    if (!comparer->spans || !mkdtemp(comparer->folder)) {
        perror(comparer->folder);
        exit(3);
    }
    return comparer;
}

/* Removes the lists. */
static void empty_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    for (struct dirent *entry; entries && (entry = readdir(entries));) {
        if (entry->d_name[0] != '.') {
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
        }
    }
    if (entries) {
        (void)closedir(entries);
    }
}

void comparer_free(struct comparer **comparer)
{
    empty_folder((*comparer)->folder);
    (void)rmdir((*comparer)->folder);
    scanner_free(&(*comparer)->scanner);
    oracle_free(&(*comparer)->oracle);
    arena_free(&(*comparer)->arena);
    free((*comparer)->spans);
    free(*comparer);
    *comparer = NULL;
}

void comparer_set_first(struct comparer *comparer, uint32_t messages)
{
    scanner_set_first(comparer->scanner, messages);
}

struct comparer_counts comparer_counts(const struct comparer *comparer)
{
    return comparer->counts;
}

static void count_searches(struct comparer_counts *counts, const struct program *program)
{
    counts->gated += program->facts.gated;
    counts->expressions += program->facts.expressions;
    counts->always += program->facts.always;
    counts->deferred += program->facts.deferred;
}

/* Only the first difference is kept. */
static void differ(struct comparer *comparer, enum difference_kind kind, uint32_t rule, uint32_t text,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

static void differ(struct comparer *comparer, enum difference_kind kind, uint32_t rule, uint32_t text,
                   const char *format, ...)
{
    va_list arguments;
    if (comparer->difference->kind != DIFFERENCE_NONE) {
        return;
    }
    *comparer->difference = (struct difference){.kind = kind, .rule = rule, .text = text};
    va_start(arguments, format);
    (void)vsnprintf(comparer->difference->words, sizeof comparer->difference->words, format, arguments);
    va_end(arguments);
}

/* ---------------------------------------------------------------- Weir */

static struct ruleset *load(struct comparer *comparer)
{
    const struct scan_case *it = comparer->it;
    struct buffer pack = BUFFER_INIT(256u << 20);
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    uint32_t *lines = case_array(comparer->arena, it->rule_count, sizeof *lines), rule = 0;
    case_print_pack(it, comparer->folder, &pack, lines);
    enum status status = ruleset_parse(buffer_span(&pack), "fuzz.yaml", &findings, &ruleset);
    for (uint32_t i = 0; status != STATUS_OK && i < findings.count; i++) {
        const struct finding *finding = &findings.items[i];
        if (finding->level == FINDING_ERROR) {
            while (rule + 1 < it->rule_count && finding->line >= lines[rule + 1]) {
                rule++;
            }
            differ(comparer, DIFFERENCE_LOAD, rule, 0, "%s:%u:%u: %s", finding->file, finding->line, finding->column,
                   finding->text);
            break;
        }
    }
    findings_clear(&findings);
    buffer_free(&pack);
    return ruleset;
}

static const struct verdict_span *keep_spans(struct comparer *comparer, const struct scan_hit *hit)
{
    struct verdict_span *spans = case_array(comparer->arena, hit->span_count, sizeof *spans);
    if (hit->span_count > 0) {
        memcpy(spans, hit->spans, hit->span_count * sizeof *spans);
    }
    return spans;
}

/* The names in the spans are Weir's, and live as long as the rule set. */
static enum status take_report(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    struct comparer *comparer = context;
    const struct scan_case *it = comparer->it;
    if (message >= comparer->batch_count || (int64_t)message <= comparer->last || hit_count == 0) {
        differ(comparer, DIFFERENCE_REPORT, 0, comparer->first, "message %u of %u after %lld with %u hits", message,
               comparer->batch_count, (long long)comparer->last, hit_count);
        return STATUS_OK;
    }
    comparer->last = message;
    for (uint32_t i = 0; i < hit_count; i++) {
        uint32_t text = comparer->first + message;
        const char *id = hits[i].rule->id;
        unsigned long rule = strncmp(id, "f.", 2) == 0 ? strtoul(id + 2, NULL, 10) : UINT32_MAX;
        if (rule >= it->rule_count) {
            differ(comparer, DIFFERENCE_UNEXPLAINED, 0, text, "%s: %s", id, hits[i].reason ? hits[i].reason : "");
            continue;
        }
        struct got *got = &comparer->got[(size_t)text * it->rule_count + rule];
        if (got->reported) {
            differ(comparer, DIFFERENCE_REPORT, (uint32_t)rule, text, "%s is reported twice", id);
        }
        *got = (struct got){.reported = true,
                            .unscanned = hits[i].outcome == OUTCOME_UNSCANNED,
                            .span_count = hits[i].span_count,
                            .spans = keep_spans(comparer, &hits[i])};
    }
    return STATUS_OK;
}

static void scan_all(struct comparer *comparer, struct ruleset *ruleset)
{
    const struct scan_case *it = comparer->it;
    for (uint32_t first = 0; first < it->text_count; first += comparer->batch_count) {
        comparer->first = first;
        comparer->batch_count = it->text_count - first < it->batch ? it->text_count - first : it->batch;
        comparer->last = -1;
        enum status status =
            scanner_scan(comparer->scanner, ruleset, it->texts + first, comparer->batch_count, take_report, comparer);
        if (status != STATUS_OK) {
            differ(comparer, DIFFERENCE_REPORT, 0, first, "the scan ends with %s", status_text(status));
        }
    }
}

/* ---------------------------------------------------------------- spans */

static void print_spans(const struct oracle_span *spans, uint32_t count, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < count && used + 30 < size; i++) {
        used += (size_t)snprintf(out + used, size - used, " [%u,%u)", spans[i].start, spans[i].end);
    }
}

/* What Weir gave for one pattern. */
static uint32_t spans_of(const struct got *got, const char *name, struct oracle_span spans[SCANNER_HIT_SPANS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < got->span_count && count < SCANNER_HIT_SPANS_MAX; i++) {
        if (strcmp(got->spans[i].pattern, name) == 0) {
            spans[count++] = (struct oracle_span){got->spans[i].start, got->spans[i].end};
        }
    }
    return count;
}

static bool contains(const struct oracle_span *spans, uint32_t count, struct oracle_span span)
{
    for (uint32_t i = 0; i < count; i++) {
        if (spans[i].start == span.start && spans[i].end == span.end) {
            return true;
        }
    }
    return false;
}

static bool touches(const struct oracle_span *spans, uint32_t count, struct oracle_span span)
{
    for (uint32_t i = 0; i < count; i++) {
        if (spans[i].start < span.end && span.start < spans[i].end) {
            return true;
        }
    }
    return false;
}

/* Words: each span is a place where an entry stands (or may stand, `more`), and each such place has a span in it. */
static bool entries_agree(const struct oracle_span *want, uint32_t want_count, const struct oracle_span *got,
                          uint32_t got_count, bool more)
{
    for (uint32_t i = 0; i < got_count && !more; i++) {
        if (!contains(want, want_count, got[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < want_count && got_count < SCANNER_PATTERN_SPANS_MAX; i++) {
        if (!touches(got, got_count, want[i])) {
            return false;
        }
    }
    return true;
}

static bool regex_agrees(const struct oracle_span *want, uint32_t want_count, const struct oracle_span *got,
                         uint32_t got_count)
{
    return want_count == got_count && (got_count == 0 || memcmp(want, got, got_count * sizeof *got) == 0);
}

/*
 * `answers` of the patterns of a rule that holds. A pattern of which PCRE2 did not tell within the limits may have spans
 * or none.
 */
static void compare_spans(struct comparer *comparer, uint32_t rule, uint32_t text, const struct got *got,
                          const struct oracle_answer *answers)
{
    const struct case_rule *it = comparer->it->rules[rule];
    bool cut_off = got->span_count == SCANNER_HIT_SPANS_MAX;
    for (uint32_t p = 0; p < it->count && !cut_off; p++) {
        struct oracle_span spans[SCANNER_HIT_SPANS_MAX];
        const struct case_pattern *pattern = &it->patterns[p];
        uint32_t count = spans_of(got, pattern->name, spans), want_count = 0;
        if (answers[p].slow || answers[p].limited == TRUTH_UNKNOWN) {
            continue;
        }
        bool all = true;
        if (answers[p].limited == TRUTH_TRUE) {
            all = oracle_spans(comparer->oracle, rule, p, SCANNER_PATTERN_SPANS_MAX, comparer->spans, &want_count);
        }
        if (!all && pattern->kind != CASE_REGEX) {
            continue; /* too many places to name them all */
        }
        comparer->counts.spans += count;
        bool agree = pattern->kind == CASE_REGEX
                         ? regex_agrees(comparer->spans, want_count, spans, count)
                         : entries_agree(comparer->spans, want_count, spans, count, pattern->no_view);
        if (!agree) {
            char want_text[240], got_text[240];
            print_spans(comparer->spans, want_count, want_text, sizeof want_text);
            print_spans(spans, count, got_text, sizeof got_text);
            differ(comparer, DIFFERENCE_SPANS, rule, text, "%s: expected%s, got%s", pattern->name, want_text, got_text);
        }
    }
}

/* ---------------------------------------------------------------- the comparison */

static void compare_pair(struct comparer *comparer, uint32_t rule, uint32_t text, const struct got *got)
{
    const struct case_rule *it = comparer->it->rules[rule];
    struct oracle_answer answers[CASE_PATTERNS_MAX];
    enum truth limited[CASE_PATTERNS_MAX] = {0}, sure[CASE_PATTERNS_MAX] = {0};
    if (strcmp(it->status, "off") == 0) {
        if (got->reported) {
            differ(comparer, DIFFERENCE_EXTRA, rule, text, "the rule is off");
        }
        return;
    }
    for (uint32_t p = 0; p < it->count; p++) {
        answers[p] = oracle_match(comparer->oracle, rule, p);
        limited[p] = answers[p].slow ? TRUTH_UNKNOWN : answers[p].limited;
        sure[p] = answers[p].sure;
    }
    enum truth want = case_evaluate(it, sure);
    comparer->counts.pairs++;
    if (got->reported && got->unscanned) {
        comparer->counts.unscanned++;
        for (uint32_t p = 0; p < it->count && case_evaluate(it, limited) != TRUTH_UNKNOWN; p++) {
            bool hit = oracle_hits_limit_in_parts(comparer->oracle, rule, p);
            limited[p] = hit ? TRUTH_UNKNOWN : limited[p];
        }
        if (case_evaluate(it, limited) != TRUTH_UNKNOWN) {
            differ(comparer, DIFFERENCE_UNEXPLAINED, rule, text, "no pattern that decides hits a limit");
        }
    } else if (want == TRUTH_UNKNOWN) {
        comparer->counts.left_out++;
    } else if (want == TRUTH_TRUE && !got->reported) {
        differ(comparer, DIFFERENCE_MISSED, rule, text, "expected: the rule holds; got: nothing");
    } else if (want == TRUTH_FALSE && got->reported) {
        differ(comparer, DIFFERENCE_EXTRA, rule, text, "expected: nothing; got: flagged");
    } else if (want == TRUTH_TRUE) {
        comparer->counts.held++;
        compare_spans(comparer, rule, text, got, answers);
    }
}

static void count_case(struct comparer *comparer)
{
    struct comparer_counts *counts = &comparer->counts;
    counts->cases++;
    counts->rules += comparer->it->rule_count;
    counts->texts += comparer->it->text_count;
    for (uint32_t i = 0; i < comparer->it->rule_count; i++) {
        counts->patterns += comparer->it->rules[i]->count;
    }
    for (uint32_t i = 0; i < comparer->it->text_count; i++) {
        counts->bytes += comparer->it->texts[i].size;
    }
}

bool comparer_run(struct comparer *comparer, const struct scan_case *it, struct difference *ret_difference)
{
    arena_reset(comparer->arena);
    empty_folder(comparer->folder);
    *ret_difference = (struct difference){.kind = DIFFERENCE_NONE};
    comparer->difference = ret_difference;
    comparer->it = it;
    count_case(comparer);
    comparer->got = case_array(comparer->arena, (size_t)it->text_count * it->rule_count, sizeof *comparer->got);
    double started = seconds_now();
    plant_armed = true;
    struct ruleset *ruleset = load(comparer);
    if (ruleset) {
        scan_all(comparer, ruleset);
    }
    plant_armed = false;
    if (!ruleset) {
        return true;
    }
    count_searches(&comparer->counts, ruleset_program(ruleset));
    double scanned = seconds_now();
    oracle_set_case(comparer->oracle, it);
    for (uint32_t text = 0; text < it->text_count && ret_difference->kind == DIFFERENCE_NONE; text++) {
        oracle_set_text(comparer->oracle, it->texts[text]);
        for (uint32_t rule = 0; rule < it->rule_count && ret_difference->kind == DIFFERENCE_NONE; rule++) {
            compare_pair(comparer, rule, text, &comparer->got[(size_t)text * it->rule_count + rule]);
        }
    }
    oracle_forget_case(comparer->oracle);
    comparer->counts.scan_seconds += scanned - started;
    comparer->counts.oracle_seconds += seconds_now() - scanned;
    ruleset_let_go(&ruleset);
    return ret_difference->kind != DIFFERENCE_NONE;
}

bool comparer_try(struct comparer *comparer, const struct scan_case *it, struct difference *ret_difference)
{
    struct comparer_counts counts = comparer->counts;
    bool differs = comparer_run(comparer, it, ret_difference);
    comparer->counts = counts;
    return differs;
}

static void print_expected_pair(struct comparer *comparer, uint32_t rule, uint32_t text, struct buffer *out)
{
    const struct case_rule *it = comparer->it->rules[rule];
    enum truth values[CASE_PATTERNS_MAX] = {0};
    uint32_t count = 0;
    for (uint32_t p = 0; p < it->count; p++) {
        values[p] = oracle_match(comparer->oracle, rule, p).sure;
    }
    enum truth truth = case_evaluate(it, values);
    if (truth == TRUTH_FALSE || strcmp(it->status, "off") == 0) {
        return;
    }
    enum status status = buffer_print(out, "%u f.%u%s", text, rule, truth == TRUTH_UNKNOWN ? " unknown" : "");
    for (uint32_t p = 0; p < it->count; p++) {
        if (values[p] == TRUTH_TRUE) {
            (void)oracle_spans(comparer->oracle, rule, p, SCANNER_PATTERN_SPANS_MAX, comparer->spans, &count);
        }
        for (uint32_t i = 0; status == STATUS_OK && values[p] == TRUTH_TRUE && i < count; i++) {
            status =
                buffer_print(out, " %s[%u,%u)", it->patterns[p].name, comparer->spans[i].start, comparer->spans[i].end);
        }
    }
    if (status != STATUS_OK || buffer_append_byte(out, '\n') != STATUS_OK) {
        abort();
    }
}

void comparer_print_expected(struct comparer *comparer, const struct scan_case *it, struct buffer *out)
{
    comparer->it = it;
    oracle_set_case(comparer->oracle, it);
    for (uint32_t text = 0; text < it->text_count; text++) {
        oracle_set_text(comparer->oracle, it->texts[text]);
        for (uint32_t rule = 0; rule < it->rule_count; rule++) {
            print_expected_pair(comparer, rule, text, out);
        }
    }
    oracle_forget_case(comparer->oracle);
}
