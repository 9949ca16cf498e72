/* What is counted for each pattern, and that the shares of time fit into the whole. */
#include "scanner/profile.h"

#include <string.h>

#include "tests/support/cmocka_all.h"

static const char pack[] =
    "pack: p\ndefaults: {queue: q, severity: low}\nrules:\n"
    "  - id: p.words\n    title: W\n    patterns: {it: {words: [zyzzyva, quokka], view: folded}}\n"
    "  - id: p.both\n    title: B\n    condition: rare and common\n    patterns:\n"
    "      common: {regex: '[aeiou]{2}\\w'}\n      rare: {words: [xylophone], view: folded}\n"
    "  - id: p.always\n    title: A\n    patterns: {it: {regex: '(?=q)\\w{7}$|^\\s*$'}}\n"
    "  - id: p.shadow\n    title: S\n    status: shadow\n    patterns: {it: {regex: 'quok+a'}}\n"
    "  - id: p.off\n    title: O\n    status: off\n    patterns: {it: {words: [zyzzyva]}}\n";

static const char *const messages[] = {
    "a zyzzyva",           "quokka and zyzzyva",        "a loud xylophone",  "cool queue", "xylophone hmm my",
    "nothing to see here", "\xFF\xFE not utf-8 quokka", "wide \xEF\xBD\x91", "",           "ok",
};
#define MESSAGE_COUNT (sizeof messages / sizeof *messages)

static struct ruleset *parsed(const char *text)
{
    struct ruleset *ruleset = NULL;
    struct findings findings = {0};
    enum status status = ruleset_parse(span_text(text), "p.yaml", &findings, &ruleset);
    if (status != STATUS_OK) {
        findings_print(&findings, stderr, false);
    }
    findings_clear(&findings);
    assert_int_equal(status, STATUS_OK);
    return ruleset;
}

static void count_progress(void *context, uint64_t done, uint64_t total)
{
    uint64_t *last = context;
    assert_int_equal(done, *last + 1);
    assert_true(done <= total);
    *last = done;
}

static const struct profile_pattern *find(const struct profile *profile, const char *rule, const char *name)
{
    for (uint32_t i = 0; i < profile->pattern_count; i++) {
        const struct profile_pattern *pattern = &profile->patterns[i];
        if (strcmp(pattern->rule->id, rule) == 0 && strcmp(pattern->rule->patterns[pattern->pattern].name, name) == 0) {
            return pattern;
        }
    }
    fail_msg("no pattern %s %s", rule, name);
    return NULL;
}

static void test_counts(void **state)
{
    struct ruleset *ruleset = parsed(pack);
    struct span texts[MESSAGE_COUNT];
    struct profile *profile = NULL;
    uint64_t done = 0, bytes = 0;
    (void)state;
    for (size_t i = 0; i < MESSAGE_COUNT; i++) {
        texts[i] = span_text(messages[i]);
        bytes += texts[i].size;
    }
    assert_int_equal(profile_run(ruleset, texts, MESSAGE_COUNT, count_progress, &done, &profile), STATUS_OK);
    assert_int_equal(profile->messages, MESSAGE_COUNT);
    assert_int_equal(profile->bytes, bytes);
    assert_int_equal(profile->rule_count, 4); /* off is off */
    assert_int_equal(profile->pattern_count, 5);
    assert_int_equal(done, 5);
    static const uint64_t hits[] = {3, 1, 1, 2};
    for (uint32_t r = 0; r < 4; r++) {
        if (profile->rules[r].hits != hits[r]) {
            fail_msg("%s: %llu hits", profile->rules[r].rule->id, (unsigned long long)profile->rules[r].hits);
        }
    }
    const struct profile_pattern *words = find(profile, "p.words", "it"), *shadow = find(profile, "p.shadow", "it");
    assert_int_equal(words->matches, 3);
    assert_int_equal(words->confirmations, 0);
    assert_int_equal(shadow->matches, 2);
    assert_int_equal(shadow->confirmations, shadow->candidates);
    assert_int_equal(find(profile, "p.both", "rare")->matches, 2);
    assert_int_equal(find(profile, "p.both", "common")->search, SEARCH_DEFERRED);
    assert_true(find(profile, "p.both", "common")->search_ns <= 0);
    double sum_ns = profile->views_ns;
    for (uint32_t i = 0; i < profile->pattern_count; i++) {
        const struct profile_pattern *pattern = &profile->patterns[i];
        assert_true(pattern->search_ns >= 0 && pattern->confirm_ns >= 0);
        assert_true(pattern->compile_ms >= 0 && pattern->bytes > 0);
        assert_true(pattern->matches <= pattern->candidates && pattern->confirmations <= pattern->candidates);
        sum_ns += pattern->search_ns + pattern->confirm_ns;
    }
    assert_true(profile->alone);
    assert_true(sum_ns <= profile->total_ns * 1.001);
    assert_true(profile->views_ns + profile->search_ns <= profile->total_ns * 1.001);
    profile_free(&profile);
    assert_null(profile);
    profile_free(&profile);
    ruleset_free(&ruleset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
