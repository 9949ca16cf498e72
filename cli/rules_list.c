#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/findings.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/rules.h"
#include "proto/severity.h"
#include "rules/model.h"

#define TABLE_COLUMNS 6
#define TABLE_SIZE_MAX (4u << 20) /* of one line */

static const char list_help[] = "usage: weir rules list [OPTION]... [PATH]...\n"
                                "\n"
                                "Shows the rules of packs: id, severity, status, queue ('-': the settings of\n"
                                "'weir run' decide), how many tests they have, and the title. On a terminal long\n"
                                "ids and titles are cut to fit. A PATH is a pack or a folder of packs; without\n"
                                "one, the packs that come with Weir.\n"
                                "\n"
                                "Options:\n"
                                "      --rules PATH  the same as PATH; may be given several times\n"
                                "      --json        one JSON object a rule and line instead\n"
                                "  -h, --help        this help\n"
                                "\n"
                                "Examples:\n"
                                "  weir rules list\n"
                                "  weir rules list --json my-packs/ | jq -r 'select(.tests == 0).id'\n"
                                "\n"
                                "Exit status: 0 done, 1 a pack has errors (the others are listed), 2 wrong usage,\n"
                                "3 the environment failed.\n";

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* One line of the table, two spaces between the columns. */
static enum status print_row(struct buffer *out, const uint32_t widths[TABLE_COLUMNS],
                             const char *const texts[TABLE_COLUMNS])
{
    enum status status = STATUS_OK;
    buffer_clear(out);
    for (int i = 0; status == STATUS_OK && i < TABLE_COLUMNS; i++) {
        bool last = i + 1 == TABLE_COLUMNS;
        status = columns_append(texts[i], widths[i], !last, out);
        if (status == STATUS_OK) {
            status = buffer_append_text(out, last ? "\n" : "  ");
        }
    }
    (void)fwrite(out->data, 1, out->size, stdout);
    return status;
}

static enum status print_table(const struct pack *const *packs, uint32_t pack_count)
{
    uint32_t id_width = 2;
    uint32_t queue_width = 5;
    uint32_t title_width = UINT32_MAX;
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            id_width = larger(id_width, columns_of(rule->id));
            queue_width = larger(queue_width, rule->queue ? columns_of(rule->queue) : 1);
        }
    }
    unsigned width = rules_terminal_width();
    if (width > 0) {
        const unsigned fixed = 8 + 6 + 5 + 5 * 2; /* the other columns, and the gaps between all */
        queue_width = queue_width > 12 ? 12 : queue_width;
        uint32_t left = width > fixed + queue_width ? width - fixed - queue_width : 1;
        id_width = id_width > left * 2 / 3 ? larger(left * 2 / 3, 2) : id_width;
        title_width = left > id_width ? left - id_width : 1;
    }
    const uint32_t widths[TABLE_COLUMNS] = {id_width, 8, 6, queue_width, 5, title_width};
    struct buffer out = BUFFER_INIT(TABLE_SIZE_MAX);
    enum status status =
        print_row(&out, widths, (const char *const[]){"ID", "SEVERITY", "STATUS", "QUEUE", "TESTS", "TITLE"});
    for (uint32_t p = 0; status == STATUS_OK && p < pack_count; p++) {
        for (uint32_t r = 0; status == STATUS_OK && r < packs[p]->rule_count; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            char tests[16];
            (void)snprintf(tests, sizeof tests, "%5u", rule->test_count);
            status = print_row(&out, widths,
                               (const char *const[]){rule->id, severity_text(rule->severity),
                                                     rule_status_names[rule->status], rule->queue ? rule->queue : "-",
                                                     tests, rule->title});
        }
    }
    buffer_free(&out);
    return status;
}

static int print_rules_json(const char *command, const struct pack *const *packs, uint32_t pack_count)
{
    for (uint32_t p = 0; p < pack_count; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
            const struct rule *rule = &packs[p]->rules[r];
            json_t *object =
                json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:I, s:I, s:s, s:s, s:I}", "id", rule->id, "pack",
                          packs[p]->name, "title", rule->title, "severity", severity_text(rule->severity), "status",
                          rule_status_names[rule->status], "queue", rule->queue, "patterns",
                          (json_int_t)rule->pattern_count, "tests", (json_int_t)rule->test_count, "condition",
                          rule->condition_text ? rule->condition_text : "any of them", "file", packs[p]->path, "line",
                          (json_int_t)rule->place.line);
            if (rules_print_json(command, object, EXIT_DONE) != EXIT_DONE) {
                return EXIT_ENVIRONMENT;
            }
        }
    }
    return EXIT_DONE;
}

static int run(struct rules_arguments *arguments)
{
    struct findings findings = {0};
    struct arena *arena = NULL;
    struct pack **packs = NULL;
    uint32_t count = 0;
    enum status status = arena_new(64u << 10, RULES_ARENA_SIZE_MAX, &arena);
    if (status == STATUS_OK) {
        status = rules_read_packs(arguments, arena, &findings, &packs, &count);
    }
    if (status != STATUS_OK) {
        arena_free(&arena);
        return command_fail(arguments->command, EXIT_ENVIRONMENT, "%s", status_text(status));
    }
    int exit_code = EXIT_DONE;
    if (arguments->json) {
        exit_code = print_rules_json(arguments->command, (const struct pack *const *)packs, count);
    } else if (count > 0) {
        status = print_table((const struct pack *const *)packs, count);
        exit_code = status == STATUS_OK ? EXIT_DONE
                                        : command_fail(arguments->command, EXIT_ENVIRONMENT, "%s", status_text(status));
    }
    if (findings.errors > 0) {
        fflush(stdout);
        findings_sort(&findings);
        findings_print(&findings, stderr, command_colour(stderr));
        exit_code = exit_code == EXIT_DONE ? EXIT_FOUND_FAULT : exit_code;
    }
    for (uint32_t i = 0; i < count; i++) {
        pack_free(&packs[i]);
    }
    arena_free(&arena);
    findings_clear(&findings);
    return exit_code;
}

int rules_list(int argc, char **argv)
{
    struct rules_arguments arguments = {.command = "rules list", .help = list_help};
    int exit_code = EXIT_ENVIRONMENT;
    if (rules_arguments_read(&arguments, argc, argv, &exit_code)) {
        exit_code = run(&arguments);
    }
    rules_arguments_free(&arguments);
    return exit_code;
}
