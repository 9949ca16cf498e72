#include "scanner/selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "rules/regex.h"
#include "scanner/scanner.h"

#define TEXT_WORDS_MAX 12
#define PACK_BYTES_MAX ((size_t)8 << 20)

static const struct {
    uint32_t patterns, texts;
} sizes[] = {[SELFTEST_SHORT] = {120, 200}, [SELFTEST_FULL] = {SELFTEST_FULL_PATTERNS, SELFTEST_FULL_TEXTS}};

static const char *const words[] = {
    "photo", "transfer", "gift",   "card",   "send",  "money",   "secret", "tell", "mother",  "address", "bank",
    "code",  "verify",   "kill",   "meet",   "alone", "account", "pay",    "win",  "prize",   "urgent",  "click",
    "link",  "password", "crypto", "invest", "home",  "school",  "age",    "pic",  "nobody",  "friend",  "stop",
    "dance", "scam",     "class",  "email",  "phone", "number",  "street", "what", "tonight", "please",  "now",
};
#define WORD_COUNT (sizeof words / sizeof *words)

/* What is tested: pattern i belongs to the rule "selftest.i"; regexes[i] is what PCRE2 makes of it alone. */
struct selftest {
    uint32_t pattern_count, text_count;
    struct regex **regexes;
    struct buffer pack;
    struct buffer text_bytes;
    struct span *texts;
    uint8_t *flagged; /* [text * pattern_count + pattern] by the scanner */
    uint64_t random;
};

/* xorshift64*: reproducible, and good enough to choose words. Vigna, "An experimental exploration of Marsaglia's
 * xorshift". */
static uint32_t next_random(struct selftest *test, uint32_t below)
{
    test->random ^= test->random >> 12;
    test->random ^= test->random << 25;
    test->random ^= test->random >> 27;
    return (uint32_t)((test->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

static const char *next_word(struct selftest *test)
{
    return words[next_random(test, WORD_COUNT)];
}

/* Single-quoted YAML: none of the shapes holds a quote. */
static void next_pattern(struct selftest *test, char *pattern, size_t size)
{
    const char *a = next_word(test), *b = next_word(test), *c = next_word(test);
    static const char *const shapes[] = {
        "(?:%s|%s)",     "\\b%s\\b", "%s.{0,20}%s",     "\\b(?:%s|%s)\\s+%s\\b", "%s[a-z]*\\W+%s",
        "(?-i)%s\\s%s?", "^%s.*%s",  "(?=%s)\\w+\\s%s", "%s$|\\b%s %s",
    };
    const char *shape = shapes[next_random(test, sizeof shapes / sizeof *shapes)];
    const char *const parts[] = {a, b, c};
    size_t used = 0, part = 0;
    for (; *shape && used + 1 < size; shape++) {
        if (shape[0] == '%' && shape[1] == 's') {
            used += (size_t)snprintf(pattern + used, size - used, "%s", parts[part++ % 3]);
            shape++;
        } else {
            pattern[used++] = *shape;
        }
    }
    pattern[used < size ? used : size - 1] = '\0';
}

static enum status make_patterns(struct selftest *test)
{
    enum status status = buffer_append_text(&test->pack, "pack: selftest\ndefaults: {view: raw}\nrules:\n");
    for (uint32_t i = 0; status == STATUS_OK && i < test->pattern_count; i++) {
        char pattern[128];
        next_pattern(test, pattern, sizeof pattern);
        status = regex_compile(span_text(pattern), NULL, &test->regexes[i]);
        if (status == STATUS_OK) {
            status = buffer_print(&test->pack,
                                  "  - {id: selftest.%u, title: t, severity: low, patterns: {p: {regex: '%s'}}}\n", i,
                                  pattern);
        }
    }
    return status;
}

static enum status make_texts(struct selftest *test)
{
    enum status status = STATUS_OK;
    static const char *const between[] = {" ", " ", " ", ", ", "-", "", "\n", " \xC3\xA9t\xC3\xA9 "};
    for (uint32_t i = 0; status == STATUS_OK && i < test->text_count; i++) {
        size_t start = test->text_bytes.size;
        uint32_t count = next_random(test, TEXT_WORDS_MAX) + 1;
        for (uint32_t w = 0; status == STATUS_OK && w < count; w++) {
            status = buffer_print(&test->text_bytes, "%s%s", w ? between[next_random(test, 8)] : "", next_word(test));
        }
        test->texts[i] = span_of(NULL, test->text_bytes.size - start);
    }
    const uint8_t *at = test->text_bytes.data;
    for (uint32_t i = 0; status == STATUS_OK && i < test->text_count; i++) {
        test->texts[i].data = at;
        at += test->texts[i].size;
    }
    return status;
}

static enum status on_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    struct selftest *test = context;
    for (uint32_t i = 0; i < hit_count; i++) {
        const char *number = strrchr(hits[i].rule->id, '.');
        unsigned long pattern = number ? strtoul(number + 1, NULL, 10) : test->pattern_count;
        if (hits[i].outcome == OUTCOME_FLAGGED && pattern < test->pattern_count) {
            test->flagged[(size_t)message * test->pattern_count + pattern] = 1;
        }
    }
    return STATUS_OK;
}

static enum status compare(struct selftest *test, struct error *error)
{
    struct regex_scratch *scratch;
    enum status status = regex_scratch_new(&scratch);
    uint32_t missed = 0, extra = 0, right = 0;
    if (status != STATUS_OK) {
        return status;
    }
    for (uint32_t t = 0; t < test->text_count; t++) {
        for (uint32_t p = 0; p < test->pattern_count; p++) {
            uint32_t start, end;
            bool matches = regex_match(test->regexes[p], scratch, test->texts[t], 0, &start, &end) == STATUS_OK;
            bool flagged = test->flagged[(size_t)t * test->pattern_count + p];
            right += matches && flagged;
            missed += matches && !flagged;
            extra += !matches && flagged;
        }
    }
    regex_scratch_free(&scratch);
    if (missed > 0 || extra > 0 || right == 0) {
        error_set(
            error,
            "the search engine (%s) disagrees with PCRE2: of %u true matches it missed %u, and %u were wrong. Link "
            "Debian's libhyperscan, not libvectorscan",
            partition_engine(), right + missed, missed, extra);
        return STATUS_CONFLICT;
    }
    return STATUS_OK;
}

static enum status scan_all(struct selftest *test, struct error *error)
{
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    struct scanner *scanner = NULL;
    enum status status = ruleset_parse(buffer_span(&test->pack), "selftest", &findings, &ruleset);
    if (status != STATUS_OK) {
        error_set(error, "the self-test's rules do not load: %s", findings.count ? findings.items[0].text : "");
        status = status == STATUS_INVALID ? STATUS_SYSTEM : status;
    }
    if (status == STATUS_OK) {
        status = scanner_new(&scanner);
    }
    if (status == STATUS_OK) {
        status = scanner_scan(scanner, ruleset, test->texts, test->text_count, on_hits, test);
    }
    scanner_free(&scanner);
    ruleset_let_go(&ruleset);
    findings_clear(&findings);
    return status;
}

enum status selftest_run(enum selftest_size size, struct error *error)
{
    struct selftest test = {
        .pattern_count = sizes[size].patterns,
        .text_count = sizes[size].texts,
        .pack = BUFFER_INIT(PACK_BYTES_MAX),
        .text_bytes = BUFFER_INIT(PACK_BYTES_MAX),
        .random = UINT64_C(0x9E3779B97F4A7C15),
    };
    test.regexes = calloc(test.pattern_count, sizeof(struct regex *));
    test.texts = calloc(test.text_count, sizeof *test.texts);
    test.flagged = calloc((size_t)test.pattern_count * test.text_count, 1);
    enum status status = test.regexes && test.texts && test.flagged ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        status = make_patterns(&test);
    }
    if (status == STATUS_OK) {
        status = make_texts(&test);
    }
    if (status == STATUS_OK) {
        status = scan_all(&test, error);
    }
    if (status == STATUS_OK) {
        status = compare(&test, error);
    }
    for (uint32_t i = 0; test.regexes && i < test.pattern_count; i++) {
        regex_free(&test.regexes[i]);
    }
    free(test.regexes);
    free(test.texts);
    free(test.flagged);
    buffer_free(&test.pack);
    buffer_free(&test.text_bytes);
    return status;
}
