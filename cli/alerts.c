/* weir alerts: work a queue from a terminal. Options and dispatch; the actions are in alerts_*.c. */
#include "cli/alerts.h"

#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"

#define ALERTS_COMMAND "alerts"
#define ALERTS_ARENA_CHUNK (64u << 10)
#define ALERTS_ARENA_MAX ((size_t)1 << 30)
#define ALERTS_LEASE_DEFAULT_MINUTES 30
#define ALERTS_LEASE_MAX_MINUTES 1440
#define ALERTS_LIMIT_MAX 1000000
#define ALERTS_DECISIONS "violation, no_violation, unsure or none"

static const char alerts_help[] = "usage: weir alerts ACTION [OPTION]...\n"
                                  "Work the review queues from a terminal.\n"
                                  "\n"
                                  "  list     the cases that are open, most urgent first\n"
                                  "  show     the messages of a case, with what was flagged in them\n"
                                  "  claim    take a case for yourself for some time\n"
                                  "  decide   say what a claimed case is, or give it back\n"
                                  "\n"
                                  "'weir alerts ACTION --help' tells more. A usual round:\n"
                                  "  weir alerts claim --queue fraud\n"
                                  "  weir alerts show 12\n"
                                  "  weir alerts decide 12 --token 1 --decision violation\n";

#define ALERTS_HELP_DATA "  --data DIR       the data folder of 'weir run' (default: weir-data)\n"
#define ALERTS_HELP_AS "  --as NAME        who you are (default: $WEIR_ANALYST, else your login name)\n"
#define ALERTS_HELP_END                                                                                                \
    "  --json           for programs\n"                                                                                \
    "  --help           this text\n"                                                                                   \
    "\n"                                                                                                               \
    "Exit status: 0 done, 1 no such case or somebody else's, 2 wrong usage,\n"                                         \
    "3 the store cannot be used.\n"

enum alerts_option {
    OPTION_DATA = 256,
    OPTION_QUEUE,
    OPTION_ALL,
    OPTION_LIMIT,
    OPTION_JSON,
    OPTION_AS,
    OPTION_REASON,
    OPTION_LEASE,
    OPTION_TOKEN,
    OPTION_DECISION,
    OPTION_NOTE,
};

#define ALERTS_TAKES(option) (1u << ((option)-256))

struct alerts_action {
    const char *name, *full_name;
    int (*run)(struct alerts_call *call);
    unsigned options; /* ALERTS_TAKES of each that it takes, besides --data, --json, --help */
    enum { CASE_NONE, CASE_MAY, CASE_MUST } takes_case;
    const char *help;
};

static const struct alerts_action alerts_actions[] = {
    {"list", "alerts list", alerts_list,
     ALERTS_TAKES(OPTION_QUEUE) | ALERTS_TAKES(OPTION_ALL) | ALERTS_TAKES(OPTION_LIMIT), CASE_NONE,
     "usage: weir alerts list [OPTION]...\n"
     "Lists cases, most urgent first: severity, then deadline. Shows no message text.\n"
     "\n" ALERTS_HELP_DATA "  --queue NAME     only this queue\n"
     "  --all            decided cases too\n"
     "  --limit N        at most N cases\n" ALERTS_HELP_END},
    {"show", "alerts show", alerts_show, ALERTS_TAKES(OPTION_AS) | ALERTS_TAKES(OPTION_REASON), CASE_MUST,
     "usage: weir alerts show CASE [OPTION]...\n"
     "Shows the messages of a case in order, and what was flagged by which rule.\n"
     "Who reads it, when and why is recorded before anything is shown.\n"
     "\n" ALERTS_HELP_DATA ALERTS_HELP_AS "  --reason TEXT    why you read it (default: review)\n" ALERTS_HELP_END},
    {"claim", "alerts claim", alerts_claim,
     ALERTS_TAKES(OPTION_AS) | ALERTS_TAKES(OPTION_QUEUE) | ALERTS_TAKES(OPTION_LEASE), CASE_MAY,
     "usage: weir alerts claim [CASE] [OPTION]...\n"
     "Takes a case for yourself: CASE, or the most urgent one that nobody holds.\n"
     "Prints a token that 'decide' asks for. When the time is over somebody else may\n"
     "take the case. Claiming your own case again gives you more time and a new token.\n"
     "\n" ALERTS_HELP_DATA ALERTS_HELP_AS "  --queue NAME     the most urgent one of this queue\n"
     "  --lease MINUTES  for how long (default: 30, at most 1440)\n" ALERTS_HELP_END},
    {"decide", "alerts decide", alerts_decide,
     ALERTS_TAKES(OPTION_AS) | ALERTS_TAKES(OPTION_TOKEN) | ALERTS_TAKES(OPTION_DECISION) | ALERTS_TAKES(OPTION_NOTE),
     CASE_MUST,
     "usage: weir alerts decide CASE --token T --decision WHAT [OPTION]...\n"
     "Decides a case that you have claimed. A decision is final: later hits open a new\n"
     "case.\n"
     "\n" ALERTS_HELP_DATA ALERTS_HELP_AS "  --token T        what 'claim' printed\n"
     "  --decision WHAT  violation, no_violation or unsure; none gives the case back\n"
     "  --note TEXT      kept with the decision and in the audit\n" ALERTS_HELP_END},
};

static const struct option alerts_options[] = {
    {"data", required_argument, NULL, OPTION_DATA},
    {"queue", required_argument, NULL, OPTION_QUEUE},
    {"all", no_argument, NULL, OPTION_ALL},
    {"limit", required_argument, NULL, OPTION_LIMIT},
    {"json", no_argument, NULL, OPTION_JSON},
    {"as", required_argument, NULL, OPTION_AS},
    {"reason", required_argument, NULL, OPTION_REASON},
    {"lease", required_argument, NULL, OPTION_LEASE},
    {"token", required_argument, NULL, OPTION_TOKEN},
    {"decision", required_argument, NULL, OPTION_DECISION},
    {"note", required_argument, NULL, OPTION_NOTE},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char *alerts_who(void)
{
    const char *name = getenv("WEIR_ANALYST");
    if (name && *name)
        return name;
    const struct passwd *user = getpwuid(getuid());
    return user && user->pw_name && *user->pw_name ? user->pw_name : NULL;
}

/* Numbers that `list` and `claim` print: cases and tokens. */
static bool alerts_number(const struct alerts_call *call, const char *what, const char *text, int64_t *ret_value)
{
    long long value = 0;
    if (!command_number(call->command, what, text, 1, LLONG_MAX, &value))
        return false;
    *ret_value = value;
    return true;
}

static bool alerts_set_decision(struct alerts_call *call, const char *text)
{
    for (int i = 0; i < DECISION_COUNT; i++) {
        if (strcmp(text, decision_names[i]) == 0) {
            call->decision = (enum decision)i;
            call->decision_given = true;
            return true;
        }
    }
    const char *nearest = findings_nearest(text, decision_names);
    (void)command_usage_error(call->command, "--decision is " ALERTS_DECISIONS ", not '%s'%s%s%s", text,
                              nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
    return false;
}

/* One option into the call; false after saying what is wrong. */
static bool alerts_set(struct alerts_call *call, int option, const char *text)
{
    long long number = 0;
    switch (option) {
    case OPTION_DATA:
        call->data = text;
        call->data_given = true;
        return true;
    case OPTION_QUEUE:
        call->queue = text;
        return true;
    case OPTION_ALL:
        call->all = true;
        return true;
    case OPTION_LIMIT:
        if (!command_number(call->command, "--limit", text, 1, ALERTS_LIMIT_MAX, &number))
            return false;
        call->limit = (uint32_t)number;
        return true;
    case OPTION_JSON:
        call->json = true;
        return true;
    case OPTION_AS:
        call->who = text;
        call->who_given = true;
        return true;
    case OPTION_REASON:
        call->reason = text;
        return true;
    case OPTION_LEASE:
        if (!command_number(call->command, "--lease", text, 1, ALERTS_LEASE_MAX_MINUTES, &number))
            return false;
        call->lease_minutes = number;
        return true;
    case OPTION_TOKEN:
        return alerts_number(call, "--token", text, &call->token);
    case OPTION_DECISION:
        return alerts_set_decision(call, text);
    case OPTION_NOTE:
        call->note = text;
        return true;
    default:
        return false;
    }
}

/* Reads the words after the action. Returns -1, or the exit code to end with. */
static int alerts_parse(const struct alerts_action *action, int argc, char **argv, struct alerts_call *call)
{
    const unsigned taken = action->options | ALERTS_TAKES(OPTION_DATA) | ALERTS_TAKES(OPTION_JSON);
    int option, which = 0;
    optind = 0; /* from the start, also if something was parsed before */
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":h", alerts_options, &which)) != -1) {
        if (option == 'h') {
            fputs(action->help, stdout);
            return EXIT_DONE;
        }
        if (option == ':' || option == '?')
            return command_option_error(action->full_name, option, argv, alerts_options);
        if (!(taken & ALERTS_TAKES(option)))
            return command_usage_error(action->full_name, "takes no --%s", alerts_options[which].name);
        if (!alerts_set(call, option, optarg))
            return EXIT_WRONG_USAGE;
    }
    int words = argc - optind;
    if (words > (action->takes_case == CASE_NONE ? 0 : 1))
        return command_usage_error(action->full_name, "unexpected argument '%s'", argv[argc - 1]);
    if (words == 1 && !alerts_number(call, "a case", argv[optind], &call->case_id))
        return EXIT_WRONG_USAGE;
    if (words == 0 && action->takes_case == CASE_MUST)
        return command_usage_error(action->full_name, "which case? 'weir alerts list' shows them");
    if (action->run == alerts_claim && call->case_id && call->queue)
        return command_usage_error(action->full_name, "give a case or a queue, not both");
    if (action->run == alerts_decide && call->token == 0)
        return command_usage_error(action->full_name, "--token is missing; 'weir alerts claim' prints it");
    if (action->run == alerts_decide && !call->decision_given)
        return command_usage_error(action->full_name, "--decision is missing: " ALERTS_DECISIONS);
    if ((action->options & ALERTS_TAKES(OPTION_AS)) && (!call->who || !*call->who))
        return command_usage_error(action->full_name, "say who you are with --as or $WEIR_ANALYST");
    if (action->run == alerts_show && !*call->reason)
        return command_usage_error(action->full_name, "--reason must say something");
    return -1;
}

static int alerts_run(const struct alerts_action *action, int argc, char **argv)
{
    struct alerts_call call = {
        .command = action->full_name,
        .data = "weir-data",
        .who = alerts_who(),
        .reason = "review",
        .lease_minutes = ALERTS_LEASE_DEFAULT_MINUTES,
        .ops = &store_sqlite,
    };
    int code = alerts_parse(action, argc, argv, &call);
    if (code >= 0)
        return code;
    struct error error = {0};
    call.now_ms = clock_now_ms();
    if (arena_new(ALERTS_ARENA_CHUNK, ALERTS_ARENA_MAX, &call.arena) != STATUS_OK)
        return command_fail(ALERTS_COMMAND, EXIT_ENVIRONMENT, "out of memory");
    if (call.ops->open(call.data, false, &error, &call.store) == STATUS_OK) {
        code = action->run(&call);
        call.ops->close(&call.store);
    } else {
        code = command_fail(action->full_name, EXIT_ENVIRONMENT, "%s", error.text);
    }
    arena_free(&call.arena);
    return code;
}

int command_alerts(int argc, char **argv)
{
    if (argc < 2)
        return command_usage_error(ALERTS_COMMAND, "say what to do: list, show, claim or decide");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(alerts_help, stdout);
        return EXIT_DONE;
    }
    const char *names[sizeof alerts_actions / sizeof alerts_actions[0] + 1] = {NULL};
    for (size_t i = 0; i < sizeof alerts_actions / sizeof alerts_actions[0]; i++) {
        names[i] = alerts_actions[i].name;
        if (strcmp(argv[1], names[i]) == 0)
            return alerts_run(&alerts_actions[i], argc - 1, argv + 1);
    }
    const char *nearest = findings_nearest(argv[1], names);
    return command_usage_error(ALERTS_COMMAND, "unknown action '%s'%s%s%s", argv[1],
                               nearest ? "; did you mean '" : "; there are list, show, claim and decide",
                               nearest ? nearest : "", nearest ? "'?" : "");
}
