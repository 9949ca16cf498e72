/* weir config: check and show settings. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "cli/command.h"
#include "cli/settings.h"

#define ARENA_MAX ((size_t)64 << 20)
#define OUTPUT_MAX ((size_t)16 << 20)

static const char help[] = "Checks and shows the settings of 'weir run'.\n"
                           "\n"
                           "usage: weir config check [--json] FILE\n"
                           "       weir config show [FILE]\n"
                           "       weir config reference\n"
                           "\n"
                           "  check      says everything that is wrong with FILE, with line and column\n"
                           "  show       prints all settings as a commented YAML file: the defaults, or\n"
                           "             what FILE makes of them; a good start for a file of your own\n"
                           "  reference  prints the manual of all settings as a Markdown table\n"
                           "\n"
                           "  --json     print findings as JSON on stdout\n"
                           "  --help     print this\n"
                           "\n"
                           "examples: weir config show >weir.yaml\n"
                           "          weir config check weir.yaml && weir run -c weir.yaml\n"
                           "\n"
                           "Exit status: 0 fine, 1 the file has errors, 2 wrong usage, 3 the environment\n"
                           "failed.\n";

static enum status load(const char *path, struct arena *arena, struct findings *findings, struct settings *ret_settings)
{
    struct settings settings;
    enum status status = config_defaults(&settings_table, arena, &settings);
    if (status == STATUS_OK && path) {
        status = config_read(&settings_table, path, arena, findings, &settings);
    }
    if (status == STATUS_OK) {
        settings_check(&settings, path ? path : "defaults", findings);
        *ret_settings = settings;
    }
    return status;
}

static int check(const char *path, bool json)
{
    struct findings findings = {0};
    struct settings settings;
    struct arena *arena;
    if (arena_new(4096, ARENA_MAX, &arena) != STATUS_OK) {
        return command_fail("config", EXIT_ENVIRONMENT, "out of memory");
    }
    enum status status = load(path, arena, &findings, &settings);
    int code = findings.errors ? EXIT_FOUND_FAULT : status == STATUS_OK ? EXIT_DONE : EXIT_ENVIRONMENT;
    if (status == STATUS_SYSTEM) {
        code = EXIT_ENVIRONMENT;
    }
    findings_sort(&findings);
    if (json) {
        findings_print_json(&findings, stdout);
    } else {
        findings_print(&findings, stderr, command_colour(stderr));
        if (code == EXIT_DONE) {
            (void)fprintf(stderr, "%s: fine\n", path);
        }
    }
    findings_clear(&findings);
    arena_free(&arena);
    return code;
}

static int show(const char *path)
{
    struct findings findings = {0};
    struct settings settings;
    struct arena *arena;
    struct buffer out = BUFFER_INIT(OUTPUT_MAX);
    if (arena_new(4096, ARENA_MAX, &arena) != STATUS_OK) {
        return command_fail("config", EXIT_ENVIRONMENT, "out of memory");
    }
    int code = EXIT_DONE;
    if (load(path, arena, &findings, &settings) != STATUS_OK || findings.errors > 0) {
        findings_print(&findings, stderr, command_colour(stderr));
        code = EXIT_FOUND_FAULT;
    } else if (config_write_yaml(&settings_table, &settings, &out) != STATUS_OK) {
        code = command_fail("config", EXIT_ENVIRONMENT, "out of memory");
    } else if (fwrite(out.data, 1, out.size, stdout) != out.size) {
        code = command_fail("config", EXIT_ENVIRONMENT, "cannot write to stdout");
    }
    buffer_free(&out);
    findings_clear(&findings);
    arena_free(&arena);
    return code;
}

static int reference(void)
{
    struct buffer out = BUFFER_INIT(OUTPUT_MAX);
    int code = EXIT_DONE;
    if (config_write_markdown(&settings_table, &out) != STATUS_OK ||
        fwrite(out.data, 1, out.size, stdout) != out.size) {
        code = command_fail("config", EXIT_ENVIRONMENT, "cannot write the reference");
    }
    buffer_free(&out);
    return code;
}

int command_config(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool json = false;
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (option) {
        case 'j':
            json = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return EXIT_DONE;
        default:
            return command_usage_error("config", "unknown option");
        }
    }
    const char *what = optind < argc ? argv[optind] : NULL;
    const char *path = optind + 1 < argc ? argv[optind + 1] : NULL;
    if (what && strcmp(what, "check") == 0 && path) {
        return check(path, json);
    }
    if (what && strcmp(what, "show") == 0) {
        return show(path);
    }
    if (what && strcmp(what, "reference") == 0) {
        return reference();
    }
    return command_usage_error("config", what ? "'%s' needs a file, or is no such thing" : "say what to do", what);
}
