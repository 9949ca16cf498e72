/* Storing verdicts: counts, joining, context, idempotence, and what can never be stored. */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/alerts/fixture.h"

static void test_counts(void **state)
{
    struct fixture *f = *state;
    assert_result(fixture_flag(f, "m1", "c1", "scams.a", SEVERITY_HIGH, "fraud"), 1, 0, 1, 0);
    assert_result(fixture_flag(f, "m1", "c1", "scams.a", SEVERITY_HIGH, "fraud"), 0, 1, 0, 0);
    assert_result(fixture_flag(f, "m1", "c1", "scams.b", SEVERITY_LOW, "fraud"), 1, 0, 0, 0); /* same message */
    assert_result(fixture_flag(f, "m2", "c1", "scams.a", SEVERITY_LOW, "fraud"), 1, 0, 0, 1);
    assert_result(fixture_flag(f, "m1", "c1", "spam.a", SEVERITY_LOW, "spam"), 1, 0, 1, 0);   /* another queue */
    assert_result(fixture_flag(f, "m3", "c2", "scams.a", SEVERITY_LOW, "fraud"), 1, 0, 1, 0); /* another conversation */
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM messages"), 3);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM messages WHERE message_id = 'm1'"), 1);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM case_messages WHERE message = 1"), 2);

    struct store_case item = fixture_case(f, 1, NOW);
    assert_int_equal(item.severity, SEVERITY_HIGH);
    assert_int_equal(item.message_count, 2);
    assert_int_equal(item.hit_count, 3);
    assert_string_equal(item.rules, "scams.a,scams.b");
    assert_string_equal(item.conversation_id, "c1");
    assert_null(item.lease_holder);
    assert_false(item.unscanned);
    assert_true(fixture_intact(f));
}

static void test_group(void **state)
{
    struct fixture *f = *state;
    struct sample samples[4];
    bool new[4] = {0};
    struct store_verdict group[4] = {
        *sample(&samples[0], "m1", "c1", "a", SEVERITY_LOW, "q"),
        *sample(&samples[1], "m2", "c1", "a", SEVERITY_LOW, "q"),
        *sample(&samples[2], "m1", "c1", "a", SEVERITY_LOW, "q"), /* the same again in one group */
        *sample(&samples[3], "m3", "c2", "a", SEVERITY_LOW, "q"),
    };
    for (int i = 0; i < 4; i++)
        samples[i].store_hit.ret_new = &new[i];
    assert_result(fixture_commit(f, group, 4, NOW), 3, 1, 2, 1);
    assert_true(new[0] && new[1] && new[3]);
    assert_false(new[2]);
    assert_result(fixture_commit(f, group, 4, NOW + 1), 0, 4, 0, 0);
    assert_false(new[0]);
    assert_result(fixture_commit(f, NULL, 0, NOW), 0, 0, 0, 0);
}

static void test_severity_and_deadline(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *id;
        enum severity severity, expected;
        int64_t received_ms, level_ms, deadline_ms;
    } steps[] = {
        {"m1", SEVERITY_MEDIUM, SEVERITY_MEDIUM, NOW, 100, NOW + 100},
        {"m2", SEVERITY_LOW, SEVERITY_MEDIUM, NOW + 50, 100, NOW + 100},
        {"m3", SEVERITY_CRITICAL, SEVERITY_CRITICAL, NOW + 50, 10, NOW + 60},
        {"m4", SEVERITY_HIGH, SEVERITY_CRITICAL, INT64_MAX - 1, 10, NOW + 60}, /* no overflow */
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct sample one;
        sample(&one, steps[i].id, "c", "a", steps[i].severity, "q");
        one.verdict.received_at_ms = steps[i].received_ms;
        one.store_hit.service_level_ms = steps[i].level_ms;
        fixture_commit(f, &one.store_verdict, 1, NOW);
        struct store_case item = fixture_case(f, 1, NOW);
        assert_int_equal(item.severity, steps[i].expected);
        assert_int_equal(item.deadline_ms, steps[i].deadline_ms);
    }
}

static void test_decided_is_closed(void **state)
{
    struct fixture *f = *state;
    struct store_case item;
    int64_t token = 0;
    fixture_flag(f, "m1", "c", "a", SEVERITY_LOW, "q");
    assert_int_equal(store_sqlite.claim(f->store, 1, NULL, "eve", NOW, MINUTE, f->arena, NULL, &item, &token),
                     STATUS_OK);
    assert_int_equal(store_sqlite.decide(f->store, 1, token, DECISION_VIOLATION, "eve", "seen", NOW, NULL), STATUS_OK);
    assert_result(fixture_flag(f, "m1", "c", "a", SEVERITY_LOW, "q"), 0, 1, 0, 0); /* stays known */
    assert_result(fixture_flag(f, "m2", "c", "a", SEVERITY_LOW, "q"), 1, 0, 1, 0); /* a new case */
    assert_int_equal(fixture_case(f, 1, NOW).decision, DECISION_VIOLATION);
    assert_int_equal(fixture_case(f, 1, NOW).hit_count, 1);
    assert_int_equal(fixture_case(f, 2, NOW).decision, DECISION_NONE);
}

static void read_case(struct fixture *f, int64_t id, struct store_case_message **messages, uint32_t *count,
                      struct store_case_hit **hits, uint32_t *hit_count)
{
    struct error error = {0};
    if (store_sqlite.read(f->store, id, "eve", "test", NOW, f->arena, &error, messages, count, hits, hit_count) !=
        STATUS_OK)
        fail_msg("%s", error.text);
}

static void test_context(void **state)
{
    struct fixture *f = *state;
    const struct verdict_context context[] = {
        {span_text("m1"), span_text("anna"), span_text("one"), NOW - 40, NOW - 40},
        {span_text("m2"), span_text("bob"), span_text("two"), NOW - 30, NOW - 30},
        {span_text("m3"), span_text("anna"), span_text("three"), NOW - 20, NOW - 20},
    };
    struct sample one;
    sample(&one, "m4", "c", "a", SEVERITY_LOW, "q");
    one.verdict.context = context;
    one.verdict.context_count = 3;
    one.store_hit.context_max = 2; /* the newest */
    fixture_commit(f, &one.store_verdict, 1, NOW);

    struct store_case_message *messages = NULL;
    struct store_case_hit *hits = NULL;
    uint32_t count = 0, hit_count = 0;
    read_case(f, 1, &messages, &count, &hits, &hit_count);
    assert_int_equal(count, 3);
    assert_string_equal(messages[0].message_id, "m2");
    assert_string_equal(messages[1].message_id, "m3");
    assert_string_equal(messages[2].message_id, "m4");
    assert_false(messages[0].flagged);
    assert_true(messages[2].flagged);

    /* Context that is flagged later becomes flagged, is completed, and is stored once. */
    sample(&one, "m3", "c", "b", SEVERITY_LOW, "q");
    one.verdict.text = span_text("three");
    one.verdict.locale = span_text("en");
    one.verdict.record = span_text("\x22\x03"
                                   "bob");
    one.verdict.context = context;
    one.verdict.context_count = 2;
    one.store_hit.context_max = 10;
    assert_result(fixture_commit(f, &one.store_verdict, 1, NOW), 1, 0, 0, 1);
    read_case(f, 1, &messages, &count, &hits, &hit_count);
    assert_int_equal(count, 4);
    assert_string_equal(messages[2].message_id, "m3");
    assert_true(messages[2].flagged);
    assert_string_equal(messages[2].locale, "en");
    assert_string_equal(messages[2].recipients, "[\"bob\"]");
    assert_int_equal(hit_count, 2);
    assert_int_equal(hits[1].message, messages[2].id);

    /* Flagged messages do not become context again. */
    sample(&one, "m5", "c", "a", SEVERITY_LOW, "q");
    one.verdict.context = context;
    one.verdict.context_count = 3;
    one.store_hit.context_max = 10;
    fixture_commit(f, &one.store_verdict, 1, NOW);
    read_case(f, 1, &messages, &count, &hits, &hit_count);
    assert_int_equal(count, 5);
    assert_true(messages[2].flagged);
    assert_int_equal(fixture_number(f, "SELECT count(*) FROM messages"), 5);

    /* No policy, no context. */
    sample(&one, "m9", "c9", "a", SEVERITY_LOW, "q");
    one.verdict.context = context;
    one.verdict.context_count = 3;
    fixture_commit(f, &one.store_verdict, 1, NOW);
    read_case(f, 2, &messages, &count, &hits, &hit_count);
    assert_int_equal(count, 1);

    /* But what took part in the hit. */
    sample(&one, "m10", "c10", "a", SEVERITY_LOW, "q");
    one.verdict.context = context;
    one.verdict.context_count = 3;
    one.verdict.part_count = 1;
    fixture_commit(f, &one.store_verdict, 1, NOW);
    read_case(f, 3, &messages, &count, &hits, &hit_count);
    assert_int_equal(count, 2);
    assert_string_equal(messages[0].message_id, "m3");
    assert_string_equal(messages[1].message_id, "m10");
}

static void test_bytes_and_spans(void **state)
{
    struct fixture *f = *state;
    static const uint8_t bytes[] = {'a', 0, 0xFF, 0x1B, 'b', 0};
    static const struct verdict_span spans[] = {{"ask", "raw", 2, 3}, {"code", "folded", 0, 6}};
    struct sample one;
    sample(&one, "m1", "c", "a", SEVERITY_LOW, "q");
    one.verdict.text = span_of(bytes, sizeof bytes);
    one.hit.spans = spans;
    one.hit.span_count = 2;
    one.hit.outcome = OUTCOME_UNSCANNED;
    one.hit.reason = "match_limit";
    one.hit.title = NULL;
    fixture_commit(f, &one.store_verdict, 1, NOW);
    sample(&one, "m2", "c", "a", SEVERITY_LOW, "q");
    one.verdict.text = span_of(NULL, 0);
    one.verdict.sender_id = span_of(NULL, 0);
    one.verdict.record = span_text("\xff\xff not a message");
    fixture_commit(f, &one.store_verdict, 1, NOW);

    struct store_case_message *messages = NULL;
    struct store_case_hit *hits = NULL;
    uint32_t count = 0, hit_count = 0;
    read_case(f, 1, &messages, &count, &hits, &hit_count);
    assert_int_equal(count, 2);
    assert_int_equal(messages[0].text.size, sizeof bytes);
    assert_memory_equal(messages[0].text.data, bytes, sizeof bytes);
    assert_int_equal(messages[1].text.size, 0);
    assert_string_equal(messages[1].sender_id, "");
    assert_null(messages[1].recipients);
    assert_int_equal(hits[0].span_count, 2);
    assert_string_equal(hits[0].spans[0].pattern, "ask");
    assert_string_equal(hits[0].spans[1].view, "folded");
    assert_int_equal(hits[0].spans[0].start, 2);
    assert_int_equal(hits[0].spans[1].end, 6);
    assert_int_equal(hits[0].outcome, OUTCOME_UNSCANNED);
    assert_string_equal(hits[0].reason, "match_limit");
    assert_null(hits[0].title);
    assert_string_equal(hits[0].generation, "g1");
    assert_int_equal(hits[1].outcome, OUTCOME_FLAGGED);
    assert_true(fixture_case(f, 1, NOW).unscanned);
}

/* A producer that uses one id for two texts must not make anybody see the wrong one. */
static void test_same_id_other_text(void **state)
{
    struct fixture *f = *state;
    fixture_flag(f, "m1", "c", "a", SEVERITY_LOW, "q");
    struct sample one;
    sample(&one, "m1", "c", "b", SEVERITY_LOW, "q");
    one.verdict.text = span_text("something else");
    assert_result(fixture_commit(f, &one.store_verdict, 1, NOW), 1, 0, 0, 1);
    struct store_case_message *messages = NULL;
    struct store_case_hit *hits = NULL;
    uint32_t count = 0, hit_count = 0;
    read_case(f, 1, &messages, &count, &hits, &hit_count);
    assert_int_equal(count, 2);
    assert_int_equal(hits[1].message, messages[1].id);
    assert_int_equal(messages[1].text.size, strlen("something else"));
    sample(&one, "m1", "c", "a", SEVERITY_LOW, "q");
    one.verdict.text = span_text("a third");
    assert_result(fixture_commit(f, &one.store_verdict, 1, NOW), 0, 1, 0, 0);
}

static void test_never_storable(void **state)
{
    struct fixture *f = *state;
    struct sample good, bad;
    static const struct {
        const char *rule, *queue;
        enum severity severity;
        enum outcome outcome;
        struct verdict_span span;
    } cases[] = {
        {NULL, "q", SEVERITY_LOW, OUTCOME_FLAGGED, {"p", "raw", 0, 1}},
        {"", "q", SEVERITY_LOW, OUTCOME_FLAGGED, {"p", "raw", 0, 1}},
        {"a", NULL, SEVERITY_LOW, OUTCOME_FLAGGED, {"p", "raw", 0, 1}},
        {"a", "", SEVERITY_LOW, OUTCOME_FLAGGED, {"p", "raw", 0, 1}},
        {"a", "q", (enum severity)7, OUTCOME_FLAGGED, {"p", "raw", 0, 1}},
        {"a", "q", SEVERITY_LOW, (enum outcome)2, {"p", "raw", 0, 1}},
        {"a", "q", SEVERITY_LOW, OUTCOME_FLAGGED, {"p", "raw", 5, 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct store_commit_result result = {99, 99, 99, 99};
        struct error error = {0};
        sample(&good, "good", "c", "a", SEVERITY_LOW, "q");
        sample(&bad, "bad", "c", cases[i].rule, cases[i].severity, cases[i].queue);
        bad.hit.outcome = cases[i].outcome;
        bad.hit.spans = &cases[i].span;
        bad.hit.span_count = 1;
        struct store_verdict group[2] = {good.store_verdict, bad.store_verdict};
        assert_int_equal(store_sqlite.commit(f->store, group, 2, NOW, &error, &result), STATUS_INVALID);
        assert_int_equal(result.hits_new, 99);                                   /* untouched */
        assert_null(strstr(error.text, "gift"));                                 /* no message text */
        assert_int_equal(fixture_number(f, "SELECT count(*) FROM messages"), 0); /* nothing was written */
    }
    assert_result(fixture_flag(f, "good", "c", "a", SEVERITY_LOW, "q"), 1, 0, 1, 0);
}

/* What the files may be read by, whatever the umask says. */
static void test_modes(void **state)
{
    (void)state;
    static const mode_t umasks[] = {0, 022, 077, 0777};
    for (size_t i = 0; i < sizeof umasks / sizeof umasks[0]; i++) {
        struct fixture fixture, *f = &fixture;
        fixture_folder(f);
        mode_t before = umask(umasks[i]);
        struct error error = {0};
        enum status status = store_sqlite.open(f->data, true, &error, &f->store);
        umask(before);
        assert_int_equal(status, STATUS_OK);
        fixture_flag(f, "m1", "c", "a", SEVERITY_LOW, "q");
        struct stat facts;
        char file[120];
        assert_int_equal(stat(f->data, &facts), 0);
        assert_int_equal(facts.st_mode & 07777, 0700);
        static const char *const names[] = {"alerts.db", "alerts.db-wal", "alerts.db-shm"};
        for (int k = 0; k < 3; k++) {
            snprintf(file, sizeof file, "%s/%s", f->data, names[k]);
            assert_int_equal(stat(file, &facts), 0);
            assert_int_equal(facts.st_mode & 07777, 0600);
        }
        store_sqlite.close(&f->store);
        arena_free(&f->arena);
        nftw(f->folder, fixture_remove, 8, FTW_DEPTH | FTW_PHYS);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_counts),         TEST(test_group), TEST(test_severity_and_deadline), TEST(test_decided_is_closed),
        TEST(test_context),        TEST(test_modes), TEST(test_bytes_and_spans),       TEST(test_same_id_other_text),
        TEST(test_never_storable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
