/*
 * PCRE2 alone: every pattern is tried on every message, with JIT and without checking UTF-8 again. One JSON line.
 *
 *     pcre2_loop EXPRESSIONS MESSAGES.lines [ROUNDS]
 *     pcre2_loop --rates EXPRESSIONS MESSAGES.lines    instead, for each expression, in how many messages it is found
 *
 * `flagged` is over the text as sent, which is what is timed; `flagged_folded` over Weir's folded view, which is what
 * Weir's rules see: for regexes over that view Weir must flag exactly as many.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "corpus.h"
#include "text/view.h"

#define OPTIONS (PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_DOTALL)
#define TEXT_SIZE_MAX ((size_t)64 << 20)

struct patterns {
    pcre2_code **codes;
    size_t *hits; /* messages in which each was found */
    size_t count, left_out;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

static void compile(const struct corpus *expressions, struct patterns *patterns)
{
    patterns->codes = corpus_grow(NULL, expressions->count, sizeof(pcre2_code *));
    patterns->hits = corpus_grow(NULL, expressions->count, sizeof *patterns->hits);
    for (size_t i = 0; i < expressions->count; i++) {
        int fault;
        PCRE2_SIZE place;
        pcre2_code *code =
            pcre2_compile(expressions->texts[i].data, expressions->texts[i].size, OPTIONS, &fault, &place, NULL);
        if (!code) {
            patterns->left_out++;
            continue;
        }
        (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
        patterns->codes[patterns->count++] = code;
    }
    patterns->data = pcre2_match_data_create(1, NULL);
    patterns->context = pcre2_match_context_create(NULL);
    patterns->stack = pcre2_jit_stack_create((size_t)32 << 10, (size_t)1 << 20, NULL);
    if (!patterns->data || !patterns->context || !patterns->stack)
        corpus_die("out of memory", "");
    pcre2_jit_stack_assign(patterns->context, NULL, patterns->stack);
}

static void free_all(struct patterns *patterns, struct corpus *expressions, struct corpus *messages)
{
    for (size_t i = 0; i < patterns->count; i++)
        pcre2_code_free(patterns->codes[i]);
    free(patterns->codes);
    free(patterns->hits);
    pcre2_match_data_free(patterns->data);
    pcre2_match_context_free(patterns->context);
    pcre2_jit_stack_free(patterns->stack);
    corpus_free(expressions);
    corpus_free(messages);
}

static size_t scan(struct patterns *patterns, const struct corpus *messages)
{
    size_t flagged = 0;
    memset(patterns->hits, 0, patterns->count * sizeof *patterns->hits);
    for (size_t i = 0; i < messages->count; i++) {
        bool found = false;
        struct span text = messages->texts[i];
        for (size_t p = 0; p < patterns->count; p++) {
            bool here = pcre2_match(patterns->codes[p], text.data, text.size, 0, PCRE2_NO_UTF_CHECK, patterns->data,
                                    patterns->context) >= 0;
            patterns->hits[p] += here;
            found |= here;
        }
        flagged += found;
    }
    return flagged;
}

static void make_view(enum view view, struct corpus *messages)
{
    for (size_t i = 0; i < messages->count; i++) {
        struct buffer out = BUFFER_INIT(TEXT_SIZE_MAX);
        if (view_append(view, messages->texts[i], &out, NULL) != STATUS_OK || buffer_reserve(&out, 1) != STATUS_OK)
            corpus_die("cannot make the view", view_names[view]);
        corpus_replace(messages, i, buffer_span(&out));
    }
}

static void print_rates(struct patterns *patterns, const struct corpus *messages)
{
    if (patterns->left_out > 0)
        corpus_die("an expression is refused", "");
    (void)scan(patterns, messages);
    for (size_t p = 0; p < patterns->count; p++)
        printf("%zu\n", patterns->hits[p]);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    struct corpus expressions = {0}, messages = {0};
    struct patterns patterns = {0};
    bool rates = argc == 4 && strcmp(argv[1], "--rates") == 0;
    argv += rates;
    argc -= rates;
    int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 3;
    double times[101];
    if (argc < 3 || rounds < 1 || rounds > 101)
        corpus_die("wrong usage", "pcre2_loop EXPRESSIONS MESSAGES.lines [ROUNDS]");
    if (view_start() != STATUS_OK)
        corpus_die("cannot start", "the Unicode tables");
    corpus_read(argv[1], &expressions);
    corpus_read(argv[2], &messages);
    int64_t started = clock_ticks_ns();
    compile(&expressions, &patterns);
    double load = (double)(clock_ticks_ns() - started) * 1e-9;
    make_view(VIEW_RAW, &messages); /* as sent, and surely UTF-8 */
    size_t flagged = 0;
    for (int i = 0; !rates && i < rounds; i++) {
        started = clock_thread_ns();
        flagged = scan(&patterns, &messages);
        times[i] = (double)(clock_thread_ns() - started) / (double)messages.count;
    }
    if (rates) {
        print_rates(&patterns, &messages);
    } else {
        qsort(times, (size_t)rounds, sizeof *times, compare);
        make_view(VIEW_FOLDED, &messages);
        printf("{\"patterns\": %zu, \"left_out\": %zu, \"messages\": %zu, \"ns\": %.1f, \"flagged\": %zu, "
               "\"flagged_folded\": %zu, \"load_seconds\": %.3f}\n",
               patterns.count, patterns.left_out, messages.count, times[rounds / 2], flagged,
               scan(&patterns, &messages), load);
    }
    free_all(&patterns, &expressions, &messages);
    return 0;
}
