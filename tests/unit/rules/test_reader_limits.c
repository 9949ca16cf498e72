/* max_per_minute, of a rule and of a pack's defaults. */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "rules/reader.h"

#define RULE(more) "rules:\n  - {id: p.r, patterns: {w: {words: [word]}}, tests: {hits: [word]}" more "}\n"

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        enum status status;
        uint32_t value;
    } cases[] = {
        {"pack: p\n" RULE(""), STATUS_OK, 0},
        {"pack: p\n" RULE(", max_per_minute: 1"), STATUS_OK, 1},
        {"pack: p\n" RULE(", max_per_minute: 1000000000"), STATUS_OK, 1000000000},
        {"pack: p\ndefaults: {max_per_minute: 7}\n" RULE(""), STATUS_OK, 7},
        {"pack: p\ndefaults: {max_per_minute: 7}\n" RULE(", max_per_minute: 9"), STATUS_OK, 9},
        {"pack: p\n" RULE(", max_per_minute: 0"), STATUS_INVALID, 0},
        {"pack: p\n" RULE(", max_per_minute: -1"), STATUS_INVALID, 0},
        {"pack: p\n" RULE(", max_per_minute: 1000000001"), STATUS_INVALID, 0},
        {"pack: p\n" RULE(", max_per_minute: 99999999999999999999"), STATUS_INVALID, 0},
        {"pack: p\n" RULE(", max_per_minute: 1.5"), STATUS_INVALID, 0},
        {"pack: p\n" RULE(", max_per_minute: many"), STATUS_INVALID, 0},
        {"pack: p\n" RULE(", max_per_minute: [5]"), STATUS_INVALID, 0},
        {"pack: p\n" RULE(", max_per_minute: null"), STATUS_INVALID, 0},
        {"pack: p\n" RULE(", max_per_minutes: 5"), STATUS_INVALID, 0},
        {"pack: p\ndefaults: {max_per_minute: x}\n" RULE(""), STATUS_INVALID, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct findings findings = {0};
        struct pack *pack = NULL;
        enum status status = reader_parse_pack(span_text(cases[i].yaml), "p.yaml", &findings, &pack);
        if (status != cases[i].status || (pack && pack->rules[0].max_per_minute != cases[i].value)) {
            fail_msg("%s: %s", cases[i].yaml, status_text(status));
        }
        assert_int_equal(findings.errors > 0, status != STATUS_OK);
        for (uint32_t k = 0; k < findings.count; k++) {
            const struct finding *finding = &findings.items[k];
            bool told = finding->line > 0 && strstr(finding->text, "max_per_minute");
            if (finding->level == FINDING_ERROR && !told) {
                fail_msg("%s: %s", cases[i].yaml, finding->text);
            }
        }
        pack_free(&pack);
        findings_clear(&findings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
