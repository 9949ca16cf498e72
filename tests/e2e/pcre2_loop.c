/*
 * Reads the lines of `weir scan` as they come and compares them with the plainest scanner there is: every pattern against
 * every text with PCRE2, in a loop. It shares no code with Weir. Memory does not grow with the number of hits: of these,
 * no more is held than those of a few hundred texts.
 *
 *     weir scan ... | pcre2_loop [--limit STEPS] PATTERNS TEXTS
 *     pcre2_loop --check PATTERNS
 *
 * PATTERNS and TEXTS hold records: 4 bytes of flags, 4 bytes of size (both little-endian), the bytes.
 *
 * Flags of a pattern: bits 0 to 3 are the letters i, s, m, x; bit 4: it looks at the folded text, not at the raw one;
 * bit 5: it holds a dot between two characters that are neither dots nor white space, as each domain does, so texts
 * without such a dot are not tried; from bit 8 on: its rule. A rule holds if one of its patterns matches.
 *
 * TEXTS has two records for each message, raw and folded, both valid UTF-8. Flag 1: this text is not known, so rules
 * that look at it are not compared.
 *
 * Weir's lines have message ids from 0, in order, and rules named "cNUMBER." and more words. What is printed:
 *
 *  missed TEXT RULE        PCRE2 finds it, Weir does not
 *  extra TEXT RULE         Weir finds it, PCRE2 does not
 *  unexplained TEXT RULE   Weir calls it unscanned, but PCRE2 with Weir's limits has no trouble
 *  unscanned TEXT RULE     Weir calls it unscanned, and PCRE2 with Weir's limits hits one too
 *  open TEXT RULE          over the limit of this program: nobody knows
 *  strange LINE            a rule or a message that nobody made
 *  total NAME NUMBER       at the end
 *
 * Each but the last is printed LINES_MAX times at most; the totals count all. With --check only patterns that PCRE2 does
 * not take are told, as "bad PATTERN WORDS".
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXTS_A_CHUNK ((size_t)512)
#define TEXTS_A_TURN ((size_t)32)
#define JIT_STACK_BYTES_MAX ((size_t)64 << 20)
#define THREADS_MAX 64
#define LINES_MAX 1000
#define PROGRESS_SECONDS 20

/* Weir's own limits, as rules/regex.[ch] has them. */
#define WEIR_MATCH_LIMIT 100000u
#define WEIR_DEPTH_LIMIT 10000u
#define WEIR_HEAP_KIB 4096u
#define WEIR_JIT_STACK_BYTES ((size_t)1 << 20)
#define WEIR_TIMED_BYTES 1024u         /* from here on a text has a time limit in Weir as well, of 100 ms */
#define WEIR_TIME_NANOSECONDS 20000000 /* less than that, because Weir begins anew from many places */

/* A pattern that needs more than this for the first part of a long text would need 64 or more times that for the whole:
 * some need minutes. Such pairs are left out, and counted. */
#define LONG_BYTES ((size_t)8 << 10)
#define LONG_NANOSECONDS 1000000

enum { FOLDED = 1 << 4, DOTTED = 1 << 5, RULE_SHIFT = 8, UNKNOWN_TEXT = 1 };
enum verdict { NONE, MATCH, OPEN, LEFT_OUT };
enum fault { MISSED, EXTRA, UNEXPLAINED, UNSCANNED, OVER_LIMIT, STRANGE, FAULT_COUNT };

static const char *const fault_names[] = {"missed", "extra", "unexplained", "unscanned", "open", "strange"};

struct record {
    uint32_t flags, size;
    const uint8_t *bytes;
    bool dotted;
};

struct records {
    uint8_t *file;
    struct record *items;
    size_t count;
};

struct matcher {
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack;
};

static struct records patterns, texts;
static pcre2_code **codes;
static size_t message_count, rule_count;
static bool *rule_folded;
static uint8_t *expected; /* of one chunk: an enum verdict for each message and rule */
static uint8_t *reported; /* of one chunk: by Weir: NONE, MATCH or OPEN, which is unscanned */
static size_t chunk_first, chunk_end;
static atomic_size_t next_text;
static uint32_t limit = 10000000;
static unsigned long long totals[FAULT_COUNT], agreed, compared, left_out;
static struct matcher weir_matcher;

static void die(const char *what, const char *name)
{
    fprintf(stderr, "pcre2_loop: %s: %s\n", what, name);
    exit(3);
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        die("out of memory", "");
    return memory;
}

/* ---------------------------------------------------------------- what is given */

static uint32_t little_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool joins_dot(uint8_t byte)
{
    return byte > ' ' && byte != '.';
}

static bool has_inner_dot(const uint8_t *bytes, size_t size)
{
    for (size_t i = 1; i + 1 < size; i++) {
        if (bytes[i] == '.' && joins_dot(bytes[i - 1]) && joins_dot(bytes[i + 1]))
            return true;
    }
    return false;
}

static void records_read(const char *path, struct records *ret_records)
{
    FILE *in = fopen(path, "rb");
    if (!in || fseek(in, 0, SEEK_END) != 0)
        die("cannot read", path);
    long size = ftell(in);
    if (size < 0 || fseek(in, 0, SEEK_SET) != 0)
        die("cannot read", path);
    uint8_t *file = allocate((size_t)size, 1);
    if (fread(file, 1, (size_t)size, in) != (size_t)size)
        die("cannot read", path);
    (void)fclose(in);

    size_t count = 0;
    for (size_t at = 0; at + 8 <= (size_t)size; at += 8 + little_endian(file + at + 4))
        count++;
    struct record *items = allocate(count, sizeof *items);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        items[i].flags = little_endian(file + at);
        items[i].size = little_endian(file + at + 4);
        if (items[i].size > (size_t)size - at - 8)
            die("cut off", path);
        items[i].bytes = file + at + 8;
        items[i].dotted = has_inner_dot(items[i].bytes, items[i].size);
        at += 8 + items[i].size;
    }
    *ret_records = (struct records){.file = file, .items = items, .count = count};
}

static void compile_all(bool check)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context)
        die("out of memory", "");
    (void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    codes = allocate(patterns.count, sizeof *codes);
    for (size_t p = 0; p < patterns.count; p++) {
        const struct record *pattern = &patterns.items[p];
        uint32_t options = PCRE2_UTF | PCRE2_UCP;
        options |= pattern->flags & 1 ? PCRE2_CASELESS : 0;
        options |= pattern->flags & 2 ? PCRE2_DOTALL : 0;
        options |= pattern->flags & 4 ? PCRE2_MULTILINE : 0;
        options |= pattern->flags & 8 ? PCRE2_EXTENDED : 0;
        int error = 0;
        PCRE2_SIZE offset = 0;
        codes[p] = pcre2_compile(pattern->bytes, pattern->size, options, &error, &offset, context);
        if (codes[p]) {
            (void)pcre2_jit_compile(codes[p], PCRE2_JIT_COMPLETE);
        } else {
            PCRE2_UCHAR words[200] = "";
            (void)pcre2_get_error_message(error, words, sizeof words);
            printf("bad %zu %s\n", p, (const char *)words);
            if (!check)
                exit(3);
        }
        size_t rule = pattern->flags >> RULE_SHIFT;
        rule_count = rule >= rule_count ? rule + 1 : rule_count;
    }
    pcre2_compile_context_free(context);
    rule_folded = allocate(rule_count, sizeof *rule_folded);
    for (size_t p = 0; p < patterns.count; p++)
        rule_folded[patterns.items[p].flags >> RULE_SHIFT] = patterns.items[p].flags & FOLDED;
}

/* ---------------------------------------------------------------- the loop */

static struct matcher matcher_new(uint32_t steps, uint32_t depth, uint32_t heap_kib, size_t stack_bytes)
{
    struct matcher matcher = {.context = pcre2_match_context_create(NULL), .data = pcre2_match_data_create(1, NULL)};
    matcher.stack = pcre2_jit_stack_create(32 << 10, stack_bytes, NULL);
    if (!matcher.context || !matcher.data || !matcher.stack)
        die("out of memory", "");
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

/* The texts were checked once, in the beginning, so that PCRE2 need not check them for each pattern. */
static enum verdict match_bytes(const struct matcher *matcher, const struct record *text, size_t size, size_t p)
{
    int result = pcre2_match(codes[p], text->bytes, size, 0, PCRE2_NO_UTF_CHECK, matcher->data, matcher->context);
    if (result >= 0)
        return MATCH;
    if (result == PCRE2_ERROR_NOMATCH)
        return NONE;
    if (result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT || result == PCRE2_ERROR_HEAPLIMIT ||
        result == PCRE2_ERROR_JIT_STACKLIMIT)
        return OPEN;
    fprintf(stderr, "pcre2_loop: error %d at pattern %zu\n", result, p);
    exit(3);
}

static bool takes_longer(const struct matcher *matcher, const struct record *text, size_t size, size_t p,
                         long nanoseconds)
{
    struct timespec from, to;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    (void)match_bytes(matcher, text, size, p);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    return (to.tv_sec - from.tv_sec) * 1000000000 + (to.tv_nsec - from.tv_nsec) > nanoseconds;
}

static bool is_slow(const struct matcher *matcher, const struct record *text, size_t p)
{
    size_t part = LONG_BYTES;
    while ((text->bytes[part] & 0xC0) == 0x80)
        part--;
    return takes_longer(matcher, text, part, p, LONG_NANOSECONDS);
}

static enum verdict match_one(const struct matcher *matcher, const struct record *text, size_t p)
{
    if ((patterns.items[p].flags & DOTTED) && !text->dotted)
        return NONE;
    if (text->size > LONG_BYTES && is_slow(matcher, text, p))
        return LEFT_OUT;
    return match_bytes(matcher, text, text->size, p);
}

/* A match of one pattern decides its rule; without one, whatever is not known leaves it open. */
static enum verdict stronger(enum verdict a, enum verdict b)
{
    return a == MATCH || b == MATCH ? MATCH : a > b ? a : b;
}

static void *match_texts(void *context)
{
    const struct matcher *matcher = context;
    for (;;) {
        size_t from = atomic_fetch_add(&next_text, TEXTS_A_TURN);
        if (from >= chunk_end)
            return NULL;
        size_t to = from + TEXTS_A_TURN < chunk_end ? from + TEXTS_A_TURN : chunk_end;
        for (size_t p = 0; p < patterns.count; p++) {
            uint32_t flags = patterns.items[p].flags;
            for (size_t t = from; t < to; t++) {
                const struct record *text = &texts.items[2 * t + (flags & FOLDED ? 1 : 0)];
                uint8_t *verdict = &expected[(t - chunk_first) * rule_count + (flags >> RULE_SHIFT)];
                if (!(text->flags & UNKNOWN_TEXT) && *verdict != MATCH)
                    *verdict = (uint8_t)stronger(*verdict, match_one(matcher, text, p));
            }
        }
    }
}

/* ---------------------------------------------------------------- Weir's lines */

struct line {
    unsigned long message, rule;
    bool unscanned;
};

struct lines {
    char *text;
    size_t capacity;
    struct line ahead; /* read, but of a later chunk */
    bool has_ahead, ended;
};

static void tell(enum fault fault, size_t message, size_t rule)
{
    if (totals[fault]++ < LINES_MAX)
        printf("%s %zu %zu\n", fault_names[fault], message, rule);
}

static bool line_parse(const char *text, size_t size, struct line *ret_line)
{
    static const char head[] = "{\"message_id\":\"", middle[] = "\",\"rule\":\"c";
    char *end;
    if (strncmp(text, head, sizeof head - 1) != 0)
        return false;
    struct line line = {.message = strtoul(text + sizeof head - 1, &end, 10)};
    if (end == text + sizeof head - 1 || strncmp(end, middle, sizeof middle - 1) != 0)
        return false;
    const char *number = end + sizeof middle - 1;
    line.rule = strtoul(number, &end, 10);
    const char *spans = memmem(text, size, "\"spans\":[", 9);
    if (end == number || *end != '.' || !spans || line.message >= message_count || line.rule >= rule_count)
        return false;
    line.unscanned = memmem(text, (size_t)(spans - text), "\"outcome\":\"unscanned\"", 21) != NULL;
    *ret_line = line;
    return true;
}

static void note(const struct line *line)
{
    uint8_t *cell = &reported[(line->message - chunk_first) * rule_count + line->rule];
    if (*cell != NONE)
        tell(STRANGE, line->message, line->rule);
    *cell = line->unscanned ? OPEN : MATCH;
}

/* Takes the lines of this chunk. */
static void lines_take(struct lines *lines)
{
    for (;;) {
        if (!lines->has_ahead) {
            ssize_t size = lines->ended ? -1 : getline(&lines->text, &lines->capacity, stdin);
            if (size < 0) {
                lines->ended = true;
                return;
            }
            if (size > 0 && lines->text[size - 1] == '\n')
                lines->text[--size] = '\0';
            if (!line_parse(lines->text, (size_t)size, &lines->ahead)) {
                if (totals[STRANGE]++ < LINES_MAX)
                    printf("strange %.200s\n", lines->text);
                continue;
            }
            if (lines->ahead.message < chunk_first)
                die("not in order", lines->text);
        }
        lines->has_ahead = lines->ahead.message >= chunk_end;
        if (lines->has_ahead)
            return;
        note(&lines->ahead);
    }
}

/* ---------------------------------------------------------------- the comparison */

static bool pattern_explains(const struct record *text, size_t p)
{
    if (text->size > LONG_BYTES && is_slow(&weir_matcher, text, p))
        return true;
    if (text->size >= WEIR_TIMED_BYTES && takes_longer(&weir_matcher, text, text->size, p, WEIR_TIME_NANOSECONDS))
        return true;
    return match_bytes(&weir_matcher, text, text->size, p) == OPEN;
}

/* Does PCRE2 with Weir's limits hit one of them too, or take Weir's time for a long text? */
static bool is_explained(size_t message, size_t rule)
{
    const struct record *text = &texts.items[2 * message + (rule_folded[rule] ? 1 : 0)];
    for (size_t p = 0; p < patterns.count; p++) {
        if (patterns.items[p].flags >> RULE_SHIFT == rule && pattern_explains(text, p))
            return true;
    }
    return false;
}

static void compare_pair(size_t message, size_t rule, enum verdict want, enum verdict got)
{
    compared++;
    if (got == OPEN)
        tell(is_explained(message, rule) ? UNSCANNED : UNEXPLAINED, message, rule);
    else if (want == LEFT_OUT)
        left_out++;
    else if (want == OPEN)
        tell(OVER_LIMIT, message, rule);
    else if (want == MATCH && got == MATCH)
        agreed++;
    else if (want != got)
        tell(want == MATCH ? MISSED : EXTRA, message, rule);
}

static void compare_chunk(void)
{
    for (size_t t = chunk_first; t < chunk_end; t++) {
        bool folded_known = !(texts.items[2 * t + 1].flags & UNKNOWN_TEXT);
        for (size_t rule = 0; rule < rule_count; rule++) {
            size_t cell = (t - chunk_first) * rule_count + rule;
            if (folded_known || !rule_folded[rule])
                compare_pair(t, rule, expected[cell], reported[cell]);
        }
    }
}

static void tell_progress(time_t started)
{
    fprintf(stderr,
            "%zu of %zu messages, %llu pairs agreed, %llu missed, %llu extra, %llu unscanned and explained, %llu not; "
            "%ld s\n",
            chunk_end, message_count, agreed, totals[MISSED], totals[EXTRA], totals[UNSCANNED], totals[UNEXPLAINED],
            (long)(time(NULL) - started));
}

static void compare_all(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (size_t)cores;
    struct matcher matchers[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    struct lines lines = {0};
    time_t started = time(NULL), told = started;
    weir_matcher = matcher_new(WEIR_MATCH_LIMIT, WEIR_DEPTH_LIMIT, WEIR_HEAP_KIB, WEIR_JIT_STACK_BYTES);
    for (size_t i = 0; i < count; i++)
        matchers[i] = matcher_new(limit, limit, 1 << 20, JIT_STACK_BYTES_MAX);
    expected = allocate(TEXTS_A_CHUNK, rule_count);
    reported = allocate(TEXTS_A_CHUNK, rule_count);
    for (chunk_first = 0; chunk_first < message_count; chunk_first = chunk_end) {
        chunk_end = chunk_first + TEXTS_A_CHUNK < message_count ? chunk_first + TEXTS_A_CHUNK : message_count;
        memset(expected, NONE, TEXTS_A_CHUNK * rule_count);
        memset(reported, NONE, TEXTS_A_CHUNK * rule_count);
        atomic_store(&next_text, chunk_first);
        for (size_t i = 0; i < count; i++) {
            if (pthread_create(&threads[i], NULL, match_texts, &matchers[i]) != 0)
                die("cannot start a thread", "");
        }
        lines_take(&lines);
        for (size_t i = 0; i < count; i++)
            pthread_join(threads[i], NULL);
        compare_chunk();
        if (time(NULL) - told >= PROGRESS_SECONDS) {
            told = time(NULL);
            tell_progress(started);
        }
    }
    lines_take(&lines); /* there should be none left */
    for (size_t i = 0; i < count; i++)
        matcher_free(&matchers[i]);
    matcher_free(&weir_matcher);
    free(lines.text);
    free(expected);
    free(reported);
}

/* Each text is checked here, by PCRE2 itself, because the loop has PCRE2 check none. */
static void check_texts(void)
{
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code *empty = pcre2_compile((PCRE2_SPTR) "", 0, PCRE2_UTF, &error, &offset, NULL);
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!empty || !data)
        die("out of memory", "");
    for (size_t t = 0; t < texts.count; t++) {
        if (pcre2_match(empty, texts.items[t].bytes, texts.items[t].size, 0, 0, data, NULL) < 0)
            die("a text is not valid", "");
    }
    pcre2_match_data_free(data);
    pcre2_code_free(empty);
}

static void tell_totals(void)
{
    for (int fault = 0; fault < FAULT_COUNT; fault++)
        printf("total %s %llu\n", fault_names[fault], totals[fault]);
    printf("total agreed %llu\ntotal compared %llu\ntotal left_out %llu\n", agreed, compared, left_out);
}

int main(int argc, char **argv)
{
    bool check = argc == 3 && strcmp(argv[1], "--check") == 0;
    int at = check ? 2 : 1;
    if (argc > 3 && strcmp(argv[at], "--limit") == 0) {
        limit = (uint32_t)strtoul(argv[at + 1], NULL, 10);
        at += 2;
    }
    if (argc - at != (check ? 1 : 2))
        die("wrong usage", "see the head of tests/e2e/pcre2_loop.c");
    records_read(argv[at], &patterns);
    compile_all(check);
    if (!check) {
        records_read(argv[at + 1], &texts);
        message_count = texts.count / 2;
        check_texts();
        compare_all();
        tell_totals();
    }
    for (size_t p = 0; p < patterns.count; p++)
        pcre2_code_free(codes[p]);
    free(codes);
    free(rule_folded);
    free(patterns.items);
    free(patterns.file);
    free(texts.items);
    free(texts.file);
    return 0;
}
