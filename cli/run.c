/* weir run: the whole pipeline in one process. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/pipeline.h"
#include "cli/rule_cache.h"
#include "cli/settings.h"
#include "cli/traffic.h"

#define ARENA_MAX ((size_t)64 << 20)

static const char help[] = "Runs the pipeline: takes messages in, scans them, stores alerts, acknowledges.\n"
                           "\n"
                           "usage: weir run [OPTION]...\n"
                           "\n"
                           "  -c, --config FILE      settings (see 'weir config show'); the default is none\n"
                           "      --rules PATH       a pack or a folder of packs, instead of the setting\n"
                           "                         'rules'; may be given several times\n"
                           "      --data DIR         the folder of the case store (default: weir-data)\n"
                           "      --listen ENDPOINT  one acked source there, instead of ingest.sources\n"
                           "      --api URL          the HTTP address, instead of api.listen\n"
                           "      --workers N        scanner threads (default: one for each core)\n"
                           "      --help             print this\n"
                           "\n"
                           "It logs JSON lines on stderr; the event 'ready' says that it takes traffic.\n"
                           "SIGTERM or SIGINT drains and ends it. Rules are taken as soon as their files\n"
                           "change, and at SIGHUP; 'weir rules status' shows what is live.\n"
                           "\n"
                           "examples: weir run\n"
                           "          weir run -c weir.yaml --data /var/lib/weir\n"
                           "\n"
                           "Exit status: 0 drained, 1 rules or settings have errors, 2 wrong usage, 3 the\n"
                           "environment failed (an address in use, a folder that cannot be written).\n";

struct run_options {
    const char *config;
    const char *data;
    const char *listen;
    const char *api;
    long long workers; /* -1: not given */
    const char **rules;
    uint32_t rule_count;
};

/* Findings go where a person or a program will see them: as text on a terminal, else as log events. */
static void tell(struct findings *findings)
{
    findings_sort(findings);
    if (isatty(STDERR_FILENO)) {
        findings_print(findings, stderr, command_colour(stderr));
    } else {
        pipeline_log_findings(findings);
    }
}

static int parse_options(int argc, char **argv, struct run_options *options)
{
    enum { OPTION_RULES = 256, OPTION_DATA, OPTION_LISTEN, OPTION_API, OPTION_WORKERS };
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},
        {"rules", required_argument, NULL, OPTION_RULES},
        {"data", required_argument, NULL, OPTION_DATA},
        {"listen", required_argument, NULL, OPTION_LISTEN},
        {"api", required_argument, NULL, OPTION_API},
        {"workers", required_argument, NULL, OPTION_WORKERS},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":c:h", known, NULL)) != -1;) {
        switch (option) {
        case 'c':
            options->config = optarg;
            break;
        case OPTION_RULES:
            options->rules[options->rule_count++] = optarg; /* the array has a place for each argument */
            break;
        case OPTION_DATA:
            options->data = optarg;
            break;
        case OPTION_LISTEN:
            options->listen = optarg;
            break;
        case OPTION_API:
            options->api = optarg;
            break;
        case OPTION_WORKERS:
            if (!command_number("run", "--workers", optarg, 0, 256, &options->workers)) {
                return EXIT_WRONG_USAGE;
            }
            break;
        case 'h':
            (void)fputs(help, stdout);
            return -1;
        default:
            return command_option_error("run", option, argv, known);
        }
    }
    return optind < argc ? command_usage_error("run", "unexpected argument '%s'", argv[optind]) : EXIT_DONE;
}

static int load_settings(const struct run_options *options, struct arena *arena, struct settings *settings)
{
    struct findings findings = {0};
    const char *name = options->config ? options->config : "command line";
    enum status status = config_defaults(&settings_table, arena, settings);
    if (status == STATUS_OK && options->config) {
        status = config_read(&settings_table, options->config, arena, &findings, settings);
    }
    settings->data = options->data ? options->data : settings->data;
    settings->api_listen = options->api ? options->api : settings->api_listen;
    settings->workers = options->workers >= 0 ? options->workers : settings->workers;
    if (options->rule_count > 0) {
        settings->rules = (struct config_texts){.items = options->rules, .count = options->rule_count};
    }
    if (status == STATUS_OK && settings->rules.count == 0) {
        static const char *packs[1];
        packs[0] = command_default_packs();
        settings->rules = (struct config_texts){.items = packs, .count = packs[0] ? 1 : 0};
    }
    if (status == STATUS_OK && (options->listen || settings->sources.count == 0)) {
        static struct settings_source source;
        source = (struct settings_source){.endpoint = options->listen ? options->listen : "tcp://127.0.0.1:5750"};
        settings->sources = (struct config_list){.items = &source, .count = 1};
    }
    if (status == STATUS_OK) {
        settings_check(settings, name, &findings);
    }
    tell(&findings);
    bool unreadable = status != STATUS_OK && status != STATUS_INVALID;
    int code = unreadable ? EXIT_ENVIRONMENT : findings.errors > 0 ? EXIT_FOUND_FAULT : EXIT_DONE;
    findings_clear(&findings);
    if (code == EXIT_DONE && settings->rules.count == 0) {
        return command_fail("run", EXIT_ENVIRONMENT,
                            "the packs that come with Weir are not installed; give --rules PATH");
    }
    return code;
}

/* Waits for the end; reloads on the way. Signals are blocked in every thread and taken here only. */
static void serve(struct pipeline *pipeline, const sigset_t *signals)
{
    for (;;) {
        int number;
        if (sigwait(signals, &number) != 0) {
            return;
        }
        if (number == SIGHUP) {
            pipeline_reload(pipeline);
            continue;
        }
        log_event(LOG_INFO, "stopping", LOG_TEXT("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"));
        return;
    }
}

static int run(const struct settings *settings)
{
    sigset_t signals;
    struct pipeline *pipeline;
    struct findings findings = {0};
    struct error error = {0};
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
        return command_fail("run", EXIT_ENVIRONMENT, "cannot set up signals");
    }
    enum status status = pipeline_start(settings, &findings, &error, &pipeline);
    tell(&findings);
    bool faulty = findings.errors > 0;
    findings_clear(&findings);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "start_failed",
                  LOG_TEXT("reason", error.text[0] ? error.text
                                     : faulty      ? "the rules have errors"
                                                   : status_text(status)));
        return status == STATUS_INVALID || faulty ? EXIT_FOUND_FAULT : EXIT_ENVIRONMENT;
    }
    serve(pipeline, &signals);
    uint32_t unsettled = pipeline_stop(&pipeline);
    log_event(LOG_INFO, "stopped", LOG_INTEGER("unsettled_batches", unsettled));
    return EXIT_DONE;
}

int command_run(int argc, char **argv)
{
    struct run_options options = {.workers = -1, .rules = calloc((size_t)argc + 1, sizeof(char *))};
    struct settings settings;
    struct arena *arena = NULL;
    int code = EXIT_ENVIRONMENT;
    if (!options.rules || arena_new(4096, ARENA_MAX, &arena) != STATUS_OK) {
        code = command_fail("run", EXIT_ENVIRONMENT, "out of memory");
        goto out;
    }
    code = parse_options(argc, argv, &options);
    if (code != EXIT_DONE) {
        code = code < 0 ? EXIT_DONE : code;
        goto out;
    }
    code = load_settings(&options, arena, &settings);
    if (code == EXIT_DONE) {
        log_set_level((enum log_level)settings.log_level);
        code = rule_cache_settings(&settings) == STATUS_OK ? EXIT_DONE
                                                           : command_fail("run", EXIT_ENVIRONMENT, "out of memory");
        traffic_settings(&settings);
    }
    if (code == EXIT_DONE) {
        code = run(&settings);
    }
out:
    arena_free(&arena);
    free(options.rules);
    return code;
}
