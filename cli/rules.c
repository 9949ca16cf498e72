#include "cli/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command.h"
#include "rules/model.h"
#include "rules/reader.h"
#include "scanner/ruleset.h"

static const struct rules_action {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* at most 68 columns */
} rules_actions[] = {
    {"check", rules_check, "find every fault in packs: where, what is wrong, what to do about it"},
    {"test", rules_test, "run the tests that stand in packs and show those that fail"},
    {"list", rules_list, "show the rules of packs as a table"},
    {"fmt", rules_fmt, "format packs without changing what they mean or losing comments"},
    {"import", rules_import, "make a pack of SpamAssassin's rules, word lists and others'"},
    {"explain", rules_explain, "show why rules flag a text, or what is missing for it"},
    {"mutate", rules_mutate, "change rules a little and show what their tests do not notice"},
    {"diff", rules_diff, "say what changed in meaning between two versions of rules"},
    {"backtest", rules_backtest, "show what two versions of rules flag in files of messages"},
    {"profile", rules_profile, "show what each pattern costs on a sample; write a traffic profile"},
    {"status", rules_status, "which rules are live in 'weir run', what was refused and why"},
    {"rollback", rules_rollback, "make a former generation of the rules live"},
    {"resume", rules_resume, "after a rollback: take the files on the disk again"},
    {"restore", rules_restore, "let rules alert again that were demoted for flooding"},
    {"stats", rules_stats, "how often rules hit, and how often people agreed with them"},
};

#define RULES_ACTION_COUNT (sizeof rules_actions / sizeof *rules_actions)

static void print_help(void)
{
    fputs("usage: weir rules ACTION [OPTION]... [PATH]...\n"
          "\n"
          "Tools for people who write rules. A PATH is a pack (a .yaml or .yml file) or a\n"
          "folder of packs. Without a PATH the packs that come with Weir are meant.\n"
          "\n"
          "Actions:\n",
          stdout);
    for (size_t i = 0; i < RULES_ACTION_COUNT; i++) {
        printf("  %-8s  %s\n", rules_actions[i].name, rules_actions[i].summary);
    }
    fputs("\n"
          "'weir rules ACTION --help' says more about each.\n",
          stdout);
}

static int unknown_action(const char *name)
{
    const char *names[RULES_ACTION_COUNT + 1] = {0};
    for (size_t i = 0; i < RULES_ACTION_COUNT; i++) {
        names[i] = rules_actions[i].name;
    }
    const char *nearest = findings_nearest(name, names);
    char known[512] = "";
    for (size_t i = 0, size = 0; i < RULES_ACTION_COUNT && size < sizeof known; i++) {
        size += (size_t)snprintf(known + size, sizeof known - size, "%s%s", i ? ", " : "", names[i]);
    }
    return nearest ? command_usage_error("rules", "unknown action '%s'; did you mean '%s'?", name, nearest)
                   : command_usage_error("rules", "unknown action '%s'; there are %s", name, known);
}

int command_rules(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)) {
        print_help();
        return EXIT_DONE;
    }
    if (!name) {
        return command_usage_error("rules", "say what to do, such as 'weir rules check'");
    }
    for (size_t i = 0; i < RULES_ACTION_COUNT; i++) {
        if (strcmp(rules_actions[i].name, name) == 0) {
            return rules_actions[i].run(argc - 1, argv + 1);
        }
    }
    return unknown_action(name);
}

static bool add_path(struct rules_arguments *arguments, const char *path, int *ret_exit)
{
    if (arguments->path_count == RULES_PATHS_MAX) {
        *ret_exit = command_usage_error(arguments->command, "at most %u paths are allowed", RULES_PATHS_MAX);
        return false;
    }
    arguments->paths[arguments->path_count++] = path;
    return true;
}

/* The options of all actions and those of this one. */
static void merge_options(const struct rules_arguments *arguments, struct option all[RULES_OPTIONS_MAX + 4],
                          char letters[2 * RULES_OPTIONS_MAX + 3])
{
    static const struct option common[] = {
        {"json", no_argument, NULL, 'j'},
        {"rules", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
    };
    size_t count = sizeof common / sizeof *common;
    memcpy(all, common, sizeof common);
    for (const struct option *option = arguments->options; option && option->name; option++) {
        if (count == RULES_OPTIONS_MAX + 3) {
            abort(); /* the table of an action is larger than it may be */
        }
        all[count++] = *option;
    }
    all[count] = (struct option){0};
    (void)snprintf(letters, 2 * RULES_OPTIONS_MAX + 3, ":h%s", arguments->letters ? arguments->letters : "");
}

/* What is no option, and what is meant where nothing is said. */
static bool take_rest(struct rules_arguments *arguments, int argc, char **argv, int *ret_exit)
{
    if (arguments->takes_words) {
        arguments->words = argv + optind;
        arguments->word_count = (uint32_t)(argc - optind);
    } else {
        for (; optind < argc; optind++) {
            if (!add_path(arguments, argv[optind], ret_exit)) {
                return false;
            }
        }
    }
    if (arguments->path_count > 0 || arguments->may_lack_packs) {
        return true;
    }
    const char *packs = command_default_packs();
    if (!packs) {
        *ret_exit = command_fail(arguments->command, EXIT_ENVIRONMENT,
                                 "the packs that come with Weir are not installed; name a pack");
        return false;
    }
    return add_path(arguments, packs, ret_exit);
}

bool rules_arguments_read(struct rules_arguments *arguments, int argc, char **argv, int *ret_exit)
{
    struct option options[RULES_OPTIONS_MAX + 4];
    char letters[2 * RULES_OPTIONS_MAX + 3];
    int option;
    merge_options(arguments, options, letters);
    arguments->paths = calloc(RULES_PATHS_MAX, sizeof *arguments->paths);
    if (!arguments->paths) {
        *ret_exit = command_fail(arguments->command, EXIT_ENVIRONMENT, "%s", status_text(STATUS_NO_MEMORY));
        return false;
    }
    optind = 0; /* glibc: begin anew */
    opterr = 0;
    while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        switch (option) {
        case 'j':
            arguments->json = true;
            break;
        case 'r':
            if (!add_path(arguments, optarg, ret_exit)) {
                return false;
            }
            break;
        case 'h':
            fputs(arguments->help, stdout);
            *ret_exit = EXIT_DONE;
            return false;
        case ':':
        case '?':
            *ret_exit = command_option_error(arguments->command, option, argv, options);
            return false;
        default:
            if (!arguments->take(arguments->context, option, optarg)) {
                *ret_exit = EXIT_WRONG_USAGE;
                return false;
            }
        }
    }
    return take_rest(arguments, argc, argv, ret_exit);
}

void rules_arguments_free(struct rules_arguments *arguments)
{
    free(arguments->paths);
    arguments->paths = NULL;
    arguments->path_count = 0;
}

int rules_exit_code(enum status status, const struct findings *findings)
{
    if (status == STATUS_NO_MEMORY || status == STATUS_SYSTEM || status == STATUS_LIMIT) {
        return EXIT_ENVIRONMENT;
    }
    return status != STATUS_OK || findings->errors > 0 ? EXIT_FOUND_FAULT : EXIT_DONE;
}

int rules_print_json(const char *command, json_t *object, int exit_code)
{
    if (!object) {
        return command_fail(command, EXIT_ENVIRONMENT, "%s", status_text(STATUS_NO_MEMORY));
    }
    (void)json_dumpf(object, stdout, JSON_COMPACT);
    (void)fputc('\n', stdout);
    json_decref(object);
    return exit_code;
}

json_t *rules_findings_json(const struct findings *findings)
{
    char *text = NULL;
    size_t size = 0;
    json_t *array = NULL;
    FILE *stream = open_memstream(&text, &size);
    if (stream) {
        findings_print_json(findings, stream);
        if (fclose(stream) == 0) {
            array = json_loadb(text, size, 0, NULL);
        }
        free(text);
    }
    return array;
}

uint32_t rules_count_files(const struct rules_arguments *arguments)
{
    struct findings ignored = {0};
    struct arena *arena = NULL;
    uint32_t count = 0;
    if (arena_new(64u << 10, RULES_ARENA_SIZE_MAX, &arena) != STATUS_OK) {
        return 0;
    }
    for (uint32_t i = 0; i < arguments->path_count; i++) {
        const char *const *files = NULL;
        if (reader_find_packs(arguments->paths[i], arena, &ignored, &files) == STATUS_OK) {
            for (; *files; files++) {
                count++;
            }
        }
    }
    findings_clear(&ignored);
    arena_free(&arena);
    return count;
}

enum status rules_read_packs(const struct rules_arguments *arguments, struct arena *arena, struct findings *findings,
                             struct pack ***ret_packs, uint32_t *ret_count)
{
    uint32_t count = 0;
    uint32_t capacity = rules_count_files(arguments);
    struct pack **packs = arena_array(arena, (size_t)capacity + 1, sizeof(struct pack *));
    if (!packs) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < arguments->path_count; i++) {
        const char *const *files = NULL;
        if (reader_find_packs(arguments->paths[i], arena, findings, &files) != STATUS_OK) {
            continue;
        }
        for (; *files && count < capacity; files++) {
            if (reader_read_pack(*files, findings, &packs[count]) == STATUS_OK) {
                count++;
            }
        }
    }
    *ret_packs = packs;
    *ret_count = count;
    return STATUS_OK;
}

bool rules_find(const struct ruleset *set, const char *id, const char *command, const struct rule **ret_rule)
{
    uint32_t pack_count = 0, count = 0, used = 0;
    const struct pack *const *packs = ruleset_packs(set, &pack_count);
    const struct rule *found = NULL;
    for (uint32_t p = 0; p < pack_count; p++) {
        count += packs[p]->rule_count;
    }
    const char **ids = calloc((size_t)count + 1, sizeof *ids);
    for (uint32_t p = 0; p < pack_count && ids; p++) {
        for (uint32_t r = 0; r < packs[p]->rule_count; r++) {
            ids[used++] = packs[p]->rules[r].id;
            found = strcmp(packs[p]->rules[r].id, id) == 0 ? &packs[p]->rules[r] : found;
        }
    }
    const char *nearest = ids && !found ? findings_nearest(id, ids) : NULL;
    free(ids);
    if (found) {
        *ret_rule = found;
    } else if (nearest) {
        (void)command_fail(command, EXIT_FOUND_FAULT, "there is no rule '%s'; did you mean '%s'?", id, nearest);
    } else {
        (void)command_fail(command, EXIT_FOUND_FAULT, "there is no rule '%s'", id);
    }
    return found != NULL;
}

unsigned rules_terminal_width(void)
{
    struct winsize size = {0};
    if (!isatty(STDOUT_FILENO)) {
        return 0;
    }
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 80;
}
