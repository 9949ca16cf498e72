/*
 * The search is never tighter than the rule: random patterns against random texts, and real patterns against real
 * messages where WEIR_SHARED_DATA names them. tests/fuzz/fuzz_regex_superset goes on with the first for as long as one
 * likes.
 */
#include "tests/fuzz/regex_campaign.h"
#include "tests/support/cmocka_all.h"

#define SECONDS_MAX 8.0

static void test_random(void **state)
{
    struct campaign campaign = {.seed = 20260101};
    const char *seed = getenv("WEIR_SEED");
    (void)state;
    campaign.seed = seed ? strtoull(seed, NULL, 10) : campaign.seed;
    assert_true(superset_init(&campaign.run));
    print_message("seed %llu (WEIR_SEED sets another one)\n", (unsigned long long)campaign.seed);
    campaign_run(&campaign, 1200, SECONDS_MAX);
    campaign_report(&campaign);
    assert_int_equal(campaign.missed, 0);
    assert_true(campaign.run.matches > campaign.patterns); /* it did compare something */
    superset_free(&campaign.run);
}

struct lines {
    char *text;
    struct span *spans;
    uint32_t count;
};

static void read_lines(const char *path, struct lines *ret_lines)
{
    struct lines lines = {.count = 0};
    FILE *file = fopen(path, "rb");
    size_t size = 0, room = 0;
    assert_non_null(file);
    do {
        room += 1 << 20;
        lines.text = realloc(lines.text, room);
        assert_non_null(lines.text);
        size += fread(lines.text + size, 1, room - size, file);
    } while (size == room);
    fclose(file);
    lines.spans = calloc(size + 1, sizeof *lines.spans);
    assert_non_null(lines.spans);
    for (size_t at = 0; at < size;) {
        char *end = memchr(lines.text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - lines.text) - at : size - at;
        lines.spans[lines.count++] = span_of(lines.text + at, length);
        at += length + 1;
    }
    *ret_lines = lines;
}

static void free_lines(struct lines *lines)
{
    free(lines->text);
    free(lines->spans);
}

/* The columns of a row are id, flags, two verdicts and the pattern. Flags become inline options of Weir's dialect. */
static bool read_pattern(struct span row, struct buffer *pattern)
{
    const char *at = (const char *)row.data, *end = at + row.size, *columns[5] = {at};
    for (int i = 1; i < 5; i++) {
        const char *tab = memchr(columns[i - 1], '\t', (size_t)(end - columns[i - 1]));
        if (!tab) {
            return false;
        }
        columns[i] = tab + 1;
    }
    size_t flags = (size_t)(columns[2] - columns[1] - 1);
    buffer_clear(pattern);
    return at[0] != '#' &&
           buffer_print(pattern, "%s%s%s%s", memchr(columns[1], 'i', flags) ? "" : "(?-i)",
                        memchr(columns[1], 's', flags) ? "" : "(?-s)", memchr(columns[1], 'm', flags) ? "(?m)" : "",
                        memchr(columns[1], 'x', flags) ? "(?x)" : "") == STATUS_OK &&
           buffer_append(pattern, columns[4], (size_t)(end - columns[4])) == STATUS_OK;
}

/* A sample of the patterns of each file over a sample of messages. */
static void test_real(void **state)
{
    static const char *const files[] = {"kam_cf",          "spamassassin_rules", "spamassassin_sandbox", "crs",
                                        "reddit_toxicbot", "gitleaks",           "hyperscan_hscollider", "rebar"};
    const char *data = getenv("WEIR_SHARED_DATA");
    struct superset run;
    struct lines messages, rows;
    struct buffer pattern = BUFFER_INIT(1 << 20);
    char path[4096];
    (void)state;
    if (!data) {
        skip();
    }
    snprintf(path, sizeof path, "%s/messages/sms_spam.tsv", data);
    read_lines(path, &messages);
    assert_true(superset_init(&run));
    double until = campaign_now() + SECONDS_MAX;
    uint32_t step = messages.count / 400 + 1, count = 0;
    for (uint32_t i = 0; i < messages.count; i += step) {
        messages.spans[count++] = messages.spans[i];
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/patterns/%s.tsv", data, files[i]);
        read_lines(path, &rows);
        for (uint32_t row = (uint32_t)i; row < rows.count && campaign_now() < until; row += rows.count / 60 + 1) {
            if (read_pattern(rows.spans[row], &pattern)) {
                assert_int_not_equal(superset_check(&run, buffer_span(&pattern), messages.spans, count),
                                     SUPERSET_MISSED);
            }
        }
        free_lines(&rows);
    }
    print_message(
        "%llu searched, %llu unsupported, %llu too large, %llu not compiled; %llu matches, %llu candidates\n",
        (unsigned long long)run.outcomes[SUPERSET_HELD], (unsigned long long)run.outcomes[SUPERSET_UNSUPPORTED],
        (unsigned long long)run.outcomes[SUPERSET_TOO_LARGE], (unsigned long long)run.outcomes[SUPERSET_NOT_COMPILED],
        (unsigned long long)run.matches, (unsigned long long)run.candidates);
    assert_true(run.outcomes[SUPERSET_HELD] > 0); /* how many is a matter of time; under a sanitizer they are few */
    superset_free(&run);
    buffer_free(&pattern);
    free_lines(&messages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_real)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
