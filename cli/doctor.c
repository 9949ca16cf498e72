/* weir doctor: is this machine, and the engine the program is linked with, fit to scan? */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"
#include "rules/partition.h"
#include "rules/regex.h"
#include "scanner/selftest.h"

static const char help[] = "Tests this machine and the search engine that weir is linked with.\n"
                           "\n"
                           "usage: weir doctor [--data DIR] [--json]\n"
                           "\n"
                           "  --data DIR  also test that DIR can be written and synced\n"
                           "  --json      print the results as JSON\n"
                           "  --help      print this\n"
                           "\n"
                           "The engine's matches are compared with PCRE2's over thousands of made-up rules\n"
                           "and texts, which takes some seconds: an engine that misses one is refused,\n"
                           "here and by 'weir run'.\n"
                           "\n"
                           "Exit status: 0 all well, 2 wrong usage, 3 something failed.\n";

struct report {
    json_t *checks; /* NULL: print as text */
    bool failed;
};

static void tell(struct report *report, const char *name, bool well, const char *words)
{
    report->failed |= !well;
    if (report->checks) {
        (void)json_array_append_new(report->checks,
                                    json_pack("{s:s, s:b, s:s}", "check", name, "ok", well, "text", words));
    } else {
        bool colour = command_colour(stdout);
        (void)printf("%s%-6s%s %-10s %s\n", colour ? (well ? "\033[32m" : "\033[31m") : "", well ? "ok" : "FAILED",
                     colour ? "\033[0m" : "", name, words);
        (void)fflush(stdout);
    }
}

static void check_machine(struct report *report)
{
    char words[512];
    struct utsname about;
    long cores = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (uname(&about) != 0) {
        tell(report, "machine", false, "uname failed");
        return;
    }
    (void)snprintf(words, sizeof words, "%s %s, %ld cores, %ld MiB of memory", about.machine, about.release, cores,
                   pages / 1024 * page / 1024);
    tell(report, "machine", true, words);
    (void)snprintf(words, sizeof words, "Hyperscan %s; PCRE2 %s", partition_engine(), regex_version());
    tell(report, "engines", true, words);
}

static void check_engine(struct report *report)
{
    char words[600];
    struct error error = {0};
    int64_t started_ms = clock_ticks_ms();
    command_busy("comparing the engine with PCRE2...");
    enum status status = selftest_run(SELFTEST_FULL, &error);
    command_busy(NULL);
    if (status == STATUS_OK) {
        (void)snprintf(words, sizeof words, "finds exactly what PCRE2 finds: %u rules on %u texts, %.1f s",
                       (unsigned)SELFTEST_FULL_PATTERNS, (unsigned)SELFTEST_FULL_TEXTS,
                       (double)(clock_ticks_ms() - started_ms) / 1e3);
    } else {
        (void)snprintf(words, sizeof words, "%s", error.text[0] ? error.text : status_text(status));
    }
    tell(report, "search", status == STATUS_OK, words);
}

/* A file is made, synced and removed: what every acknowledged alert depends on. */
static void check_folder(struct report *report, const char *folder)
{
    char path[4096], words[5000];
    int fd = -1;
    int size = snprintf(path, sizeof path, "%s/doctor-XXXXXX", folder);
    errno = ENAMETOOLONG;
    if (size > 0 && (size_t)size < sizeof path) {
        fd = mkstemp(path);
    }
    int64_t started_ns = clock_ticks_ns();
    bool well = fd >= 0 && write(fd, "weir", 4) == 4 && fsync(fd) == 0;
    int reason = errno;
    double milliseconds = (double)(clock_ticks_ns() - started_ns) / 1e6;
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(path);
    }
    if (well) {
        (void)snprintf(words, sizeof words, "%s can be written; one sync took %.1f ms", folder, milliseconds);
    } else {
        (void)snprintf(words, sizeof words, "%s cannot be written and synced: %s", folder, strerror(reason));
    }
    tell(report, "data", well, words);
}

int command_doctor(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct report report = {0};
    const char *data = NULL;
    bool json = false;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        switch (option) {
        case 'j':
            json = true;
            break;
        case 'd':
            data = optarg;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return EXIT_DONE;
        default:
            return command_option_error("doctor", option, argv, options);
        }
    }
    if (optind < argc) {
        return command_usage_error("doctor", "unexpected argument '%s'", argv[optind]);
    }
    report.checks = json ? json_array() : NULL;
    check_machine(&report);
    check_engine(&report);
    if (data) {
        check_folder(&report, data);
    }
    if (report.checks) {
        (void)json_dumpf(report.checks, stdout, JSON_COMPACT);
        (void)putchar('\n');
        json_decref(report.checks);
    }
    return report.failed ? EXIT_ENVIRONMENT : EXIT_DONE;
}
