/* The lines of `weir scan`: the same bytes as a general JSON writer makes of the same fields, for any text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hit_json.c" // NOLINT(bugprone-suspicious-include): it is part of a program, not of a library

#define SPANS_MAX 3

static const char generation[] = "0123456789abcdef";

static json_t *spans_of(const struct scan_hit *hit)
{
    json_t *spans = json_array();
    for (uint32_t i = 0; i < hit->span_count; i++) {
        const struct verdict_span *span = &hit->spans[i];
        json_array_append_new(spans, json_pack("{s:s, s:s, s:I, s:I}", "pattern", span->pattern, "view", span->view,
                                               "start", (json_int_t)span->start, "end", (json_int_t)span->end));
    }
    return spans;
}

static char *reference(struct span id, const struct scan_hit *hit)
{
    json_t *line = json_object();
    json_t *text = json_stringn((const char *)id.data, id.size);
    json_object_set_new(line, "message_id", text ? text : json_string("\xEF\xBF\xBD"));
    json_object_set_new(line, "rule", json_string(hit->rule->id));
    json_object_set_new(line, "severity", json_string(severity_text(hit->rule->severity)));
    json_object_set_new(line, "queue", hit->rule->queue ? json_string(hit->rule->queue) : json_null());
    json_object_set_new(line, "generation", json_string(generation));
    if (hit->rule->status == RULE_SHADOW) {
        json_object_set_new(line, "status", json_string("shadow"));
    }
    if (hit->outcome == OUTCOME_UNSCANNED) {
        json_object_set_new(line, "outcome", json_string("unscanned"));
        json_object_set_new(line, "reason", json_string(hit->reason));
    }
    json_object_set_new(line, "spans", spans_of(hit));
    char *out = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(line);
    assert_non_null(out);
    return out;
}

static void check(struct span id, const struct scan_hit *hit)
{
    struct buffer lines = BUFFER_INIT(1u << 20);
    assert_int_equal(buffer_append_text(&lines, "before\n"), STATUS_OK);
    assert_int_equal(hit_json_append(&lines, id, generation, hit), STATUS_OK);
    char *expected = reference(id, hit);
    size_t size = strlen(expected);
    assert_int_equal(lines.size, 7 + size + 1);
    assert_memory_equal(lines.data, "before\n", 7);
    assert_memory_equal(lines.data + 7, expected, size);
    assert_int_equal(lines.data[7 + size], '\n');
    free(expected);
    buffer_free(&lines);
}

static const struct rule plain = {.id = "a.b", .queue = "q", .severity = SEVERITY_LOW, .status = RULE_LIVE};
static const struct verdict_span spans[SPANS_MAX] = {
    {"it", "raw", 0, 1}, {"\xC3\xA9\"\\", "folded", 10, 4294967295u}, {"", "", 99, 100}};

static void test_every_shape(void **state)
{
    (void)state;
    for (int severity = SEVERITY_LOW; severity <= SEVERITY_CRITICAL; severity++) {
        for (int shape = 0; shape < 8; shape++) {
            for (uint32_t count = 0; count <= SPANS_MAX; count++) {
                const struct rule rule = {.id = "pack.rule",
                                          .queue = shape & 1 ? "fraud \"x\" \xF0\x9F\x98\x80" : NULL,
                                          .severity = (enum severity)severity,
                                          .status = shape & 2 ? RULE_SHADOW : RULE_LIVE};
                const struct scan_hit hit = {.rule = &rule,
                                             .outcome = shape & 4 ? OUTCOME_UNSCANNED : OUTCOME_FLAGGED,
                                             .reason = shape & 4 ? "match_limit" : NULL,
                                             .spans = count ? spans : NULL,
                                             .span_count = count};
                check(span_text("m-1"), &hit);
            }
        }
    }
}

/* Each code point there is, and each that there is not. */
static void test_every_character_of_an_id(void **state)
{
    (void)state;
    const struct scan_hit hit = {.rule = &plain, .spans = spans, .span_count = 1};
    for (uint32_t code_point = 0; code_point < 0x10800; code_point += code_point < 0x900 ? 1 : 61) {
        uint8_t id[6] = {'<'};
        size_t size = 1;
        if (code_point < 0x80) {
            id[size++] = (uint8_t)code_point;
        } else if (code_point < 0x800) {
            id[size++] = (uint8_t)(0xC0 | code_point >> 6);
            id[size++] = (uint8_t)(0x80 | (code_point & 0x3F));
        } else if (code_point < 0x10000) {
            id[size++] = (uint8_t)(0xE0 | code_point >> 12);
            id[size++] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
            id[size++] = (uint8_t)(0x80 | (code_point & 0x3F));
        } else {
            id[size++] = (uint8_t)(0xF0 | code_point >> 18);
            id[size++] = (uint8_t)(0x80 | (code_point >> 12 & 0x3F));
            id[size++] = (uint8_t)(0x80 | (code_point >> 6 & 0x3F));
            id[size++] = (uint8_t)(0x80 | (code_point & 0x3F));
        }
        id[size++] = '>';
        check(span_of(id, size), &hit);
    }
}

static void test_odd_ids(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "",
        "\"",
        "\\",
        "\b\f\n\r\t\v\x7F\x1B",
        "</script>",
        "\xEF\xBB\xBF",
        "\xE2\x80\xA8",
        "\xFF",
        "ok\xC3",
        "\xC0\x80",
        "\xED\xA0\x80",
        "\xF4\x90\x80\x80",
        "\xF4\x8F\xBF\xBF",
        "a\xF0\x9F\x98",
        "\x80",
        "\xC3\xA9",
        "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80",
    };
    const struct scan_hit hit = {.rule = &plain};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        check(span_text(ids[i]), &hit);
    }
    check(span_of("a\0b", 3), &hit);
    check(span_of("\0", 1), &hit);
}

/* Whatever does not fit leaves the lines before it as they are. */
static void test_full_buffer(void **state)
{
    (void)state;
    const struct scan_hit hit = {.rule = &plain, .spans = spans, .span_count = SPANS_MAX};
    bool fitted = false;
    for (size_t max = 5; max < 2000; max++) {
        struct buffer lines = BUFFER_INIT(max);
        assert_int_equal(buffer_append_text(&lines, "kept\n"), STATUS_OK);
        enum status status = hit_json_append(&lines, span_text("id"), generation, &hit);
        assert_true(status == STATUS_OK || (status == STATUS_LIMIT && lines.size == 5));
        assert_true(!fitted || status == STATUS_OK);
        assert_memory_equal(lines.data, "kept\n", 5);
        fitted = status == STATUS_OK;
        buffer_free(&lines);
    }
    assert_true(fitted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shape),
        cmocka_unit_test(test_every_character_of_an_id),
        cmocka_unit_test(test_odd_ids),
        cmocka_unit_test(test_full_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
