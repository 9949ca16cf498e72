/* An edit compiles what it touches and nothing else; what was kept for an earlier version finds what the new one wants. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "rules/plan.h"
#include "rules/program.h"
#include "rules/reader.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp.h"

#define RULES 48

struct made {
    struct pack *pack;
    struct program *program;
    struct cache_counts counts;
};

/* RULES words and RULES expressions that no literal gates; those with a number in `changed` differ. */
static struct made make(const char *folder, uint32_t first, uint32_t changed, uint32_t time_ms)
{
    struct made made = {0};
    struct findings findings = {0};
    struct error error = {0};
    struct partition_options options = {.helper = WEIR_COMPILE_HELPER, .time_ms = time_ms};
    const struct pack *packs[1];
    struct buffer text = BUFFER_INIT(1u << 20);
    assert_int_equal(buffer_append_text(&text, "pack: p\nrules:\n"), STATUS_OK);
    for (uint32_t i = first; i < RULES; i++) {
        const char *mark = i == changed ? "new" : "old";
        assert_int_equal(
            buffer_print(&text,
                         "  - id: p.n%u\n    patterns:\n      w: {words: [%s word number%u, more%u, most%u, last%u]}\n"
                         "      r: {regex: '[%c-z]\\d%s[^a-%c]%u', view: raw}\n",
                         i, mark, i, i, i, i, (int)('a' + i % 9), i == changed ? "[^!?x]" : "[^.,x]",
                         (int)('k' + i % 11), 2 + i % 5),
            STATUS_OK);
    }
    assert_int_equal(reader_parse_pack(buffer_span(&text), "p.yaml", &findings, &made.pack), STATUS_OK);
    if (folder) {
        assert_int_equal(cache_open(folder, 1u << 30, &error, &options.cache), STATUS_OK);
    }
    packs[0] = made.pack;
    assert_int_equal(program_build(packs, 1, &options, &error, &made.program), STATUS_OK);
    if (folder) {
        made.counts = cache_counts(options.cache);
        cache_close(&options.cache);
    }
    findings_clear(&findings);
    buffer_free(&text);
    return made;
}

static void made_free(struct made *made)
{
    program_free(&made->program);
    pack_free(&made->pack);
}

/* Every probe is found by as many ids as in a program that was compiled without a cache. */
static void count_probes(const struct program *program, uint32_t *counts)
{
    for (uint32_t i = 0; i < program->literal_partition_count; i++) {
        const struct program_literals *literals = &program->literals[i];
        for (uint32_t k = literals->target_first[0]; k < literals->target_first[literals->count]; k++) {
            counts[literals->targets[k].probe]++;
        }
    }
    for (uint32_t i = 0; i < program->expression_partition_count; i++) {
        const struct program_expressions *expressions = &program->expressions[i];
        for (uint32_t k = expressions->probe_first[0]; k < expressions->probe_first[expressions->count]; k++) {
            counts[expressions->probes[k]]++;
        }
    }
}

static void assert_same(const struct program *a, const struct program *b)
{
    assert_int_equal(a->probe_count, b->probe_count);
    uint32_t *of_a = calloc(a->probe_count, sizeof *of_a), *of_b = calloc(a->probe_count, sizeof *of_b);
    count_probes(a, of_a);
    count_probes(b, of_b);
    for (uint32_t i = 0; i < a->probe_count; i++) {
        assert_int_equal(a->probes[i].search, b->probes[i].search);
        assert_int_equal(of_a[i], of_b[i]);
    }
    assert_int_equal(a->facts.expressions, b->facts.expressions);
    assert_int_equal(a->facts.literals, b->facts.literals);
    assert_int_equal(a->facts.always, b->facts.always);
    free(of_a);
    free(of_b);
}

static void test_edits(void **state)
{
    (void)state;
    static const struct {
        uint32_t first, changed;
        uint32_t compiled_max;
    } rows[] = {
        {0, UINT32_MAX, UINT32_MAX}, /* cold */
        {0, UINT32_MAX, 0},          /* the same again */
        {0, 20, 4},                  /* one rule edited */
        {0, 20, 0},
        {0, 21, 4}, /* another edited, that one back */
        {5, 21, 4}, /* rules removed */
        {0, 21, 4}, /* and back */
        {0, UINT32_MAX, 4},
    };
    char *folder = temp_dir_make();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct made cached = make(folder, rows[i].first, rows[i].changed, 0);
        struct made plain = make(NULL, rows[i].first, rows[i].changed, 0);
        assert_true(cached.program->facts.groups_compiled <= rows[i].compiled_max);
        assert_true(i == 0 || cached.program->facts.groups_cached > 0);
        assert_int_equal(cached.counts.damaged + cached.counts.failed, 0);
        assert_same(cached.program, plain.program);
        made_free(&cached);
        made_free(&plain);
    }
    temp_dir_remove(&folder);
}

/* However often it is edited, the number of partitions stays small. */
static void test_many_edits(void **state)
{
    (void)state;
    char *folder = temp_dir_make();
    uint32_t before = 0;
    for (uint32_t i = 0; i < 6; i++) {
        struct made made = make(folder, 0, i, 0);
        uint32_t parts = made.program->literal_partition_count + made.program->expression_partition_count;
        before = i == 0 ? parts : before;
        assert_true(parts <= before + 6);
        made_free(&made);
    }
    temp_dir_remove(&folder);
}

/* A long expression takes long to compile, and longer with others: it gets a partition of its own. */
static void test_long_alone(void **state)
{
    (void)state;
    struct plan plan = {.program = calloc(1, sizeof(struct program)), .compiling = {.helper = WEIR_COMPILE_HELPER}};
    struct buffer texts[7];
    uint32_t alone = 0;
    assert_non_null(plan.program);
    assert_int_equal(arena_new(1u << 16, 1u << 26, &plan.program->arena), STATUS_OK);
    for (uint32_t i = 0; i < 7; i++) {
        struct program_probe *probe = plan_list_add(&plan.probes, sizeof *probe);
        struct plan_expression *expression = plan_list_add(&plan.expressions[VIEW_RAW], sizeof *expression);
        assert_true(probe && expression);
        texts[i] = (struct buffer)BUFFER_INIT(4096);
        for (uint32_t k = 0; k < (i == 3 || i == 4 ? 400 : 4); k++) {
            assert_int_equal(buffer_print(&texts[i], "\\x%02x", 'a' + i), STATUS_OK);
        }
        assert_int_equal(buffer_append_byte(&texts[i], '\0'), STATUS_OK);
        *probe = (struct program_probe){.search = SEARCH_EXPRESSION};
        *expression = (struct plan_expression){.text = (const char *)texts[i].data, .probe = i};
    }
    assert_int_equal(plan_compile(&plan), STATUS_OK);
    assert_int_equal(plan.program->facts.expressions, 7);
    assert_int_equal(plan.expression_parts.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        struct program_expressions *part = (struct program_expressions *)plan.expression_parts.items + i;
        alone += part->count == 1 && (part->probes[0] == 3 || part->probes[0] == 4);
        assert_true(part->count == 1 || part->count == 5);
        partition_free(&part->partition);
    }
    assert_int_equal(alone, 2);
    for (uint32_t i = 0; i < 7; i++) {
        buffer_free(&texts[i]);
    }
    free(plan.probes.items);
    free(plan.expressions[VIEW_RAW].items);
    free(plan.expression_parts.items);
    arena_free(&plan.program->arena);
    free(plan.program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_edits), cmocka_unit_test(test_many_edits),
                                       cmocka_unit_test(test_long_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
