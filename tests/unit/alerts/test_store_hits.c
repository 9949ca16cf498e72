/* The hits of a message as they lie in one row, and the dictionary of what they say. */
#include "alerts/store_sqlite.h"
#include "tests/unit/alerts/fixture.h"

#define HITS_MAX 200

struct many {
    char rules[HITS_MAX][32];
    struct verdict_span spans[HITS_MAX][3];
    struct verdict_hit hits[HITS_MAX];
    struct store_hit routed[HITS_MAX];
    bool new[HITS_MAX];
    struct verdict verdict;
    struct store_verdict all;
};

/* Hits of rules first, first + 1, ...; the nth belongs to queue "q0", "q1" or "q2" and has n % 4 spans. */
static struct store_verdict *many_fill(struct many *many, const char *message_id, uint32_t first, uint32_t count)
{
    static const char *const queues[] = {"q0", "q1", "q2"};
    memset(many, 0, sizeof *many);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t rule = first + i;
        snprintf(many->rules[i], sizeof many->rules[i], "rule-%u", (unsigned)rule);
        for (uint32_t s = 0; s < rule % 4; s++)
            many->spans[i][s] =
                (struct verdict_span){s == 1 ? "code" : "ask", s == 2 ? "raw" : "folded", rule, rule + s};
        many->hits[i] = (struct verdict_hit){.rule = many->rules[i],
                                             .title = rule % 5 == 0 ? NULL : "A title",
                                             .severity = (enum severity)(rule % 4),
                                             .outcome = rule % 7 == 0 ? OUTCOME_UNSCANNED : OUTCOME_FLAGGED,
                                             .reason = rule % 7 == 0 ? "match_limit" : NULL,
                                             .spans = many->spans[i],
                                             .span_count = rule % 4};
        many->routed[i] = (struct store_hit){.hit = &many->hits[i],
                                             .queue = queues[rule % 3],
                                             .service_level_ms = (int64_t)(rule % 9) * MINUTE,
                                             .ret_new = &many->new[i]};
    }
    many->verdict = (struct verdict){.message_id = span_text(message_id),
                                     .conversation_id = span_text("c"),
                                     .sender_id = span_text("anna"),
                                     .text = span_text("hello"),
                                     .received_at_ms = NOW,
                                     .generation = "g",
                                     .hits = many->hits,
                                     .hit_count = count};
    many->all = (struct store_verdict){&many->verdict, many->routed, count};
    return &many->all;
}

static enum status read_case(struct fixture *f, int64_t id, struct error *error, struct store_case_hit **hits,
                             uint32_t *hit_count)
{
    struct store_case_message *messages = NULL;
    uint32_t count = 0;
    return store_sqlite.read(f->store, id, "eve", "test", NOW, f->arena, error, &messages, &count, hits, hit_count);
}

/* The case's hits are those of rules queue, queue + 3, ... below `end`, whole and in order. */
static void check_case(struct fixture *f, int64_t id, uint32_t queue, uint32_t end)
{
    struct store_case_hit *hits = NULL;
    struct error error = {0};
    uint32_t count = 0, i = 0;
    if (read_case(f, id, &error, &hits, &count) != STATUS_OK)
        fail_msg("%s", error.text);
    for (uint32_t rule = queue; rule < end; rule += 3, i++) {
        char name[32];
        snprintf(name, sizeof name, "rule-%u", (unsigned)rule);
        assert_true(i < count);
        assert_string_equal(hits[i].rule, name);
        assert_int_equal(hits[i].title == NULL, rule % 5 == 0);
        assert_int_equal(hits[i].severity, rule % 4);
        assert_int_equal(hits[i].outcome == OUTCOME_UNSCANNED, rule % 7 == 0);
        assert_int_equal(hits[i].reason != NULL, rule % 7 == 0);
        assert_int_equal(hits[i].span_count, rule % 4);
        for (uint32_t s = 0; s < hits[i].span_count; s++) {
            assert_string_equal(hits[i].spans[s].pattern, s == 1 ? "code" : "ask");
            assert_string_equal(hits[i].spans[s].view, s == 2 ? "raw" : "folded");
            assert_int_equal(hits[i].spans[s].start, rule);
            assert_int_equal(hits[i].spans[s].end, rule + s);
        }
    }
    assert_int_equal(count, i);
    assert_int_equal(fixture_case(f, id, NOW).hit_count, i);
}

static void test_many(void **state)
{
    struct fixture *f = *state;
    static struct many many;
    assert_result(fixture_commit(f, many_fill(&many, "m1", 0, 100), 1, NOW), 100, 0, 3, 0);
    for (uint32_t queue = 0; queue < 3; queue++)
        check_case(f, 1 + queue, queue, 100);
    assert_int_equal(fixture_case(f, 1, NOW).severity, SEVERITY_CRITICAL);
    assert_int_equal(fixture_case(f, 1, NOW).deadline_ms, NOW); /* the soonest of its hits */
    assert_int_equal(fixture_case(f, 2, NOW).deadline_ms, NOW + MINUTE);
    assert_true(fixture_case(f, 2, NOW).unscanned);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM message_hits"), 3);

    /* Half of them again: the rest is new, also for a handle that remembers nothing. */
    store_sqlite.close(&f->store);
    fixture_open(f);
    assert_result(fixture_commit(f, many_fill(&many, "m1", 50, 100), 1, NOW), 50, 50, 0, 0);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(many.new[i], i >= 50);
    for (uint32_t queue = 0; queue < 3; queue++)
        check_case(f, 1 + queue, queue, 150);
    assert_result(fixture_commit(f, many_fill(&many, "m1", 0, 150), 1, NOW), 0, 150, 0, 0);
    assert_int_equal(fixture_number(f, "SELECT count(DISTINCT rule) * 1000 + count(*) FROM hit_kinds"), 150150);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hits"), 150);
    assert_int_equal(fixture_number(f, "SELECT count(DISTINCT id) FROM hits"), 150);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hit_spans s JOIN hits h ON h.id = s.hit "
                                       "WHERE h.rule = 'rule-7' AND s.span_start = 7 AND s.span_end = 7 + s.position "
                                       "AND s.pattern = iif(s.position = 1, 'code', 'ask') "
                                       "AND s.view = iif(s.position = 2, 'raw', 'folded')"),
                     3);
    assert_true(fixture_intact(f));
}

/* One rule twice in one verdict, and the same message under another conversation, are one hit. */
static void test_once(void **state)
{
    struct fixture *f = *state;
    static struct many many;
    many_fill(&many, "m1", 3, 2);
    many.hits[1].rule = many.hits[0].rule;
    assert_result(fixture_commit(f, &many.all, 1, NOW), 1, 1, 1, 0);
    assert_true(many.new[0]);
    assert_false(many.new[1]);
    many_fill(&many, "m1", 3, 1);
    many.verdict.conversation_id = span_text("another");
    many.routed[0].queue = "another";
    assert_result(fixture_commit(f, &many.all, 1, NOW), 0, 1, 0, 0);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM messages"), 1);
    assert_result(fixture_commit(f, many_fill(&many, "m2", 0, 0), 1, NOW), 0, 0, 0, 0);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM messages"), 1);
}

/* A rule whose title or severity changed: old hits keep what they said. */
static void test_changed_rule(void **state)
{
    struct fixture *f = *state;
    struct sample one;
    static const struct {
        const char *id, *title;
        enum severity severity;
    } steps[] = {{"m1", "Old", SEVERITY_LOW}, {"m2", "New", SEVERITY_LOW}, {"m3", "New", SEVERITY_HIGH},
                 {"m4", NULL, SEVERITY_HIGH}, {"m5", "", SEVERITY_HIGH},   {"m6", "Old", SEVERITY_LOW}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        sample(&one, steps[i].id, "c", "a", steps[i].severity, "q");
        one.hit.title = steps[i].title;
        fixture_commit(f, &one.store_verdict, 1, NOW);
    }
    struct store_case_hit *hits = NULL;
    uint32_t count = 0;
    assert_int_equal(read_case(f, 1, NULL, &hits, &count), STATUS_OK);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(hits[i].severity, steps[i].severity);
        assert_int_equal(hits[i].title == NULL, steps[i].title == NULL);
        if (hits[i].title)
            assert_string_equal(hits[i].title, steps[i].title);
    }
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hit_kinds"), 5);
    assert_string_equal(fixture_case(f, 1, NOW).rules, "a");
}

/* What a transaction added to the dictionary is gone with it, and must not be remembered. */
static void test_rolled_back(void **state)
{
    struct fixture *f = *state;
    struct sample good, bad;
    struct store_commit_result result;
    struct verdict_span span = {"lost pattern", "raw", 0, 1};
    sample(&good, "m1", "c", "lost", SEVERITY_LOW, "q");
    good.hit.spans = &span;
    good.hit.span_count = 1;
    sample(&bad, "m2", "c", "bad", SEVERITY_LOW, "");
    struct store_verdict group[2] = {good.store_verdict, bad.store_verdict};
    assert_int_equal(store_sqlite.commit(f->store, group, 2, NOW, NULL, &result), STATUS_INVALID);

    struct verdict_span other = {"other pattern", "raw", 0, 1};
    struct sample one;
    sample(&one, "m3", "c", "other", SEVERITY_LOW, "q");
    one.hit.spans = &other;
    one.hit.span_count = 1;
    fixture_commit(f, &one.store_verdict, 1, NOW);
    fixture_commit(f, &good.store_verdict, 1, NOW);
    struct store_case_hit *hits = NULL;
    uint32_t count = 0;
    assert_int_equal(read_case(f, 1, NULL, &hits, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_string_equal(hits[0].rule, "other");
    assert_string_equal(hits[0].spans[0].pattern, "other pattern");
    assert_string_equal(hits[1].rule, "lost");
    assert_string_equal(hits[1].spans[0].pattern, "lost pattern");
}

/* Two handles store in turns: the second finds what the first added to the dictionary. */
static void test_two_handles(void **state)
{
    struct fixture *f = *state;
    struct store *first = f->store;
    f->store = NULL;
    fixture_open(f);
    struct store *handles[] = {first, f->store};
    for (int i = 0; i < 20; i++) {
        struct sample one;
        struct store_commit_result result;
        char id[16], rule[16];
        snprintf(id, sizeof id, "m%d", i);
        snprintf(rule, sizeof rule, "rule-%d", i / 4);
        assert_int_equal(
            store_sqlite.commit(handles[i % 2], sample(&one, id, "c", rule, SEVERITY_LOW, "q"), 1, NOW, NULL, &result),
            STATUS_OK);
        assert_int_equal(result.hits_new, 1);
    }
    store_sqlite.close(&first);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hit_kinds"), 5);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hits WHERE rule = 'rule-' || ((message - 1) / 4)"), 20);
}

/* A damaged row is an error, and nothing of the case is shown. */
static void test_damaged(void **state)
{
    struct fixture *f = *state;
    struct verdict_span span = {"ask", "raw", 2, 3};
    struct sample one;
    sample(&one, "m1", "c", "a", SEVERITY_LOW, "q");
    one.hit.spans = &span;
    one.hit.span_count = 1;
    fixture_commit(f, &one.store_verdict, 1, NOW);
    static const struct {
        const char *kinds, *spans;
        int hit_count;
        enum status expected;
    } cases[] = {
        {"[1]", "[[1,2,3]]", 1, STATUS_OK},
        {"[1,1]", "[[1,2,3],[]]", 2, STATUS_OK},
        {"[1]", "[[]]", 1, STATUS_OK},
        {"[1]", "[[1,2,3]]", 2, STATUS_SYSTEM},
        {"[1,1]", "[[1,2,3],[]]", 1, STATUS_SYSTEM},
        {"[1,1]", "[[1,2,3]]", 2, STATUS_SYSTEM},
        {"[1]", "[[1,2]]", 1, STATUS_SYSTEM},
        {"[1]", "[[1,2,3,4]]", 1, STATUS_SYSTEM},
        {"[1]", "[[1,2,x]]", 1, STATUS_SYSTEM},
        {"[1]", "[[1,2,3]", 1, STATUS_SYSTEM},
        {"[1]", "[[1,2,3", 1, STATUS_SYSTEM},
        {"[1]", "[", 1, STATUS_SYSTEM},
        {"[1]", "", 1, STATUS_SYSTEM},
        {"[1", "[[1,2,3]]", 1, STATUS_SYSTEM},
        {"1", "[[1,2,3]]", 1, STATUS_SYSTEM},
        {"", "[[1,2,3]]", 1, STATUS_SYSTEM},
        {"[-1]", "[[1,2,3]]", 1, STATUS_SYSTEM},
        {"[99]", "[[1,2,3]]", 1, STATUS_SYSTEM},                  /* no such kind */
        {"[1]", "[[99,2,3]]", 1, STATUS_SYSTEM},                  /* no such place */
        {"[9223372036854775808]", "[[1,2,3]]", 1, STATUS_SYSTEM}, /* beyond 64 bits */
        {"[1]", "[[1,2,3]]", 2147483647, STATUS_SYSTEM},          /* more than fit into the text */
        {"[1]", "[[1,4294967296,4294967297]]", 1, STATUS_SYSTEM}, /* beyond a text */
        {"[1]", "[[1,3,2]]", 1, STATUS_SYSTEM},                   /* ends before it begins */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *sql = sqlite3_mprintf("UPDATE message_hits SET kinds = %Q, spans = %Q, hit_count = %d", cases[i].kinds,
                                    cases[i].spans, cases[i].hit_count);
        assert_int_equal(sqlite3_exec(f->store->database, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_free(sql);
        struct store_case_hit *hits = NULL;
        struct error error = {0};
        uint32_t count = 77;
        if (read_case(f, 1, &error, &hits, &count) != cases[i].expected)
            fail_msg("%s and %s: %s", cases[i].kinds, cases[i].spans, error.text);
        assert_int_equal(count, cases[i].expected == STATUS_OK ? (uint32_t)cases[i].hit_count : 77);
        assert_int_equal(hits != NULL, cases[i].expected == STATUS_OK);
    }
}

/* What is remembered is bounded: all is forgotten between two messages, and found in the store again. */
static void test_forgotten(void **state)
{
    struct fixture *f = *state;
    struct sample one;
    char *title = malloc(1 << 20);
    assert_non_null(title);
    memset(title, 't', (1 << 20) - 1);
    title[(1 << 20) - 1] = '\0';
    for (int i = 0; i < 140; i++) {
        char id[16], rule[16];
        snprintf(id, sizeof id, "m%d", i);
        snprintf(rule, sizeof rule, "rule-%d", i % 70); /* together larger than what is remembered */
        sample(&one, id, "c", rule, SEVERITY_LOW, "q");
        one.hit.title = title;
        fixture_commit(f, &one.store_verdict, 1, NOW);
    }
    free(title);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hit_kinds"), 70);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM hits WHERE rule = 'rule-' || ((message - 1) % 70)"), 140);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_many),        TEST(test_once),    TEST(test_changed_rule), TEST(test_rolled_back),
        TEST(test_two_handles), TEST(test_damaged), TEST(test_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
