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
                           "  --json     check: one JSON object on stdout: ok, errors, warnings, findings\n"
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

/* A file that cannot be read is the environment's fault, not the writer's. */
static int exit_code(enum status status, const struct findings *findings)
{
    if (status != STATUS_OK && status != STATUS_INVALID) {
        return EXIT_ENVIRONMENT;
    }
    return findings->errors > 0 ? EXIT_FOUND_FAULT : EXIT_DONE;
}

static int check(const char *path, bool json)
{
    struct findings findings = {0};
    struct settings settings;
    struct arena *arena;
    if (arena_new(4096, ARENA_MAX, &arena) != STATUS_OK) {
        return command_fail("config", EXIT_ENVIRONMENT, "out of memory");
    }
    int code = exit_code(load(path, arena, &findings, &settings), &findings);
    findings_sort(&findings);
    if (json) {
        (void)printf("{\"ok\":%s,\"errors\":%u,\"warnings\":%u,\"findings\":", code == EXIT_DONE ? "true" : "false",
                     findings.errors, findings.warnings);
        findings_print_json(&findings, stdout);
        (void)puts("}");
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
    int code = exit_code(load(path, arena, &findings, &settings), &findings);
    if (code != EXIT_DONE) {
        findings_sort(&findings);
        findings_print(&findings, stderr, command_colour(stderr));
    } else if (config_write_yaml(&settings_table, &settings, &out) != STATUS_OK) {
        code = command_fail("config", EXIT_ENVIRONMENT, "out of memory");
    } else {
        (void)fwrite(out.data, 1, out.size, stdout);
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
    if (config_write_markdown(&settings_table, &out) != STATUS_OK) {
        code = command_fail("config", EXIT_ENVIRONMENT, "out of memory");
    } else {
        (void)fwrite(out.data, 1, out.size, stdout);
    }
    buffer_free(&out);
    return code;
}

int command_config(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool json = false;
    opterr = 0; /* what is wrong is said here */
    for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (option) {
        case 'j':
            json = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return EXIT_DONE;
        default:
            return command_option_error("config", option, argv, options);
        }
    }
    const char *what = optind < argc ? argv[optind++] : NULL;
    const char *path = optind < argc ? argv[optind++] : NULL;
    static const char *const actions[] = {"check", "show", "reference", NULL};
    if (!what) {
        return command_usage_error("config", "say what to do: check, show or reference");
    }
    bool checks = strcmp(what, "check") == 0, shows = strcmp(what, "show") == 0;
    if (!checks && !shows && strcmp(what, "reference") != 0) {
        const char *nearest = findings_nearest(what, actions);
        return nearest
                   ? command_usage_error("config", "unknown action '%s'; did you mean '%s'?", what, nearest)
                   : command_usage_error("config", "unknown action '%s'; there are check, show and reference", what);
    }
    if (optind < argc || (path && !checks && !shows)) {
        return command_usage_error("config", "unexpected argument '%s'", optind < argc ? argv[optind] : path);
    }
    if (checks && !path) {
        return command_usage_error("config", "check which file?");
    }
    if (json && !checks) {
        return command_usage_error("config", "--json is for 'check'");
    }
    return checks ? check(path, json) : shows ? show(path) : reference();
}
