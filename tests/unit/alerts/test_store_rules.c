#include "tests/unit/alerts/fixture.h"

#include "alerts/store_rules.h"

/* One rule's line: the counts in the order of the struct. */
struct expected {
    const char *rule, *generation;
    uint64_t hits, unscanned, cases, open, violation, no_violation, unsure, shadow, demoted, yes, no;
};

static void expect(struct fixture *f, const char *rule, bool generations, const struct expected *expected,
                   uint32_t count)
{
    struct store_rule_stats *stats = NULL;
    uint32_t found = 0;
    struct error error = {0};
    if (store_sqlite.rule_stats(f->store, rule, generations, f->arena, &error, &stats, &found) != STATUS_OK)
        fail_msg("%s", error.text);
    assert_int_equal(found, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct store_rule_stats *s = &stats[i];
        const struct expected *e = &expected[i];
        const uint64_t got[] = {s->hits,
                                s->unscanned,
                                s->cases,
                                s->open,
                                s->violation,
                                s->no_violation,
                                s->unsure,
                                s->shadow_hits,
                                s->demoted_hits,
                                s->shadow_violation,
                                s->shadow_no_violation};
        const uint64_t wanted[] = {e->hits,   e->unscanned, e->cases,   e->open, e->violation, e->no_violation,
                                   e->unsure, e->shadow,    e->demoted, e->yes,  e->no};
        assert_string_equal(s->rule, e->rule);
        if (e->generation)
            assert_string_equal(s->generation, e->generation);
        else
            assert_null(s->generation);
        for (size_t k = 0; k < sizeof got / sizeof *got; k++) {
            if (got[k] != wanted[k])
                fail_msg("%s %s: number %zu is %llu", e->rule, e->generation ? e->generation : "", k,
                         (unsigned long long)got[k]);
        }
    }
}

static void flag(struct fixture *f, const char *message, const char *conversation, const char *rule,
                 const char *generation, enum outcome outcome)
{
    struct sample one;
    struct store_verdict *verdict = sample(&one, message, conversation, rule, SEVERITY_HIGH, "fraud");
    one.verdict.generation = generation;
    one.hit.outcome = outcome;
    fixture_commit(f, verdict, 1, NOW);
}

static void decide(struct fixture *f, int64_t case_id, enum decision decision)
{
    struct store_case item;
    struct error error = {0};
    int64_t token = 0;
    assert_int_equal(store_sqlite.claim(f->store, case_id, NULL, "ann", NOW, MINUTE, f->arena, &error, &item, &token),
                     STATUS_OK);
    assert_int_equal(store_sqlite.decide(f->store, case_id, token, decision, "ann", NULL, NOW, &error), STATUS_OK);
}

static void tally(struct fixture *f, const struct store_tally *tallies, uint32_t count, uint32_t samples_max)
{
    struct error error = {0};
    if (store_sqlite.tally(f->store, tallies, count, samples_max, &error) != STATUS_OK)
        fail_msg("%s", error.text);
}

static void test_decisions(void **state)
{
    struct fixture *f = *state;
    expect(f, NULL, false, NULL, 0);
    flag(f, "m1", "c1", "scams.a", "g1", OUTCOME_FLAGGED);
    flag(f, "m2", "c1", "scams.a", "g1", OUTCOME_FLAGGED); /* the same case */
    flag(f, "m1", "c1", "scams.b", "g1", OUTCOME_FLAGGED); /* another rule in it */
    flag(f, "m3", "c3", "scams.a", "g2", OUTCOME_FLAGGED);
    flag(f, "m4", "c4", "scams.a", "g2", OUTCOME_FLAGGED);
    flag(f, "m5", "c5", "scams.a", "g2", OUTCOME_FLAGGED);
    flag(f, "m6", "c6", "scamster", "g2", OUTCOME_UNSCANNED);
    decide(f, 1, DECISION_VIOLATION);
    decide(f, 2, DECISION_NO_VIOLATION);
    decide(f, 3, DECISION_UNSURE);
    static const struct expected all[] = {
        {"scams.a", NULL, 5, 0, 4, 1, 1, 1, 1, 0, 0, 0, 0},
        {"scams.b", NULL, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0},
        {"scamster", NULL, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    };
    expect(f, NULL, false, all, 3);
    expect(f, "scams", false, all, 2); /* not scamster */
    expect(f, "scams.b", false, all + 1, 1);
    expect(f, "scam", false, NULL, 0);
    expect(f, "", false, NULL, 0);
    expect(f, "%", false, NULL, 0);
    static const struct expected apart[] = {
        {"scams.a", "g1", 2, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0},
        {"scams.a", "g2", 3, 0, 3, 1, 0, 1, 1, 0, 0, 0, 0},
    };
    expect(f, "scams.a", true, apart, 2);
}

/* A case in which two generations have hits counts for both, but once for the rule. */
static void test_case_of_two_generations(void **state)
{
    struct fixture *f = *state;
    flag(f, "m1", "c1", "r", "g1", OUTCOME_FLAGGED);
    flag(f, "m2", "c1", "r", "g2", OUTCOME_FLAGGED);
    decide(f, 1, DECISION_VIOLATION);
    static const struct expected all[] = {{"r", NULL, 2, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0}};
    static const struct expected apart[] = {{"r", "g1", 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0},
                                            {"r", "g2", 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0}};
    expect(f, NULL, false, all, 1);
    expect(f, NULL, true, apart, 2);
}

static struct store_sample shadow_of(const char *message, const char *conversation, const char *text)
{
    return (struct store_sample){.generation = "g1",
                                 .message_id = span_text(message),
                                 .conversation_id = span_text(conversation),
                                 .text = span_text(text ? text : ""),
                                 .has_text = text != NULL,
                                 .at_ms = NOW};
}

/* A shadow rule is measured by what was decided about messages that others flagged. */
static void test_shadow(void **state)
{
    struct fixture *f = *state;
    flag(f, "m1", "c1", "live", "g1", OUTCOME_FLAGGED);
    flag(f, "m2", "c2", "live", "g1", OUTCOME_FLAGGED);
    flag(f, "m3", "c3", "live", "g1", OUTCOME_FLAGGED);
    flag(f, "m4", "c4", "live", "g1", OUTCOME_FLAGGED);
    const struct store_sample samples[] = {shadow_of("m1", "c1", NULL), shadow_of("m2", "c2", NULL),
                                           shadow_of("m3", "c3", NULL), shadow_of("m4", "another", NULL),
                                           shadow_of("m5", "c5", NULL)};
    const struct store_tally once = {.rule = "hidden",
                                     .generation = "g1",
                                     .shadow_hits = 7,
                                     .demoted_hits = 2,
                                     .last_at_ms = NOW,
                                     .samples = samples,
                                     .sample_count = 5};
    tally(f, &once, 1, 10);
    decide(f, 1, DECISION_VIOLATION);
    decide(f, 2, DECISION_NO_VIOLATION);
    decide(f, 4, DECISION_VIOLATION); /* the same id in another conversation is another message */
    static const struct expected all[] = {{"hidden", NULL, 0, 0, 0, 0, 0, 0, 0, 7, 2, 1, 1}};
    expect(f, "hidden", false, all, 1);
    tally(f, &once, 1, 10); /* counts add up, samples are there once */
    static const struct expected twice[] = {{"hidden", "g1", 0, 0, 0, 0, 0, 0, 0, 14, 4, 1, 1}};
    expect(f, "hidden", true, twice, 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM rule_samples"), 5);
    assert_true(fixture_intact(f));
}

static void test_newest_samples_stay(void **state)
{
    struct fixture *f = *state;
    char names[30][8];
    for (int i = 0; i < 30; i++) {
        snprintf(names[i], sizeof names[i], "m%d", i);
        const struct store_sample one = shadow_of(names[i], "c", NULL);
        const struct store_tally tallies[] = {
            {.rule = "a", .generation = "g", .shadow_hits = 1, .last_at_ms = NOW, .samples = &one, .sample_count = 1},
            {.rule = "b", .generation = "g", .shadow_hits = 1, .last_at_ms = NOW, .samples = &one, .sample_count = 1}};
        tally(f, tallies, i < 2 ? 2 : 1, 5);
    }
    struct store_sample *samples = NULL;
    uint32_t count = 0;
    struct error error = {0};
    assert_int_equal(store_sqlite.samples(f->store, "a", NULL, NULL, NOW, f->arena, &error, &samples, &count),
                     STATUS_OK);
    assert_int_equal(count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        snprintf(names[0], sizeof names[0], "m%u", 29 - i);
        assert_int_equal(samples[i].message_id.size, strlen(names[0]));
        assert_memory_equal(samples[i].message_id.data, names[0], strlen(names[0]));
        assert_false(samples[i].has_text);
    }
    assert_int_equal(store_sqlite.samples(f->store, "b", NULL, NULL, NOW, f->arena, &error, &samples, &count),
                     STATUS_OK);
    assert_int_equal(count, 2);
    tally(f, &(struct store_tally){.rule = "a", .generation = "g", .shadow_hits = 1, .last_at_ms = NOW}, 1, 0);
    assert_int_equal(store_sqlite.samples(f->store, "a", NULL, NULL, NOW, f->arena, &error, &samples, &count),
                     STATUS_OK);
    assert_int_equal(count, 0); /* the policy says none: those that are there go too */
}

/* No text is given without a record of who reads it. */
static void test_texts_are_audited(void **state)
{
    struct fixture *f = *state;
    const struct store_sample samples[] = {shadow_of("m1", "c1", "the text"), shadow_of("m2", "c2", NULL)};
    tally(
        f,
        &(struct store_tally){
            .rule = "a", .generation = "g", .shadow_hits = 2, .last_at_ms = NOW, .samples = samples, .sample_count = 2},
        1, 10);
    struct store_sample *found = NULL;
    uint32_t count = 0;
    struct error error = {0};
    assert_int_equal(store_sqlite.samples(f->store, "a", NULL, NULL, NOW, f->arena, &error, &found, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_false(found[0].has_text || found[1].has_text);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM sample_audit"), 0);
    static const char *const readers[][2] = {{"", "why"}, {"ann", ""}, {"ann", NULL}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(
            store_sqlite.samples(f->store, "a", readers[i][0], readers[i][1], NOW, f->arena, &error, &found, &count),
            STATUS_INVALID);
    }
    assert_int_equal(store_sqlite.samples(f->store, "a", "ann", "why", NOW, f->arena, &error, &found, &count),
                     STATUS_OK);
    assert_false(found[0].has_text);
    assert_true(found[1].has_text);
    assert_int_equal(found[1].text.size, strlen("the text"));
    assert_memory_equal(found[1].text.data, "the text", strlen("the text"));
    assert_int_equal(
        fixture_number(f, "SELECT count(*) FROM sample_audit WHERE who = 'ann' AND why = 'why' AND rule = 'a'"), 1);
}

/* However many generations there are, what is stored of a rule is bounded, and nothing is lost of the sum. */
static void test_old_generations_are_added_up(void **state)
{
    struct fixture *f = *state;
    enum { GENERATIONS = STORE_RULE_GENERATIONS_MAX + 12 };
    for (int i = 0; i < GENERATIONS; i++) {
        char generation[16];
        snprintf(generation, sizeof generation, "g%03d", i);
        tally(f,
              &(struct store_tally){
                  .rule = "a", .generation = generation, .shadow_hits = 3, .demoted_hits = 1, .last_at_ms = NOW + i},
              1, 0);
    }
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM rule_shadow"), STORE_RULE_GENERATIONS_MAX + 1);
    assert_int_equal(fixture_number(f, "SELECT shadow_hits FROM rule_shadow WHERE generation = ''"), 3 * 12);
    assert_int_equal(fixture_number(f, "SELECT sum(shadow_hits) FROM rule_shadow"), 3 * GENERATIONS);
    assert_int_equal(fixture_number(f, "SELECT sum(demoted_hits) FROM rule_shadow"), GENERATIONS);
    assert_int_equal(fixture_number(f, "SELECT min(generation) = 'g012' FROM rule_shadow WHERE generation <> ''"), 1);
}

/* A tally that cannot be stored leaves nothing of itself behind. */
static void test_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct error error = {0};
    const struct store_tally tallies[] = {{.rule = "a", .generation = "g", .shadow_hits = 1, .last_at_ms = NOW},
                                          {.rule = "", .generation = "g", .shadow_hits = 1, .last_at_ms = NOW}};
    assert_int_not_equal(store_sqlite.tally(f->store, tallies, 2, 5, &error), STATUS_OK);
    assert_true(error.text[0] != '\0');
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM rule_shadow"), 0);
    tally(f, tallies, 1, 5);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM rule_shadow"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_decisions),           TEST(test_case_of_two_generations), TEST(test_shadow),
        TEST(test_newest_samples_stay), TEST(test_texts_are_audited),       TEST(test_old_generations_are_added_up),
        TEST(test_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
