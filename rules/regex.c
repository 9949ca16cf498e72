#include "rules/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define JIT_STACK_START ((size_t)32 * 1024)
#define JIT_STACK_MAX ((size_t)1024 * 1024)
#define COMPILE_OPTIONS                                                                                                \
    (PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT)
#define WINDOW_TEXT_MIN 1024u /* a shorter text is tried at once: its limits are limit enough */
#define WINDOW_PLACES 64u     /* bytes in which a match may begin, at a time: at first, */
#define WINDOW_BUDGETS 32     /* and twice as many each time as long as that takes less than this part of the budget */

enum { CODE_NEW, CODE_READY, CODE_BROKEN };

/* What is made when the regex is first used: most are never looked at. */
struct regex_code {
    atomic_int state; /* CODE_NEW: what follows is guarded by code_lock; otherwise it does not change any more */
    pcre2_code *code; /* NULL: to be compiled from the pattern */
    struct span pattern;
    bool interpreted; /* it calls groups: see calls_group */
};

struct regex {
    struct regex_code *code;
    bool whole; /* has a \G, which asks where matching began, or a verb: always tried at once, from the start */
};

static pthread_mutex_t code_lock =
    PTHREAD_MUTEX_INITIALIZER; /* held for the first use of each regex, for some 0.1 ms */

struct regex_scratch {
    pcre2_match_data *data; /* one pair: only the range of the whole match is wanted */
    pcre2_match_context *context;
    pcre2_jit_stack *jit_stack;
    int64_t budget_ns;
};

static enum status fault(struct regex_fault *ret_fault, size_t offset, const char *text)
{
    if (ret_fault) {
        ret_fault->offset = offset > UINT32_MAX ? UINT32_MAX : (uint32_t)offset;
        snprintf(ret_fault->text, sizeof ret_fault->text, "%s", text);
    }
    return STATUS_INVALID;
}

static enum status fault_of_code(struct regex_fault *ret_fault, size_t offset, int code)
{
    char text[sizeof ret_fault->text];
    if (pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text) < 0 && text[0] == '\0') {
        snprintf(text, sizeof text, "error %d of PCRE2", code);
    }
    return fault(ret_fault, offset, text);
}

/* A verb such as (*UTF) or (*LIMIT_MATCH=9) at the start would change the dialect; (*atomic:...) and its like are
 * groups. */
static bool starts_with_verb(struct span pattern)
{
    return pattern.size >= 3 && pattern.data[0] == '(' && pattern.data[1] == '*' &&
           !(pattern.data[2] >= 'a' && pattern.data[2] <= 'z');
}

static int note_callout(pcre2_callout_enumerate_block *block, void *opaque)
{
    *(size_t *)opaque = block->pattern_position;
    return 1;
}

static pcre2_compile_context *compile_context_new(void)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (context) {
        /* The library's own defaults can be changed when it is built; Weir's dialect must not depend on that. */
        (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        (void)pcre2_set_bsr(context, PCRE2_BSR_UNICODE);
    }
    return context;
}

static enum status compile(struct span pattern, struct regex_fault *ret_fault, pcre2_code **ret_code)
{
    if (starts_with_verb(pattern)) {
        return fault(ret_fault, 0, "a (*VERB) at the start of a pattern is not allowed");
    }
    pcre2_compile_context *context = compile_context_new();
    if (!context) {
        return STATUS_NO_MEMORY;
    }
    int number = 0;
    PCRE2_SIZE offset = 0;
    const uint8_t *data = pattern.data ? pattern.data : (const uint8_t *)"";
    pcre2_code *code = pcre2_compile(data, pattern.size, COMPILE_OPTIONS, &number, &offset, context);
    pcre2_compile_context_free(context);
    if (!code) {
        /* ERROR_HEAP_FAILED of the compiler is a positive code, 121 */
        return number == PCRE2_ERROR_HEAP_FAILED ? STATUS_NO_MEMORY : fault_of_code(ret_fault, offset, number);
    }
    size_t callout_at = 0;
    if (pcre2_callout_enumerate(code, note_callout, &callout_at) != 0) {
        pcre2_code_free(code);
        return fault(ret_fault, callout_at, "a callout (?C) is not allowed");
    }
    *ret_code = code;
    return STATUS_OK;
}

/*
 * Does it call a group, as (?1), (?R), (?&name) or \g<1> do? A group that calls itself without taking text is a loop without
 * end: the interpreter notices that at once, machine code (10.42) when its stack is full, after some seconds. What only looks
 * like a call is interpreted for nothing: few patterns have one.
 */
static bool calls_group(struct span pattern)
{
    for (size_t i = 0; i + 2 < pattern.size; i++) {
        const uint8_t *at = pattern.data + i;
        uint8_t after = i + 3 < pattern.size ? at[3] : 0, digit = at[2] == '-' || at[2] == '+' ? after : at[2];
        bool call = at[2] == 'R' || at[2] == '&' || (at[2] == 'P' && after == '>') || (digit >= '0' && digit <= '9');
        if (at[0] == '(' && at[1] == '?' && call) {
            return true;
        }
        if (at[0] == '\\' && at[1] == 'g' && (at[2] == '<' || at[2] == '\'')) {
            return true;
        }
    }
    return false;
}

/* With room for a copy of the pattern behind it, if it is to be kept. */
static enum status regex_new(struct span pattern, bool keep, struct regex **ret_regex)
{
    struct regex *regex = calloc(1, sizeof *regex);
    struct regex_code *code = calloc(1, sizeof *code + (keep ? pattern.size : 0));
    if (!regex || !code) {
        free(regex);
        free(code);
        return STATUS_NO_MEMORY;
    }
    atomic_init(&code->state, CODE_NEW);
    if (keep && pattern.size > 0) {
        uint8_t *copy = (uint8_t *)(code + 1);
        memcpy(copy, pattern.data, pattern.size);
        code->pattern = span_of(copy, pattern.size);
    }
    code->interpreted = calls_group(pattern);
    regex->code = code;
    regex->whole = pattern.size > 0 && (memmem(pattern.data, pattern.size, "\\G", 2) != NULL ||
                                        memmem(pattern.data, pattern.size, "(*", 2) != NULL);
    *ret_regex = regex;
    return STATUS_OK;
}

enum status regex_compile(struct span pattern, struct regex_fault *ret_fault, struct regex **ret_regex)
{
    struct regex *regex = NULL;
    enum status status = regex_new(pattern, false, &regex);
    if (status == STATUS_OK) {
        status = compile(pattern, ret_fault, &regex->code->code);
    }
    if (status != STATUS_OK) {
        regex_free(&regex);
        return status;
    }
    *ret_regex = regex;
    return STATUS_OK;
}

enum status regex_defer(struct span pattern, struct regex **ret_regex)
{
    return regex_new(pattern, true, ret_regex);
}

/* Any thread. NULL: it cannot be compiled now. */
static const pcre2_code *code_of(const struct regex *regex)
{
    struct regex_code *code = regex->code;
    int state = atomic_load_explicit(&code->state, memory_order_acquire);
    if (state == CODE_NEW) {
        (void)pthread_mutex_lock(&code_lock);
        state = atomic_load_explicit(&code->state, memory_order_relaxed);
        if (state == CODE_NEW) {
            enum status status = code->code ? STATUS_OK : compile(code->pattern, NULL, &code->code);
            /* A pattern that the machine-code compiler cannot take is interpreted; the result is the same. */
            if (status == STATUS_OK && !code->interpreted) {
                (void)pcre2_jit_compile(code->code, PCRE2_JIT_COMPLETE);
            }
            /* Without memory now, there may be some for the next message. */
            state = status == STATUS_OK ? CODE_READY : status == STATUS_NO_MEMORY ? CODE_NEW : CODE_BROKEN;
            atomic_store_explicit(&code->state, state, memory_order_release);
        }
        (void)pthread_mutex_unlock(&code_lock);
    }
    return state == CODE_READY ? code->code : NULL;
}

void regex_free(struct regex **regex)
{
    if (*regex) {
        pcre2_code_free((*regex)->code->code);
        free((*regex)->code);
        free(*regex);
        *regex = NULL;
    }
}

bool regex_matches_empty(const struct regex *regex)
{
    uint32_t empty = 1;
    /* Asked of each regex that is read: a code that is there is not made into machine code for it. */
    (void)pthread_mutex_lock(&code_lock);
    const pcre2_code *code = regex->code->code;
    (void)pthread_mutex_unlock(&code_lock);
    code = code ? code : code_of(regex);
    if (code) {
        (void)pcre2_pattern_info(code, PCRE2_INFO_MATCHEMPTY, &empty);
    }
    return empty != 0;
}

size_t regex_size(const struct regex *regex)
{
    size_t code_size = 0, machine_size = 0;
    const pcre2_code *code = code_of(regex);
    if (code) {
        (void)pcre2_pattern_info(code, PCRE2_INFO_SIZE, &code_size);
        (void)pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &machine_size);
    }
    return sizeof *regex + sizeof *regex->code + regex->code->pattern.size + code_size + machine_size;
}

enum status regex_scratch_new(struct regex_scratch **ret_scratch)
{
    struct regex_scratch *scratch = calloc(1, sizeof *scratch);
    if (!scratch) {
        return STATUS_NO_MEMORY;
    }
    scratch->data = pcre2_match_data_create(1, NULL);
    scratch->context = pcre2_match_context_create(NULL);
    if (!scratch->data || !scratch->context) {
        regex_scratch_free(&scratch);
        return STATUS_NO_MEMORY;
    }
    regex_scratch_set_budget(scratch, REGEX_BUDGET_MS);
    (void)pcre2_set_match_limit(scratch->context, REGEX_MATCH_LIMIT);
    (void)pcre2_set_depth_limit(scratch->context, REGEX_DEPTH_LIMIT);
    (void)pcre2_set_heap_limit(scratch->context, REGEX_HEAP_LIMIT_KIB);
    /* NULL where there is no machine-code compiler; then nothing asks for the stack. */
    scratch->jit_stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
    if (scratch->jit_stack) {
        pcre2_jit_stack_assign(scratch->context, NULL, scratch->jit_stack);
    }
    *ret_scratch = scratch;
    return STATUS_OK;
}

void regex_scratch_free(struct regex_scratch **scratch)
{
    if (*scratch) {
        pcre2_match_data_free((*scratch)->data);
        pcre2_match_context_free((*scratch)->context);
        pcre2_jit_stack_free((*scratch)->jit_stack);
        free(*scratch);
        *scratch = NULL;
    }
}

void regex_scratch_set_budget(struct regex_scratch *scratch, uint32_t budget_ms)
{
    scratch->budget_ns = (int64_t)budget_ms * 1000000;
}

/* What pcre2_match gives for the first match that begins at `from` to `end`. */
static int match_from(const struct regex *regex, struct regex_scratch *scratch, struct span text, size_t from,
                      size_t end)
{
    const pcre2_code *code = code_of(regex);
    if (!code) {
        return PCRE2_ERROR_NOMEMORY;
    }
    bool at_once = regex->whole || text.size - from < WINDOW_TEXT_MIN || end - from < WINDOW_PLACES;
    int64_t started_ns = at_once ? 0 : clock_thread_ns(), called_ns = started_ns;
    size_t places = WINDOW_PLACES;
    for (;;) {
        size_t last = at_once || end - from < places ? end : from + places - 1;
        (void)pcre2_set_offset_limit(scratch->context, last);
        int count = pcre2_match(code, text.data, text.size, from, PCRE2_NO_UTF_CHECK, scratch->data, scratch->context);
        if (count != PCRE2_ERROR_NOMATCH || last == end || last >= text.size) {
            return count;
        }
        int64_t now_ns = clock_thread_ns();
        if (now_ns - started_ns >= scratch->budget_ns) {
            return PCRE2_ERROR_MATCHLIMIT;
        }
        /* Each call may look through the rest of the text, so few calls are better, if they are short enough. */
        if (now_ns - called_ns < scratch->budget_ns / WINDOW_BUDGETS) {
            places *= 2;
        } else if (places > WINDOW_PLACES) {
            places /= 2;
        }
        called_ns = now_ns;
        from = last + 1;
        while (from < text.size && (text.data[from] & 0xC0) == 0x80) {
            from++; /* PCRE2 does not check that it begins between two characters */
        }
    }
}

static enum status match(const struct regex *regex, struct regex_scratch *scratch, struct span text, uint32_t from,
                         size_t last, uint32_t *ret_start, uint32_t *ret_end)
{
    if (text.size > UINT32_MAX) {
        return STATUS_LIMIT; /* no offsets for it */
    }
    const uint8_t *data = text.data ? text.data : (const uint8_t *)"";
    /* Without its own checks PCRE2 trusts that a match starts between two characters. */
    while (from < text.size && (data[from] & 0xC0) == 0x80) {
        from++;
    }
    if (from > text.size || from > last) {
        return STATUS_NOT_FOUND;
    }
    int count = match_from(regex, scratch, span_of(data, text.size), from, last);
    if (count == PCRE2_ERROR_NOMATCH) {
        return STATUS_NOT_FOUND;
    }
    if (count < 0) {
        return STATUS_LIMIT; /* a limit, no memory, or a fault of the library: in each case nobody knows */
    }
    const PCRE2_SIZE *pair = pcre2_get_ovector_pointer(scratch->data);
    size_t start = pair[0], end = pair[1];
    if (start > end) { /* \K in a look-ahead that was called as a subroutine */
        start = pair[1];
        end = pair[0];
    }
    if (end > text.size) {
        return STATUS_LIMIT;
    }
    /* \K in a look-behind may point back before `from`: the caller goes forward only. */
    start = start < from ? from : start;
    end = end < start ? start : end;
    *ret_start = (uint32_t)start;
    *ret_end = (uint32_t)end;
    return STATUS_OK;
}

enum status regex_match(const struct regex *regex, struct regex_scratch *scratch, struct span text, uint32_t from,
                        uint32_t *ret_start, uint32_t *ret_end)
{
    return match(regex, scratch, text, from, PCRE2_UNSET, ret_start, ret_end);
}

enum status regex_match_between(const struct regex *regex, struct regex_scratch *scratch, struct span text,
                                uint32_t from, uint32_t last, uint32_t *ret_start, uint32_t *ret_end)
{
    if (regex->whole) {
        return match(regex, scratch, text, 0, PCRE2_UNSET, ret_start, ret_end);
    }
    return match(regex, scratch, text, from, last < text.size ? last : PCRE2_UNSET, ret_start, ret_end);
}

static char version[64] = "unknown"; /* written once, by version_once */
static pthread_once_t version_once = PTHREAD_ONCE_INIT;

static void version_read(void)
{
    char text[sizeof version];
    int size = pcre2_config(PCRE2_CONFIG_VERSION, NULL);
    if (size > 0 && (size_t)size <= sizeof text && pcre2_config(PCRE2_CONFIG_VERSION, text) > 0) {
        snprintf(version, sizeof version, "%s", text);
    }
}

const char *regex_version(void)
{
    (void)pthread_once(&version_once, version_read);
    return version;
}
