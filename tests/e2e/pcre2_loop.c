/*
 * The plainest scanner there is: every pattern against every text with pcre2_match, in a loop. It shares no code with
 * Weir and is what Weir's answers are compared with.
 *
 *     pcre2_loop [--limit STEPS] [--interpret] PATTERNS TEXTS MATCHES
 *     pcre2_loop [--limit STEPS] [--interpret] --pairs PATTERNS TEXTS
 *
 * PATTERNS and TEXTS hold records: 4 bytes of flags, 4 bytes of size (both little-endian), the bytes. The flags of a
 * pattern are the letters i, s, m, x as bits 0 to 3; those of a text mean nothing. Texts must be valid UTF-8.
 *
 * MATCHES gets a row of bits for each text, rows filled up to whole bytes, bit p of a row from the lowest. With --pairs
 * lines "TEXT PATTERN" are read from stdin instead, and answered. What is printed, one a line:
 *
 *  bad PATTERN WORDS      PCRE2 does not take the pattern
 *  limit TEXT PATTERN     a limit was hit: nobody knows
 *  match TEXT PATTERN     for --pairs
 *  none TEXT PATTERN      for --pairs
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
#include <unistd.h>

#define TEXTS_A_TURN 4
#define JIT_STACK_BYTES_MAX ((size_t)256 << 20)

struct record {
    uint32_t flags, size;
    const uint8_t *bytes;
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
static uint8_t *matches;
static size_t row_bytes;
static uint32_t limit = 10000000;
static bool interpret;
static atomic_size_t next_text;
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;

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

static uint32_t little_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
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
        at += 8 + items[i].size;
    }
    *ret_records = (struct records){.file = file, .items = items, .count = count};
}

static void compile_all(void)
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
        if (!codes[p]) {
            PCRE2_UCHAR words[200] = "";
            (void)pcre2_get_error_message(error, words, sizeof words);
            printf("bad %zu %s\n", p, (const char *)words);
        } else if (!interpret) {
            (void)pcre2_jit_compile(codes[p], PCRE2_JIT_COMPLETE);
        }
    }
    pcre2_compile_context_free(context);
}

static struct matcher matcher_new(void)
{
    struct matcher matcher = {.context = pcre2_match_context_create(NULL), .data = pcre2_match_data_create(1, NULL)};
    matcher.stack = pcre2_jit_stack_create(1 << 20, JIT_STACK_BYTES_MAX, NULL);
    if (!matcher.context || !matcher.data || !matcher.stack)
        die("out of memory", "");
    (void)pcre2_set_match_limit(matcher.context, limit);
    (void)pcre2_set_depth_limit(matcher.context, limit);
    (void)pcre2_set_heap_limit(matcher.context, 1 << 20);
    pcre2_jit_stack_assign(matcher.context, NULL, matcher.stack);
    return matcher;
}

static void matcher_free(struct matcher *matcher)
{
    pcre2_jit_stack_free(matcher->stack);
    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
}

/* 1: matches, 0: does not, -1: a limit was hit. */
static int match_one(const struct matcher *matcher, size_t t, size_t p)
{
    int result =
        pcre2_match(codes[p], texts.items[t].bytes, texts.items[t].size, 0, 0, matcher->data, matcher->context);
    if (result >= 0)
        return 1;
    if (result == PCRE2_ERROR_NOMATCH)
        return 0;
    if (result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT || result == PCRE2_ERROR_HEAPLIMIT ||
        result == PCRE2_ERROR_JIT_STACKLIMIT)
        return -1;
    fprintf(stderr, "pcre2_loop: error %d at text %zu, pattern %zu\n", result, t, p);
    exit(3);
}

static void *match_texts(void *unused)
{
    (void)unused;
    struct matcher matcher = matcher_new();
    for (;;) {
        size_t from = atomic_fetch_add(&next_text, TEXTS_A_TURN);
        if (from >= texts.count)
            break;
        size_t to = from + TEXTS_A_TURN < texts.count ? from + TEXTS_A_TURN : texts.count;
        for (size_t p = 0; p < patterns.count; p++) {
            for (size_t t = from; codes[p] && t < to; t++) {
                int result = match_one(&matcher, t, p);
                if (result > 0) {
                    matches[t * row_bytes + p / 8] |= (uint8_t)(1u << (p % 8));
                } else if (result < 0) {
                    pthread_mutex_lock(&out_lock);
                    printf("limit %zu %zu\n", t, p);
                    pthread_mutex_unlock(&out_lock);
                }
            }
        }
    }
    matcher_free(&matcher);
    return NULL;
}

static void match_all(const char *path)
{
    row_bytes = (patterns.count + 7) / 8;
    matches = allocate(texts.count, row_bytes ? row_bytes : 1);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t threads[64];
    size_t count = cores < 1 ? 1 : cores > 64 ? 64 : (size_t)cores;
    for (size_t i = 0; i < count; i++) {
        if (pthread_create(&threads[i], NULL, match_texts, NULL) != 0)
            die("cannot start a thread", "");
    }
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);

    FILE *out = fopen(path, "wb");
    if (!out || fwrite(matches, row_bytes, texts.count, out) != texts.count || fclose(out) != 0)
        die("cannot write", path);
    free(matches);
}

static void match_pairs(void)
{
    struct matcher matcher = matcher_new();
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        char *end = NULL;
        size_t t = strtoul(line, &end, 10);
        size_t p = strtoul(end, NULL, 10);
        if (t >= texts.count || p >= patterns.count || !codes[p])
            die("no such pair", line);
        int result = match_one(&matcher, t, p);
        printf("%s %zu %zu\n", result > 0 ? "match" : result < 0 ? "limit" : "none", t, p);
    }
    matcher_free(&matcher);
}

int main(int argc, char **argv)
{
    bool pairs = false;
    int at = 1;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--interpret") == 0)
            interpret = true;
        else if (strcmp(argv[at], "--pairs") == 0)
            pairs = true;
        else if (strcmp(argv[at], "--limit") == 0 && at + 1 < argc)
            limit = (uint32_t)strtoul(argv[++at], NULL, 10);
    }
    if (argc - at != (pairs ? 2 : 3))
        die("wrong usage", "see the head of tests/e2e/pcre2_loop.c");
    records_read(argv[at], &patterns);
    records_read(argv[at + 1], &texts);
    compile_all();
    if (pairs)
        match_pairs();
    else
        match_all(argv[at + 2]);

    for (size_t p = 0; p < patterns.count; p++)
        pcre2_code_free(codes[p]);
    free(codes);
    free(patterns.items);
    free(patterns.file);
    free(texts.items);
    free(texts.file);
    return 0;
}
