/* Words and domains found by Hyperscan, by an index of tokens and by both together: always the same hits at the same places. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "scanner/compiling.h"
#include "scanner/scanner.h"
#include "text/view.h"

#define BATCHES 150
#define BATCH 60
#define REPORT_MAX (1u << 22)

/* What one index cannot take stands beside what it can: gaps that may be empty, open ends, characters beyond ASCII, none at all. */
static const char pack[] =
    "pack: p\nrules:\n"
    "  - {id: p.plain, title: t, severity: low, patterns: {w: {words: [kill, killer, gift card, \"13.\", a b, ab, "
    "b]}}}\n"
    "  - {id: p.open, title: t, severity: low, patterns: {w: {words: [kil*, k*, e-mail*, gift ca*, \"c++*\", ab*]}}}\n"
    "  - {id: p.gaps, title: t, severity: low, patterns: {w: {words: [e-mail, jack-o'-lantern, x-y-z, s & m, b.i.t, "
    "k-a]}}}\n"
    "  - {id: p.far, title: t, severity: low, patterns: {w: {words: [d\xC3\xB6"
    "del, \xC3\xA9, caf\xC3\xA9-bar, "
    "\xE4\xBD\xA0, \xE4\xBD\xA0\xE5\xA5\xBD, \xD0\xBA\xD0\xBE\xD1\x82, gr\xC3\xB6\xC3\x9F*, \xF0\x9F\x96\x95]}}}\n"
    "  - {id: p.signs, title: t, severity: low, patterns: {w: {words: [\"++\", \"a$$\", \"'kill'\", \"_kill\", "
    "\"c++\"]}}}\n"
    "  - {id: p.folded, title: t, severity: low, patterns: {w: {words: [skill, x-ray, m\xC3\xB6se], view: folded}}}\n";

#define FRAGMENTS_MAX 128
static const char fragment_text[] =
    "kill|killer|killing|skill|kil|gift|card|cards|13.|13|a|b|ab|e|mail|email|e-mail|e_mail|jack|o|lantern|"
    "jackolantern|"
    "jack-o'-lantern|xyz|x|y|z|s|m|&|b.i.t|bit|k-a|ka|d\xC3\xB6"
    "del|D\xC3\x96"
    "DEL|\xC3\xA9|caf\xC3\xA9|bar|\xE4\xBD\xA0|"
    "\xE5\xA5\xBD|\xD0\xBA\xD0\xBE\xD1\x82|\xD0\xBA|gr\xC3\xB6\xC3\x9F|gr\xC3\xB6sse|\xF0\x9F\x96\x95|++|+|a$$|$|'|_|c+"
    "+|"
    "KILL|K1LL|k i l l|k.i.l.l|m\xC3\xB6se|ray|\xFF|\xE2\x80\x9C|\xE2\x80\x99|-|-|.|.| | | | | | |  |\n|,|I|l";
static struct span fragments[FRAGMENTS_MAX];
static uint32_t fragment_count;

static int cut_fragments(void **state)
{
    (void)state;
    for (const char *at = fragment_text; fragment_count < FRAGMENTS_MAX; at++) {
        size_t size = strcspn(at, "|");
        fragments[fragment_count++] = span_of(at, size);
        at += size;
        if (!*at) {
            return 0;
        }
    }
    return -1;
}

static uint64_t state_of_random = 7;

static uint32_t random_below(uint32_t limit)
{
    state_of_random = state_of_random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state_of_random >> 33) % limit;
}

static enum status write_hits(void *context, uint32_t message, const struct scan_hit *hits, uint32_t hit_count)
{
    for (uint32_t i = 0; i < hit_count; i++) {
        assert_int_equal(buffer_print(context, "%u %s", message, hits[i].rule->id), STATUS_OK);
        for (uint32_t s = 0; s < hits[i].span_count; s++) {
            const struct verdict_span *span = &hits[i].spans[s];
            assert_int_equal(buffer_print(context, " %s[%u,%u)", span->view, span->start, span->end), STATUS_OK);
        }
        assert_int_equal(buffer_append_text(context, "\n"), STATUS_OK);
    }
    return STATUS_OK;
}

static struct ruleset *load(uint32_t words_min)
{
    struct compiling compiling = {.words_min = words_min};
    struct findings findings = {0};
    struct ruleset *ruleset = NULL;
    assert_int_equal(compiling_set(&compiling), STATUS_OK);
    enum status status = ruleset_parse(span_text(pack), "test.yaml", &findings, &ruleset);
    if (status != STATUS_OK) {
        findings_print(&findings, stderr, false);
    }
    assert_int_equal(status, STATUS_OK);
    findings_clear(&findings);
    return ruleset;
}

/* Of all messages in batches of `batch`. */
static void report(struct scanner *scanner, struct ruleset *ruleset, const struct span *texts, uint32_t batch,
                   struct buffer *out)
{
    buffer_clear(out);
    for (uint32_t i = 0; i < BATCH; i += batch) {
        assert_int_equal(buffer_print(out, "from %u\n", i), STATUS_OK);
        assert_int_equal(scanner_scan(scanner, ruleset, texts + i, batch, write_hits, out), STATUS_OK);
    }
    assert_int_equal(buffer_append_byte(out, '\0'), STATUS_OK);
}

static struct span make_text(struct buffer *out)
{
    size_t start = out->size;
    for (uint32_t count = random_below(12); count > 0; count--) {
        struct span fragment = fragments[random_below(fragment_count)];
        assert_int_equal(buffer_append(out, fragment.data, fragment.size), STATUS_OK);
    }
    return span_of(out->data + start, out->size - start);
}

static void test_same_hits(void **state)
{
    struct ruleset *searched = load(UINT32_MAX), *looked_up = load(1);
    struct scanner *scanners[2] = {0};
    struct buffer reports[2] = {BUFFER_INIT(REPORT_MAX), BUFFER_INIT(REPORT_MAX)}, texts = BUFFER_INIT(REPORT_MAX);
    size_t hits = 0;
    (void)state;
    assert_int_equal(scanner_new(&scanners[0]), STATUS_OK);
    assert_int_equal(scanner_new(&scanners[1]), STATUS_OK);
    assert_int_equal(buffer_reserve(&texts, 1 << 16), STATUS_OK); /* texts stay where they are */
    for (uint32_t i = 0; i < BATCHES; i++) {
        struct span messages[BATCH];
        buffer_clear(&texts);
        for (uint32_t k = 0; k < BATCH; k++) {
            messages[k] = make_text(&texts);
        }
        assert_true(texts.size < 1 << 16);
        uint32_t batch = i % 3 == 0 ? 1 : i % 3 == 1 ? 5 : BATCH;
        report(scanners[0], searched, messages, batch, &reports[0]);
        report(scanners[1], looked_up, messages, batch, &reports[1]);
        assert_string_equal((char *)reports[1].data, (char *)reports[0].data);
        hits += reports[0].size;
    }
    assert_true(hits > (size_t)BATCHES * BATCH * 8); /* there was much to be found */
    for (int i = 0; i < 2; i++) {
        scanner_free(&scanners[i]);
        buffer_free(&reports[i]);
    }
    buffer_free(&texts);
    ruleset_let_go(&searched);
    ruleset_let_go(&looked_up);
}

/* Words in place of which an index finds others: alone. */
static void test_looked_up(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"a killer", "0 p.plain folded[2,8)\n0 p.open folded[2,3) folded[2,5)\n"},
        {"xkiller", ""},
        {"email, e mail, e--mail", "0 p.open folded[0,5) folded[7,13) folded[15,22)\n"
                                   "0 p.gaps folded[0,5) folded[7,13) folded[15,22)\n"},
        {"xemail, eemails", ""},
        {"e-mailing", "0 p.open folded[0,6)\n"},
        {"s&m, m & s, s  &  m", "0 p.gaps folded[12,19)\n"},
        {"jack o lantern, jacko'lantern", "0 p.gaps folded[0,14) folded[16,29)\n"},
        {"un caf\xC3\xA9"
         "bar caf\xC3\xA9 bars",
         "0 p.far folded[3,11)\n"},
        {"x\xE4\xBD\xA0y", "0 p.far folded[1,4)\n"},
    };
    struct ruleset *ruleset = load(1);
    struct scanner *scanner = NULL;
    struct buffer out = BUFFER_INIT(REPORT_MAX);
    (void)state;
    assert_int_equal(scanner_new(&scanner), STATUS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span text = span_text(rows[i].text);
        buffer_clear(&out);
        assert_int_equal(scanner_scan(scanner, ruleset, &text, 1, write_hits, &out), STATUS_OK);
        assert_int_equal(buffer_append_byte(&out, '\0'), STATUS_OK);
        if (strcmp((char *)out.data, rows[i].expected) != 0) {
            fail_msg("%s: %s", rows[i].text, (char *)out.data);
        }
    }
    buffer_free(&out);
    scanner_free(&scanner);
    ruleset_let_go(&ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_hits), cmocka_unit_test(test_looked_up)};
    return cmocka_run_group_tests(tests, cut_fragments, NULL);
}
