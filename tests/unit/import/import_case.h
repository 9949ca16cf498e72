/*
 * What an import made, in one line a rule, for tables of tests. Each pack is also read again, which must find no error, and
 * formatted, which must change nothing; and its tests must stand on texts that its patterns find.
 *
 *   ID STATUS SEVERITY 'TITLE' NAME=/REGEX/VIEW NAME={WORD|WORD} if CONDITION hits TEXT|TEXT
 *
 * Notes are lines of their own: LINE LEVEL SORT.
 */
#ifndef TESTS_UNIT_IMPORT_IMPORT_CASE_H
#define TESTS_UNIT_IMPORT_IMPORT_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/import.h"
#include "rules/format.h"
#include "rules/reader.h"
#include "tests/support/cmocka_all.h"
#include "text/view.h"

struct import_case {
    const char *text;  /* of the file */
    const char *rules; /* one line each, joined by \n */
    const char *notes; /* the same */
};

static inline void import_case_rule(FILE *out, const struct rule *rule)
{
    fprintf(out, "%s %s %s", rule->id, rule_status_names[rule->status], severity_names[rule->severity]);
    if (strcmp(rule->title, rule->id) != 0) {
        fprintf(out, " '%s'", rule->title);
    }
    for (uint32_t p = 0; p < rule->pattern_count; p++) {
        const struct pattern *pattern = &rule->patterns[p];
        if (pattern->kind == PATTERN_REGEX) {
            fprintf(out, " %s=/%.*s/%s", pattern->name, (int)pattern->regex.size, (const char *)pattern->regex.data,
                    pattern->views == 1u << VIEW_RAW ? "raw" : "folded");
            continue;
        }
        fprintf(out, " %s={", pattern->name);
        for (uint32_t e = 0; e < pattern->entry_count; e++) {
            fprintf(out, "%s%s", e ? "|" : "", (const char *)pattern->entries[e].text.data);
        }
        fputc('}', out);
    }
    if (rule->condition_text) {
        fprintf(out, " if %s", rule->condition_text);
    }
    for (uint32_t t = 0; t < rule->test_count; t++) {
        fprintf(out, "%s%s", t ? "|" : " hits ", (const char *)rule->tests[t].text.data);
    }
    fputc('\n', out);
}

/* The pack reads without errors, and is formatted. */
static inline void import_case_check_pack(struct span text, FILE *out)
{
    struct findings findings = {0};
    struct pack *pack = NULL;
    struct arena *arena = NULL;
    struct span formatted;
    enum status status = reader_parse_pack(text, "out.yaml", &findings, &pack);
    if (status != STATUS_OK || findings.errors > 0) {
        findings_print(&findings, stderr, false);
        fprintf(stderr, "%.*s\n", (int)text.size, (const char *)text.data);
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(findings.errors, 0);
    for (uint32_t i = 0; i < pack->rule_count; i++) {
        import_case_rule(out, &pack->rules[i]);
    }
    assert_int_equal(arena_new(65536, (size_t)1 << 30, &arena), STATUS_OK);
    assert_int_equal(format_pack(text, "out.yaml", arena, &findings, &formatted), STATUS_OK);
    assert_true(span_equal(text, formatted));
    arena_free(&arena);
    pack_free(&pack);
    findings_clear(&findings);
}

/* Imports the texts as files a.txt, b.txt, ... Both results are the caller's to free. */
static inline void import_case_run(const struct import_options *options, enum import_format format,
                                   const struct span *texts, uint32_t count, char **ret_rules, char **ret_notes)
{
    static const char *const names[] = {"folder/a.txt", "b.txt", "c.txt"};
    struct import *import = NULL;
    struct span pack;
    size_t rules_size, notes_size;
    uint32_t note_count;
    FILE *rules = open_memstream(ret_rules, &rules_size);
    FILE *notes = open_memstream(ret_notes, &notes_size);
    assert_non_null(rules);
    assert_non_null(notes);
    assert_int_equal(view_start(), STATUS_OK);
    assert_int_equal(import_new(options, &import), STATUS_OK);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(import_read(import, names[i], texts[i], format), STATUS_OK);
    }
    enum status status = import_finish(import, &pack);
    if (status == STATUS_OK) {
        import_case_check_pack(pack, rules);
    } else {
        assert_int_equal(status, STATUS_NOT_FOUND);
    }
    const struct import_note *list = import_notes(import, &note_count);
    for (uint32_t i = 0; i < note_count; i++) {
        assert_true(strlen(list[i].text) > 5);
        fprintf(notes, "%u %s %s\n", list[i].line, finding_level_names[list[i].level], list[i].sort);
    }
    fclose(rules);
    fclose(notes);
    import_free(&import);
    assert_null(import);
}

static inline void import_case_expect(const struct import_options *options, enum import_format format,
                                      const struct import_case *row)
{
    char *rules = NULL, *notes = NULL;
    struct span text = span_text(row->text);
    import_case_run(options, format, &text, 1, &rules, &notes);
    char *wanted[2] = {NULL, NULL};
    assert_true(asprintf(&wanted[0], "%s%s", row->rules, row->rules[0] ? "\n" : "") >= 0);
    assert_true(asprintf(&wanted[1], "%s%s", row->notes, row->notes[0] ? "\n" : "") >= 0);
    if (strcmp(rules, wanted[0]) != 0 || strcmp(notes, wanted[1]) != 0) {
        fprintf(stderr, "of:\n%s\n", row->text);
    }
    assert_string_equal(rules, wanted[0]);
    assert_string_equal(notes, wanted[1]);
    free(rules);
    free(notes);
    free(wanted[0]);
    free(wanted[1]);
}

static const struct import_options import_case_options = {.pack = "p", .severity = SEVERITY_MEDIUM, .view = VIEW_RAW};

#endif
