/* The `weir` program: one table of subcommands. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static const struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} subcommands[] = {
    {"run", command_run, "run the pipeline: take messages in, scan them, store alerts"},
    {"send", command_send, "send messages to a running pipeline and wait for every receipt"},
    {"scan", command_scan, "scan a file, without any sockets; one JSON line a hit"},
    {"rules", command_rules, "check, test and list rules"},
    {"alerts", command_alerts, "work the review queues: list, show, claim, decide"},
    {"config", command_config, "check and show settings"},
    {"doctor", command_doctor, "test this machine and the search engine"},
    {"demo", command_demo, "see the whole pipeline at work on made-up conversations"},
};

#define SUBCOMMAND_COUNT (sizeof subcommands / sizeof *subcommands)

static void print_help(FILE *out)
{
    (void)fprintf(out, "weir scans direct messages for harm and routes what it finds to people.\n\n"
                       "usage: weir COMMAND [OPTION]...\n\n");
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        (void)fprintf(out, "  %-8s %s\n", subcommands[i].name, subcommands[i].summary);
    }
    (void)fprintf(out, "\n"
                       "'weir COMMAND --help' explains a command, 'weir --version' names the version.\n"
                       "New here? 'weir demo' shows everything in a minute.\n"
                       "Exit status: 0 done, 1 fault found with input or rules, 2 wrong usage,\n"
                       "3 the environment failed.\n");
}

static int unknown(const char *name)
{
    const char *names[SUBCOMMAND_COUNT + 1] = {0};
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        names[i] = subcommands[i].name;
    }
    const char *nearest = findings_nearest(name, names);
    if (nearest) {
        return command_usage_error(NULL, "unknown command '%s'; did you mean '%s'?", name, nearest);
    }
    return command_usage_error(NULL, "unknown command '%s'", name);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_WRONG_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)printf("weir %s\n", WEIR_VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        if (strcmp(argv[1], subcommands[i].name) == 0) {
            return subcommands[i].run(argc - 1, argv + 1);
        }
    }
    return unknown(argv[1]);
}
