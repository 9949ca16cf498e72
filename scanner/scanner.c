#include "scanner/scanner.h"

#include <stdlib.h>
#include <string.h>

#include "scanner/confirm.h"
#include "scanner/search.h"
#include "text/view.h"

#define HITS_ARENA_MAX ((size_t)64 << 20)
#define BATCH_ARENA_MAX ((size_t)256 << 20) /* for SEARCH_CANDIDATES_MAX */

const struct rule scanner_unscanned_rule = {
    .id = "weir.unscanned",
    .title = "The message could not be scanned",
    .severity = SEVERITY_HIGH,
    .status = RULE_LIVE,
};

struct scanner {
    struct searcher *searcher;
    struct confirmer confirmer;
    struct view_batch views[VIEW_COUNT];
    struct ruleset *prepared; /* held, so that its address cannot come again for another set */
    struct scanner_counts counts;
};

/* One call of scanner_scan. */
struct scan {
    struct scanner *scanner;
    const struct span *texts;
    scanner_report report;
    void *context;
};

enum status scanner_new(struct scanner **ret_scanner)
{
    struct scanner *scanner = calloc(1, sizeof *scanner);
    if (!scanner) {
        return STATUS_NO_MEMORY;
    }
    enum status status = searcher_new(&scanner->searcher);
    if (status == STATUS_OK) {
        status = regex_scratch_new(&scanner->confirmer.scratch);
    }
    if (status == STATUS_OK) {
        status = arena_new(1u << 14, HITS_ARENA_MAX, &scanner->confirmer.arena);
    }
    if (status == STATUS_OK) {
        status = arena_new(1u << 16, BATCH_ARENA_MAX, &scanner->confirmer.batch_arena);
    }
    if (status != STATUS_OK) {
        scanner_free(&scanner);
        return status;
    }
    *ret_scanner = scanner;
    return STATUS_OK;
}

void scanner_free(struct scanner **scanner)
{
    if (!*scanner) {
        return;
    }
    searcher_free(&(*scanner)->searcher);
    confirmer_free(&(*scanner)->confirmer);
    for (int view = 0; view < VIEW_COUNT; view++) {
        view_batch_free(&(*scanner)->views[view]);
    }
    ruleset_let_go(&(*scanner)->prepared);
    free(*scanner);
    *scanner = NULL;
}

void scanner_set_across(struct scanner *scanner, bool across)
{
    scanner->confirmer.across = across;
}

void scanner_set_spans(struct scanner *scanner, bool wanted)
{
    scanner->confirmer.without_spans = !wanted;
}

void scanner_set_first(struct scanner *scanner, uint32_t messages)
{
    searcher_set_first(scanner->searcher, messages);
}

struct scanner_counts scanner_counts(const struct scanner *scanner)
{
    struct scanner_counts counts = scanner->counts;
    counts.confirmations = scanner->confirmer.confirmations;
    return counts;
}

static const char *reason_text(enum status status)
{
    switch (status) {
    case STATUS_LIMIT:
        return "text_limit";
    case STATUS_NO_MEMORY:
        return "no_memory";
    default:
        return "engine";
    }
}

static enum status report_unscanned(struct scan *scan, uint32_t message, enum status reason)
{
    struct scan_hit hit = {
        .rule = &scanner_unscanned_rule, .outcome = OUTCOME_UNSCANNED, .reason = reason_text(reason)};
    scan->scanner->counts.unscanned++;
    return scan->report(scan->context, message, &hit, 1);
}

static void count_hits(struct scanner_counts *counts, const struct scan_hit *hits, uint32_t hit_count)
{
    bool flagged = false, unscanned = false;
    for (uint32_t i = 0; i < hit_count; i++) {
        bool live = hits[i].rule->status == RULE_LIVE && !hits[i].partial;
        flagged |= live && hits[i].outcome == OUTCOME_FLAGGED;
        unscanned |= live && hits[i].outcome == OUTCOME_UNSCANNED;
    }
    counts->flagged += flagged;
    counts->unscanned += unscanned;
}

/* Decides the candidates, message by message, and reports what has hits. `first` is the slice's place in the call. */
static enum status decide_slice(struct scan *scan, uint32_t first, const struct candidate *candidates, uint32_t count)
{
    struct scanner *scanner = scan->scanner;
    for (uint32_t i = 0, next; i < count; i = next) {
        uint32_t message = candidates[i].message;
        for (next = i + 1; next < count && candidates[next].message == message;) {
            next++;
        }
        struct scan_hit *hits;
        uint32_t hit_count;
        arena_reset(scanner->confirmer.arena);
        enum status status = confirmer_decide(&scanner->confirmer, candidates + i, next - i, &hits, &hit_count);
        if (status != STATUS_OK) {
            status = report_unscanned(scan, first + message, status);
        } else if (hit_count > 0) {
            count_hits(&scanner->counts, hits, hit_count);
            status = scan->report(scan->context, first + message, hits, hit_count);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static enum status find_candidates(struct scanner *scanner, const struct program *program, const struct span *texts,
                                   uint32_t count, struct candidate **ret_candidates, uint32_t *ret_count)
{
    enum status status = STATUS_OK;
    bool skeleton = (program->views & (1u << VIEW_SKELETON)) != 0; /* it is made from the folded view */
    scanner->views[VIEW_SKELETON].folded = &scanner->views[VIEW_FOLDED];
    scanner->views[VIEW_SKELETON].wanted = &program->disguised;
    for (int view = 0; status == STATUS_OK && view < VIEW_COUNT; view++) {
        if ((program->views & (1u << view)) || (skeleton && view == VIEW_FOLDED)) {
            status = view_batch_make(&scanner->views[view], (enum view)view, texts, count);
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    return searcher_search(scanner->searcher, program, scanner->views, ret_candidates, ret_count);
}

/*
 * Searches and decides one slice. One that is too large as a whole is cut in halves, down to the one message that is to
 * blame, which is reported as unscanned: the others must not suffer.
 */
static enum status scan_slice(struct scan *scan, const struct program *program, uint32_t first, uint32_t count)
{
    struct scanner *scanner = scan->scanner;
    struct candidate *candidates = NULL;
    uint32_t candidate_count = 0;
    enum status status = find_candidates(scanner, program, scan->texts + first, count, &candidates, &candidate_count);
    if (status == STATUS_OK) {
        scanner->confirmer.program = program;
        scanner->confirmer.automata = searcher_automata(scanner->searcher);
        scanner->confirmer.views = scanner->views;
        scanner->confirmer.texts = scan->texts + first;
        scanner->counts.candidates += candidate_count;
        status = confirmer_settle(&scanner->confirmer, candidates, &candidate_count);
    }
    if (status == STATUS_OK) {
        return decide_slice(scan, first, candidates, candidate_count);
    }
    if (count == 1) {
        return report_unscanned(scan, first, status);
    }
    status = scan_slice(scan, program, first, count / 2);
    return status == STATUS_OK ? scan_slice(scan, program, first + count / 2, count - count / 2) : status;
}

static enum status prepare(struct scanner *scanner, struct ruleset *ruleset)
{
    if (scanner->prepared == ruleset) {
        return STATUS_OK;
    }
    enum status status = searcher_prepare(scanner->searcher, ruleset_program(ruleset));
    if (status == STATUS_OK) {
        ruleset_let_go(&scanner->prepared);
        scanner->prepared = ruleset_hold(ruleset);
    } else {
        ruleset_let_go(&scanner->prepared); /* what was known for it is gone, or half of it */
    }
    return status;
}

enum status scanner_scan(struct scanner *scanner, struct ruleset *ruleset, const struct span *texts, uint32_t count,
                         scanner_report report, void *context)
{
    struct scan scan = {.scanner = scanner, .texts = texts, .report = report, .context = context};
    const struct program *program = ruleset_program(ruleset);
    enum status prepared = prepare(scanner, ruleset);
    scanner->counts.messages += count;
    for (uint32_t first = 0, next; first < count; first = next) {
        size_t bytes = 0;
        for (next = first; next < count && next - first < SCANNER_SLICE_MESSAGES && bytes < SCANNER_SLICE_BYTES;) {
            bytes += texts[next++].size;
        }
        scanner->counts.bytes += bytes;
        enum status status = STATUS_OK;
        if (prepared == STATUS_OK) {
            status = program->probe_count ? scan_slice(&scan, program, first, next - first) : STATUS_OK;
        }
        for (uint32_t i = first; prepared != STATUS_OK && status == STATUS_OK && i < next; i++) {
            status = report_unscanned(&scan, i, prepared);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}
