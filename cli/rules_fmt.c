#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/findings.h"
#include "base/yaml.h"
#include "cli/command.h"
#include "cli/rules.h"
#include "rules/format.h"
#include "rules/reader.h"

enum { OPTION_CHECK = RULES_LONG_OPTION };

#define ARENA_SIZE_MAX ((size_t)2 << 30)

static const char fmt_help[] = "usage: weir rules fmt [OPTION]... PATH...\n"
                               "\n"
                               "Formats packs in place: white space, indentation, blank lines between rules, the\n"
                               "order of a rule's keys, and single quotes where no others are needed. Comments\n"
                               "stay. What the pack means stays too, which is proved by reading it again before\n"
                               "anything is written. A PATH is a pack or a folder of packs.\n"
                               "\n"
                               "Options:\n"
                               "      --check       write nothing; exit with 1 if a pack is not formatted\n"
                               "      --rules PATH  the same as PATH; may be given several times\n"
                               "      --json        one JSON object on standard output as well\n"
                               "  -h, --help        this help\n"
                               "\n"
                               "Examples:\n"
                               "  weir rules fmt my-packs/\n"
                               "  weir rules fmt --check my-packs/\n"
                               "\n"
                               "Exit status: 0 done, 1 a pack is not formatted (--check) or is not valid YAML,\n"
                               "2 wrong usage, 3 the environment failed.\n";

struct fmt {
    struct rules_arguments arguments;
    bool check;
    struct findings findings;
    json_t *changed; /* paths, with --json */
    uint32_t file_count, changed_count;
    bool environment_failed;
};

static bool take(void *context, int option, const char *value)
{
    struct fmt *fmt = context;
    (void)option;
    (void)value;
    fmt->check = true;
    return true;
}

static enum status write_back(const char *path, struct span text, struct error *error)
{
    struct stat about;
    unsigned mode = stat(path, &about) == 0 ? about.st_mode & 07777u : 0644u;
    char *real = realpath(path, NULL); /* a link stays a link */
    enum status status = file_write_atomic(real ? real : path, text, mode, error);
    free(real);
    return status;
}

static void format_file(struct fmt *fmt, const char *path)
{
    struct arena *arena = NULL;
    struct error error = {0};
    struct span text = {0}, formatted = {0};
    enum status status = arena_new(64u << 10, ARENA_SIZE_MAX, &arena);
    fmt->file_count++;
    if (status == STATUS_OK) {
        status = file_read(path, YAML_SIZE_MAX, arena, &error, &text);
    }
    if (status == STATUS_OK) {
        status = format_pack(text, path, arena, &fmt->findings, &formatted);
    }
    bool changed = status == STATUS_OK && !span_equal(text, formatted);
    if (changed && !fmt->check) {
        status = write_back(path, formatted, &error);
    }
    if (status != STATUS_OK && status != STATUS_INVALID) {
        (void)command_fail("rules fmt", EXIT_ENVIRONMENT, "%s",
                           error.text[0] != '\0' ? error.text : status_text(status));
        fmt->environment_failed = true;
    } else if (changed) {
        fmt->changed_count++;
        if (fmt->changed) {
            json_array_append_new(fmt->changed, json_string(path));
        }
        fprintf(stderr, "%s %s\n", path, fmt->check ? "is not formatted" : "formatted");
    }
    arena_free(&arena);
}

static void format_path(struct fmt *fmt, const char *path)
{
    struct arena *arena = NULL;
    const char *const *files = NULL;
    if (arena_new(64u << 10, RULES_ARENA_SIZE_MAX, &arena) != STATUS_OK) {
        fmt->environment_failed = true;
    } else if (reader_find_packs(path, arena, &fmt->findings, &files) == STATUS_OK) {
        for (; *files; files++) {
            format_file(fmt, *files);
        }
    }
    arena_free(&arena);
}

static int run(struct fmt *fmt)
{
    fmt->changed = fmt->arguments.json ? json_array() : NULL;
    for (uint32_t i = 0; i < fmt->arguments.path_count; i++) {
        format_path(fmt, fmt->arguments.paths[i]);
    }
    findings_sort(&fmt->findings);
    findings_print(&fmt->findings, stderr, command_colour(stderr));
    int exit_code = fmt->environment_failed                                              ? EXIT_ENVIRONMENT
                    : fmt->findings.errors > 0 || (fmt->check && fmt->changed_count > 0) ? EXIT_FOUND_FAULT
                                                                                         : EXIT_DONE;
    if (fmt->arguments.json) {
        return rules_print_json("rules fmt",
                                json_pack("{s:b, s:I, s:o, s:o*}", "ok", exit_code == EXIT_DONE, "packs",
                                          (json_int_t)fmt->file_count, "changed", fmt->changed, "findings",
                                          rules_findings_json(&fmt->findings)),
                                exit_code);
    }
    if (fmt->check && fmt->changed_count == 0) {
        fprintf(stderr, "%u pack%s formatted\n", fmt->file_count, fmt->file_count == 1 ? " is" : "s are");
    } else {
        fprintf(stderr, "%u of %u pack%s %s\n", fmt->changed_count, fmt->file_count, command_plural(fmt->file_count),
                fmt->check ? "to be formatted" : "changed");
    }
    return exit_code;
}

int rules_fmt(int argc, char **argv)
{
    static const struct option options[] = {
        {"check", no_argument, NULL, OPTION_CHECK},
        {NULL, 0, NULL, 0},
    };
    struct fmt fmt = {
        .arguments = {
            .command = "rules fmt", .help = fmt_help, .options = options, .take = take, .may_lack_packs = true}};
    int exit_code = EXIT_ENVIRONMENT;
    fmt.arguments.context = &fmt;
    if (rules_arguments_read(&fmt.arguments, argc, argv, &exit_code)) {
        exit_code = fmt.arguments.path_count > 0 ? run(&fmt) : command_usage_error("rules fmt", "name a pack");
    }
    findings_clear(&fmt.findings);
    rules_arguments_free(&fmt.arguments);
    return exit_code;
}
