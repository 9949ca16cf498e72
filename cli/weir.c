/* The `weir` program: one table of subcommands. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/rule_cache.h"
#include "cli/traffic.h"

static const struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} subcommands[] = {
    {"run", command_run, "run the pipeline: take messages in, scan them, store alerts"},
    {"send", command_send, "send messages to a running pipeline and wait for every receipt"},
    {"scan", command_scan, "scan a file, without any sockets; one JSON line a hit"},
    {"rules", command_rules, "write rules: check, test, import, explain, measure"},
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
    return command_usage_error(NULL, name[0] == '-' ? "unknown option '%s'" : "unknown command '%s'", name);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_WRONG_USAGE;
    }
    bool help = strcmp(argv[1], "help") == 0;
    if ((help && argc == 2) || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        (void)printf("weir %s\n", WEIR_VERSION);
        return EXIT_DONE;
    }
    const char *name = help ? argv[2] : argv[1];
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        if (strcmp(name, subcommands[i].name) != 0) {
            continue;
        }
        if (help) { /* weir help scan: weir scan --help */
            static char option[] = "--help";
            char *words[] = {argv[2], option, NULL};
            return subcommands[i].run(2, words);
        }
        return subcommands[i].run(argc - 1, argv + 1);
    }
    return unknown(name);
}

/* A full disk or a closed stdout must not pass for success. */
int main(int argc, char **argv)
{
    if (!isatty(STDOUT_FILENO)) {
        static char buffer[64 << 10]; /* what is short is written at the end, where it can fail aloud */
        (void)setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    }
    rule_cache_start();
    traffic_start(argc > 1 ? argv[1] : NULL);
    int code = dispatch(argc, argv);
    errno = 0;
    bool failed = ferror(stdout) != 0;
    if ((fflush(stdout) != 0 || failed) && code == EXIT_DONE) {
        code = command_fail(NULL, EXIT_ENVIRONMENT, "cannot write to standard output%s%s", errno ? ": " : "",
                            errno ? strerror(errno) : "");
    }
    return code;
}
