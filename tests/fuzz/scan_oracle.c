#include "tests/fuzz/scan_oracle.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include "tests/fuzz/scan_entry.h"

/* Weir's limits (rules/regex.h), and those of the answer that counts. */
#define LIMITED_STEPS 100000u
#define LIMITED_DEPTH 10000u
#define LIMITED_HEAP_KIB 4096u
#define LIMITED_STACK ((size_t)1 << 20)
#define SURE_STEPS 3000000u
#define SURE_HEAP_KIB (256u << 10)
#define SURE_STACK ((size_t)64 << 20)
#define SURE_SECONDS 0.5 /* of one case: patterns that run away must not take all the time */

#define LONG_BYTES 1024u /* over it Weir has a limit of time too */
#define PART_BYTES 64u   /* how many places Weir tries at first */
#define LONG_PART_SECONDS 1e-3
#define LONG_SECONDS 0.02

struct matcher {
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack;
};

/* A pattern as it is asked about. */
struct oracle_pattern {
    pcre2_code *code;
    struct entry *entries;
    uint32_t count;
};

struct oracle {
    struct matcher limited, sure;
    double sure_seconds;
    const struct scan_case *it;
    struct oracle_pattern **patterns; /* by rule */
    struct span text;
    struct entry_view views[VIEW_COUNT];
    bool viewed[VIEW_COUNT];
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory) {
        abort();
    }
    return memory;
}

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct matcher matcher_new(uint32_t steps, uint32_t depth, uint32_t heap_kib, size_t stack)
{
    struct matcher matcher = {.context = pcre2_match_context_create(NULL),
                              .data = pcre2_match_data_create(1, NULL),
                              .stack = pcre2_jit_stack_create((size_t)32 << 10, stack, NULL)};
    if (!matcher.context || !matcher.data || !matcher.stack) {
        abort();
    }
    (void)pcre2_set_match_limit(matcher.context, steps);
    (void)pcre2_set_depth_limit(matcher.context, depth);
    (void)pcre2_set_heap_limit(matcher.context, heap_kib);
    pcre2_jit_stack_assign(matcher.context, NULL, matcher.stack);
    return matcher;
}

static void matcher_free(struct matcher *matcher)
{
    pcre2_jit_stack_free(matcher->stack);
    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
}

struct oracle *oracle_new(void)
{
    struct oracle *oracle = allocate(1, sizeof *oracle);
    oracle->limited = matcher_new(LIMITED_STEPS, LIMITED_DEPTH, LIMITED_HEAP_KIB, LIMITED_STACK);
    oracle->sure = matcher_new(SURE_STEPS, SURE_STEPS, SURE_HEAP_KIB, SURE_STACK);
    return oracle;
}

void oracle_forget_case(struct oracle *oracle)
{
    for (uint32_t r = 0; oracle->it && r < oracle->it->rule_count; r++) {
        for (uint32_t p = 0; p < oracle->it->rules[r]->count; p++) {
            struct oracle_pattern *pattern = &oracle->patterns[r][p];
            pcre2_code_free(pattern->code);
            for (uint32_t i = 0; i < pattern->count; i++) {
                entry_free(&pattern->entries[i]);
            }
            free(pattern->entries);
        }
        free(oracle->patterns[r]);
    }
    free(oracle->patterns);
    oracle->patterns = NULL;
    oracle->it = NULL;
}

void oracle_free(struct oracle **oracle)
{
    oracle_forget_case(*oracle);
    for (int view = 0; view < VIEW_COUNT; view++) {
        entry_view_free(&(*oracle)->views[view]);
    }
    matcher_free(&(*oracle)->limited);
    matcher_free(&(*oracle)->sure);
    free(*oracle);
    *oracle = NULL;
}

static pcre2_code *compile(struct span regex)
{
    int error;
    PCRE2_SIZE offset;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context) {
        abort();
    }
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    (void)pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
    pcre2_code *code = pcre2_compile(regex.data, regex.size,
                                     PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C,
                                     &error, &offset, context);
    pcre2_compile_context_free(context);
    return code;
}

static int refuse_callout(pcre2_callout_enumerate_block *block, void *context)
{
    (void)block;
    (void)context;
    return 1;
}

bool oracle_takes(struct span regex)
{
    if (regex.size == 0 ||
        (regex.size > 2 && memcmp(regex.data, "(*", 2) == 0 && !(regex.data[2] >= 'a' && regex.data[2] <= 'z'))) {
        return false;
    }
    pcre2_code *code = compile(regex);
    bool takes = code && pcre2_callout_enumerate(code, refuse_callout, NULL) == 0;
    pcre2_code_free(code);
    return takes;
}

/* Does it call a group? Machine code takes seconds for a call without end, which the interpreter notices at once. */
static bool calls(struct span text)
{
    static const char *const marks[] = {"\\g<", "\\g'", "(?R", "(?&", "(?P>", "(?+"};
    bool found = false;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        found |= memmem(text.data, text.size, marks[i], strlen(marks[i])) != NULL;
    }
    for (int i = 0; i < 10; i++) {
        const char digit = (char)('0' + i), forward[] = {'(', '?', digit}, back[] = {'(', '?', '-', digit};
        found |= memmem(text.data, text.size, forward, sizeof forward) != NULL ||
                 memmem(text.data, text.size, back, sizeof back) != NULL;
    }
    return found;
}

static void compile_pattern(const struct case_pattern *pattern, struct oracle_pattern *out)
{
    if (pattern->kind == CASE_REGEX) {
        out->code = compile(pattern->entries[0].text);
        if (out->code && !calls(pattern->entries[0].text)) {
            (void)pcre2_jit_compile(out->code, PCRE2_JIT_COMPLETE);
        }
        return;
    }
    out->entries = allocate((size_t)pattern->count * 2, sizeof *out->entries);
    for (uint32_t i = 0; i < pattern->count; i++) {
        const struct case_entry *entry = &pattern->entries[i];
        if (pattern->kind == CASE_WORDS) {
            entry_phrase(entry->text, pattern->view == VIEW_RAW, &out->entries[out->count++]);
            continue;
        }
        for (int n = 0; n < 2 && entry->names[n].size > 0; n++) {
            entry_domain(entry->names[n], pattern->view == VIEW_RAW, &out->entries[out->count++]);
        }
    }
}

void oracle_set_case(struct oracle *oracle, const struct scan_case *it)
{
    oracle_forget_case(oracle);
    oracle->it = it;
    oracle->sure_seconds = 0;
    oracle->patterns = allocate(it->rule_count, sizeof(struct oracle_pattern *));
    for (uint32_t r = 0; r < it->rule_count; r++) {
        oracle->patterns[r] = allocate(it->rules[r]->count, sizeof(struct oracle_pattern));
        for (uint32_t p = 0; p < it->rules[r]->count; p++) {
            compile_pattern(&it->rules[r]->patterns[p], &oracle->patterns[r][p]);
        }
    }
}

void oracle_set_text(struct oracle *oracle, struct span text)
{
    oracle->text = text.data ? text : span_text("");
    memset(oracle->viewed, 0, sizeof oracle->viewed);
}

static const struct entry_view *need_view(struct oracle *oracle, enum view view)
{
    if (!oracle->viewed[view]) {
        entry_view_make(view, oracle->text, &oracle->views[view]);
        oracle->viewed[view] = true;
    }
    return &oracle->views[view];
}

/* ---------------------------------------------------------------- regexes */

static enum truth truth_of(int result)
{
    return result >= 0 ? TRUTH_TRUE : result == PCRE2_ERROR_NOMATCH ? TRUTH_FALSE : TRUTH_UNKNOWN;
}

static int match(const struct matcher *matcher, const pcre2_code *code, struct span text, size_t from)
{
    return pcre2_match(code, text.data, text.size, from, PCRE2_NO_UTF_CHECK, matcher->data, matcher->context);
}

/* Would the regex take too long for the whole of a long text? Told by its beginning. */
static bool is_slow(const struct oracle *oracle, const pcre2_code *code, struct span text)
{
    size_t part = LONG_BYTES;
    while ((text.data[part] & 0xC0) == 0x80) {
        part--;
    }
    double from = seconds_now();
    enum truth truth = truth_of(match(&oracle->limited, code, span_of(text.data, part), 0));
    return truth == TRUTH_UNKNOWN || seconds_now() - from > LONG_PART_SECONDS;
}

static struct oracle_answer match_regex(struct oracle *oracle, const pcre2_code *code, struct span text)
{
    struct oracle_answer answer = {TRUTH_UNKNOWN, TRUTH_UNKNOWN, false};
    bool is_long = text.size > LONG_BYTES;
    if (!code || (is_long && is_slow(oracle, code, text))) {
        answer.slow = true;
        return answer;
    }
    double from = is_long ? seconds_now() : 0;
    answer.limited = answer.sure = truth_of(match(&oracle->limited, code, text, 0));
    answer.slow = is_long && seconds_now() - from > LONG_SECONDS;
    if (answer.limited == TRUTH_UNKNOWN && oracle->sure_seconds < SURE_SECONDS) {
        from = seconds_now();
        answer.sure = truth_of(match(&oracle->sure, code, text, 0));
        oracle->sure_seconds += seconds_now() - from;
    }
    return answer;
}

/* The skeleton may show one place of the message as several characters: it is told once. */
static void add_span(const struct entry_view *view, size_t start, size_t end, struct oracle_span *spans,
                     uint32_t *count)
{
    struct oracle_span *span = &spans[*count];
    entry_view_span(view, (uint32_t)start, (uint32_t)end, &span->start, &span->end);
    for (uint32_t i = 0; i < *count && view->view == VIEW_SKELETON; i++) {
        if (spans[i].start == span->start && spans[i].end == span->end) {
            return;
        }
    }
    (*count)++;
}

static bool regex_spans(struct oracle *oracle, const pcre2_code *code, const struct entry_view *view, uint32_t limit,
                        struct oracle_span *spans, uint32_t *ret_count)
{
    size_t from = 0;
    *ret_count = 0;
    for (uint32_t matches = 0; matches < limit; matches++) {
        enum truth truth = truth_of(match(&oracle->limited, code, view->text, from));
        if (truth != TRUTH_TRUE) {
            return truth == TRUTH_FALSE;
        }
        const PCRE2_SIZE *pair = pcre2_get_ovector_pointer(oracle->limited.data);
        size_t start = pair[0] < pair[1] ? pair[0] : pair[1], end = pair[0] < pair[1] ? pair[1] : pair[0];
        start = start < from ? from : start; /* \K may lead back */
        end = end < start ? start : end;
        add_span(view, start, end, spans, ret_count);
        if (start == end) {
            break;
        }
        from = end;
    }
    return true;
}

/* ---------------------------------------------------------------- both */

struct oracle_answer oracle_match(struct oracle *oracle, uint32_t rule, uint32_t pattern)
{
    const struct case_pattern *it = &oracle->it->rules[rule]->patterns[pattern];
    const struct oracle_pattern *compiled = &oracle->patterns[rule][pattern];
    const struct entry_view *view = need_view(oracle, it->view);
    if (it->kind == CASE_REGEX) {
        return match_regex(oracle, compiled->code, view->text);
    }
    enum truth truth = TRUTH_FALSE;
    for (uint32_t i = 0; i < compiled->count && truth != TRUTH_TRUE; i++) {
        enum truth found = entry_find(&compiled->entries[i], view);
        truth = found > truth ? found : truth;
    }
    truth = truth == TRUTH_FALSE && it->no_view ? TRUTH_UNKNOWN : truth;
    return (struct oracle_answer){truth, truth, false};
}

bool oracle_hits_limit_in_parts(struct oracle *oracle, uint32_t rule, uint32_t pattern)
{
    const struct case_pattern *it = &oracle->it->rules[rule]->patterns[pattern];
    const struct oracle_pattern *compiled = &oracle->patterns[rule][pattern];
    const struct entry_view *view = need_view(oracle, it->view);
    enum truth truth = TRUTH_FALSE;
    for (size_t from = PART_BYTES; it->kind == CASE_REGEX && compiled->code && view->text.size > LONG_BYTES &&
                                   from < view->text.size && truth != TRUTH_UNKNOWN;
         from += PART_BYTES) {
        size_t at = from;
        while ((view->text.data[at] & 0xC0) == 0x80) {
            at--;
        }
        truth = truth_of(match(&oracle->limited, compiled->code, view->text, at));
    }
    return truth == TRUTH_UNKNOWN;
}

bool oracle_spans(struct oracle *oracle, uint32_t rule, uint32_t pattern, uint32_t limit,
                  struct oracle_span ret_spans[ORACLE_SPANS_MAX], uint32_t *ret_count)
{
    const struct case_pattern *it = &oracle->it->rules[rule]->patterns[pattern];
    const struct oracle_pattern *compiled = &oracle->patterns[rule][pattern];
    const struct entry_view *view = need_view(oracle, it->view);
    if (it->kind == CASE_REGEX) {
        return regex_spans(oracle, compiled->code, view, limit, ret_spans, ret_count);
    }
    struct entry_places places = {.capacity = ORACLE_SPANS_MAX};
    bool all = true;
    places.starts = allocate(ORACLE_SPANS_MAX, sizeof *places.starts);
    places.ends = allocate(ORACLE_SPANS_MAX, sizeof *places.ends);
    for (uint32_t i = 0; i < compiled->count && all; i++) {
        all = entry_find_all(&compiled->entries[i], view, &places);
    }
    for (uint32_t i = 0; i < places.count; i++) {
        entry_view_span(view, places.starts[i], places.ends[i], &ret_spans[i].start, &ret_spans[i].end);
    }
    *ret_count = places.count;
    free(places.starts);
    free(places.ends);
    return all;
}
