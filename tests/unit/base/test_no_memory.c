/* Every allocation of every part of base fails once: what fails says so, leaves its outputs alone and leaks nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/config.h"
#include "base/file.h"
#include "base/findings.h"
#include "base/metrics.h"
#include "base/queue.h"
#include "base/yaml.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp.h"

static char *dir;

static enum status run_arena(void)
{
    struct arena *arena = NULL;
    enum status status = arena_new(64, 1000, &arena);

    if (status != STATUS_OK)
        return arena ? STATUS_INVALID : status;
    for (int i = 0; i < 10 && status == STATUS_OK; i++) {
        if (!arena_print(arena, "%050d", i))
            status = STATUS_NO_MEMORY;
    }
    arena_free(&arena);
    return status;
}

static enum status run_buffer(void)
{
    struct buffer buffer = BUFFER_INIT(1000);
    enum status status = STATUS_OK;

    for (size_t i = 0; i < 10 && status == STATUS_OK; i++) {
        status = buffer_print(&buffer, "%090d", 1);
        if (status != STATUS_OK && buffer.size != i * 90)
            status = STATUS_INVALID;
    }
    buffer_free(&buffer);
    return status;
}

static enum status run_queue(void)
{
    struct queue *queue = NULL;
    enum status status = queue_new(4, &queue);

    if (status == STATUS_OK)
        status = queue_push(queue, &queue);
    queue_free(&queue);
    return status;
}

/* Losing the words of a finding is allowed, losing the finding is not. */
static enum status run_findings(void)
{
    struct findings findings = {0}, more = {0};

    for (uint32_t i = 0; i < 20; i++)
        findings_add(i % 2 ? &findings : &more, FINDING_ERROR, "file", i, 1, "remedy", "text %u", i);
    findings_move(&more, &findings);
    findings_sort(&findings);
    enum status status = findings.errors == 20 && findings.count <= 20 ? STATUS_OK : STATUS_INVALID;
    findings_clear(&findings);
    return status;
}

static enum status run_metrics(void)
{
    struct metrics *metrics = NULL;
    struct buffer out = BUFFER_INIT(100000);
    enum status status = metrics_new(&metrics);

    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < 40; i++) { /* enough for the tables to grow */
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        metric_add(metrics_counter(metrics, name, "help", NULL, NULL), 1);
        metric_add(metrics_gauge(metrics, "gauge", "help", "label", name), 1);
    }
    metric_observe(metrics_histogram(metrics, "h", "help", 1, 0, 5), 3);
    status = metrics_render(metrics, &out);
    if (status != STATUS_OK && out.size != 0)
        status = STATUS_INVALID;
    buffer_free(&out);
    metrics_free(&metrics);
    return status;
}

static enum status run_file(void)
{
    struct arena *arena = NULL;
    struct span bytes = {0};
    struct error error = {""};
    char path[256];

    snprintf(path, sizeof path, "%s/file", dir);
    enum status status = arena_new(64, 1000, &arena);
    if (status == STATUS_OK)
        status = file_write_atomic(path, span_text("text"), 0600, &error);
    if (status == STATUS_OK)
        status = file_read(path, 100, arena, &error, &bytes);
    arena_free(&arena);
    return status == STATUS_SYSTEM ? STATUS_NO_MEMORY : status;
}

static enum status run_yaml(void)
{
    struct arena *arena = NULL;
    struct findings findings = {0};
    struct yaml *root = NULL;
    static const char text[] = "a: [1, {b: 'two', c: |\n  three\n  }]\nd: e\n";
    static const char good[] = "a: [1, {b: 'two', c: \"three\"}]\nd: >\n  e\n";

    enum status status = arena_new(64, 10000, &arena);
    if (status == STATUS_OK)
        status = yaml_parse(span_text(good), "f", arena, &findings, &root);
    if (status != STATUS_OK && root)
        status = STATUS_INVALID;
    if (status == STATUS_OK && yaml_parse(span_text(text), "f", arena, &findings, &root) == STATUS_OK)
        status = STATUS_INVALID;
    findings_clear(&findings);
    arena_free(&arena);
    return status;
}

struct settings {
    int64_t number;
    struct config_texts texts;
};

static const struct config_row rows[] = {
    {.name = "section.number", .type = CONFIG_INTEGER, .offset = offsetof(struct settings, number), .fallback = "5"},
    {.name = "texts", .type = CONFIG_TEXT_LIST, .offset = offsetof(struct settings, texts), .fallback = "[a, b]"},
};
static const struct config_table table = {rows, 2, sizeof(struct settings)};

static enum status run_config(void)
{
    struct arena *arena = NULL;
    struct findings findings = {0};
    struct settings settings = {.number = 77};
    struct buffer out = BUFFER_INIT(10000);

    enum status status = arena_new(64, 10000, &arena);
    if (status == STATUS_OK)
        status = config_defaults(&table, arena, &settings);
    if (status == STATUS_OK)
        status =
            config_parse(&table, span_text("section: {number: 6}\ntexts: [c]\n"), "f", arena, &findings, &settings);
    else if (settings.number != 77)
        status = STATUS_INVALID;
    if (status == STATUS_OK)
        status = config_write_yaml(&table, &settings, &out);
    else if (arena && settings.number == 6)
        status = STATUS_INVALID;
    buffer_free(&out);
    findings_clear(&findings);
    arena_free(&arena);
    return status;
}

static void test_every_allocation(void **state)
{
    static const struct {
        const char *name;
        enum status (*run)(void);
    } cases[] = {
        {"arena", run_arena},     {"buffer", run_buffer}, {"queue", run_queue}, {"findings", run_findings},
        {"metrics", run_metrics}, {"file", run_file},     {"yaml", run_yaml},   {"config", run_config},
    };

    (void)state;
    if (!alloc_fail_available())
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(cases[i].run(), STATUS_OK); /* also lets the libraries set themselves up */
        long count = 0;
        for (bool failed = true; failed; count++) {
            long before = alloc_fail_held();
            alloc_fail_after(count);
            enum status status = cases[i].run();
            failed = alloc_fail_stop();
            long after = alloc_fail_held();
            if (after != before || (status != STATUS_OK && (status != STATUS_NO_MEMORY || !failed)))
                fail_msg("%s, allocation %ld: %s, %ld blocks held, then %ld", cases[i].name, count, status_text(status),
                         before, after);
        }
        print_message("%s: %ld allocations\n", cases[i].name, count - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_allocation)};

    dir = temp_dir_make();
    int failed = cmocka_run_group_tests_name("base/no_memory", tests, NULL, NULL);
    temp_dir_remove(&dir);
    return failed;
}
