/* weir send: messages from a file to a pipeline, every one accounted for. */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/courier.h"
#include "cli/feeder.h"
#include "cli/input.h"
#include "cli/progress.h"

#define SEND_WAIT_MS 100
#define SEND_QUEUE_MAX 64

static const char help[] = "Sends messages to a running pipeline and waits for every receipt.\n"
                           "\n"
                           "usage: weir send --to ENDPOINT [OPTION]... FILE|-\n"
                           "\n"
                           "  --to ENDPOINT      the acked source, e.g. tcp://127.0.0.1:5750\n"
                           "  --format FORMAT    lines, jsonl or tsv; default: by the file's name\n"
                           "  --text-column N    tsv: the column of the text, from 1; default: the last\n"
                           "  --id-prefix TEXT   goes before the line number where a message has no id;\n"
                           "                     without it two files send the same ids\n"
                           "  --batch N          messages a batch; default 512\n"
                           "  --window N         batches in flight; default 32\n"
                           "  --rate N           messages a second; default: as fast as it goes\n"
                           "  --repeat N         sends the file N times; from the second round on message\n"
                           "                     ids start with r2-, r3-, ..., as do conversation ids that\n"
                           "                     were made from them\n"
                           "  --timeout-ms N     sends a batch again when its receipt does not come for so\n"
                           "                     long; default 10000\n"
                           "  --give-up-after N  gives up when no batch could be settled for N seconds;\n"
                           "                     default 60, 0: never\n"
                           "  --help             print this\n"
                           "\n"
                           "A batch whose receipt says RETRY_LATER goes again after the delay that it names;\n"
                           "a lost connection is made again, and everything without a receipt goes over it.\n"
                           "A batch that is too much for the server goes in halves. Rejected messages are\n"
                           "named on stderr by line and id.\n"
                           "\n"
                           "The last line on stdout is a JSON object: messages, acked, rejected,\n"
                           "faulty_lines, resent (messages sent again after a timeout or a lost connection),\n"
                           "unacked, batches, retry_later, malformed (receipts), seconds,\n"
                           "messages_per_second.\n"
                           "\n"
                           "examples: weir send --to tcp://127.0.0.1:5750 chat.jsonl\n"
                           "          tail -f chat | weir send --to tcp://127.0.0.1:5750 --format jsonl -\n"
                           "\n"
                           "Exit status: 0 every message was acked; 1 some were rejected, or lines hold no\n"
                           "message; 2 wrong usage; 3 the environment failed, it gave up or was interrupted.\n";

struct sending {
    struct feeder_options feed;
    struct courier_options courier;
    long long rate;
    long long give_up_s;
};

/* What decides when the next batch may go at a rate. */
struct pace {
    double rate;    /* messages a ms; 0: unlimited */
    double next_ms; /* when it may go */
};

enum outcome { SENT_ALL, GAVE_UP, INTERRUPTED, BROKE };

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static bool parse_format(const char *text, enum input_format *ret_format)
{
    for (int i = 0; input_format_names[i] != NULL; i++) {
        if (strcmp(text, input_format_names[i]) == 0) {
            *ret_format = (enum input_format)i;
            return true;
        }
    }
    (void)command_usage_error("send", "--format takes lines, jsonl or tsv, not '%s'", text);
    return false;
}

/* One option; false if it is wrong, and said so. */
static bool parse_option(int option, const char *value, struct sending *sending)
{
    long long number = 0;
    bool ok = true;
    switch (option) {
    case 't':
        sending->courier.endpoint = value;
        return true;
    case 'i':
        sending->feed.input.id_prefix = value;
        return true;
    case 'f':
        return parse_format(value, &sending->feed.input.format);
    case 'c':
        ok = command_number("send", "--text-column", value, 1, 1000000, &number);
        sending->feed.input.text_column = (uint32_t)number;
        return ok;
    case 'b':
        ok = command_number("send", "--batch", value, 1, 65536, &number);
        sending->feed.batch_messages = (uint32_t)number;
        return ok;
    case 'w':
        ok = command_number("send", "--window", value, 1, 65536, &number);
        sending->courier.window = (uint32_t)number;
        return ok;
    case 'n':
        ok = command_number("send", "--repeat", value, 1, 1000000000, &number);
        sending->feed.repeat = (uint32_t)number;
        return ok;
    case 'r':
        return command_number("send", "--rate", value, 1, 1000000000, &sending->rate);
    case 'm':
        ok = command_number("send", "--timeout-ms", value, 1, 86400000, &number);
        sending->courier.timeout_ms = number;
        return ok;
    case 'g':
        return command_number("send", "--give-up-after", value, 0, 1000000000, &sending->give_up_s);
    default:
        return false;
    }
}

/* An exit code, or -1: go on. */
static int parse(int argc, char **argv, struct sending *sending)
{
    static const struct option options[] = {{"to", required_argument, NULL, 't'},
                                            {"format", required_argument, NULL, 'f'},
                                            {"text-column", required_argument, NULL, 'c'},
                                            {"id-prefix", required_argument, NULL, 'i'},
                                            {"batch", required_argument, NULL, 'b'},
                                            {"window", required_argument, NULL, 'w'},
                                            {"rate", required_argument, NULL, 'r'},
                                            {"repeat", required_argument, NULL, 'n'},
                                            {"timeout-ms", required_argument, NULL, 'm'},
                                            {"give-up-after", required_argument, NULL, 'g'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    optind = 1;
    opterr = 0;
    int option;
    while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
        if (option == 'h') {
            (void)fputs(help, stdout);
            return EXIT_DONE;
        }
        if (option == ':' || option == '?') {
            return command_option_error("send", option, argv, options);
        }
        if (!parse_option(option, optarg, sending)) {
            return EXIT_WRONG_USAGE;
        }
    }
    if (sending->courier.endpoint == NULL) {
        return command_usage_error("send", "--to is missing: where should the messages go?");
    }
    if (strncmp(sending->courier.endpoint, "inproc:", 7) == 0) {
        return command_usage_error("send", "inproc endpoints exist only within one program");
    }
    if (argc - optind != 1) {
        return command_usage_error("send", "name one file, or - for standard input");
    }
    sending->feed.path = argv[optind];
    if (sending->feed.repeat > 1 && strcmp(sending->feed.path, "-") == 0) {
        return command_usage_error("send", "--repeat needs a file: standard input can be read only once");
    }
    return -1;
}

/* Moves batches from the reader to the window while both allow it. Returns the time until the pace allows the next. */
static int64_t take_ready(struct feeder *feeder, struct courier *courier, struct pace *pace, int64_t now_ms,
                          bool *ret_ended)
{
    while (courier_has_room(courier)) {
        void *item = NULL;
        if (pace->rate > 0 && pace->next_ms > (double)now_ms) {
            return (int64_t)(pace->next_ms - (double)now_ms) + 1;
        }
        enum status status = queue_pop(feeder->ready, 0, &item);
        if (status != STATUS_OK) {
            *ret_ended = status == STATUS_CLOSED;
            return SEND_WAIT_MS;
        }
        struct parcel *parcel = item;
        if (pace->rate > 0) { /* time that was not used is not made up for, beyond a little */
            double earliest = (double)now_ms - SEND_WAIT_MS;
            pace->next_ms = pace->next_ms > earliest ? pace->next_ms : earliest;
            pace->next_ms += parcel->count / pace->rate;
        }
        courier_take(courier, parcel, now_ms);
    }
    return SEND_WAIT_MS;
}

static void show_progress(struct progress *progress, struct feeder *feeder, const struct courier_counts *counts)
{
    uint64_t read = atomic_load(&feeder->messages);
    uint64_t position = atomic_load(&feeder->position);
    if (feeder->size > 0 && position > 0) { /* as many messages as the rest of the bytes promises */
        progress->total = (uint64_t)((double)read * (double)feeder->size / (double)position);
    }
    progress_update(progress, counts->acked + counts->rejected);
}

static enum outcome send_all(const struct sending *sending, struct feeder *feeder, struct courier *courier,
                             struct error *error)
{
    struct progress progress;
    struct pace pace = {.rate = (double)sending->rate / 1000};
    enum outcome outcome = SENT_ALL;
    bool ended = false;
    progress_start(&progress, "sending", "messages", 0);
    while (outcome == SENT_ALL && !(ended && courier_idle(courier))) {
        int64_t now_ms = clock_ticks_ms();
        int64_t wait_ms = SEND_WAIT_MS;
        if (!ended) {
            wait_ms = take_ready(feeder, courier, &pace, now_ms, &ended);
        }
        if (courier_work(courier, now_ms, error) != STATUS_OK) {
            outcome = BROKE;
        } else if (interrupted) {
            outcome = INTERRUPTED;
        } else if (sending->give_up_s > 0 && !courier_idle(courier) &&
                   now_ms - courier_settled_ms(courier) >= sending->give_up_s * 1000) {
            outcome = GAVE_UP;
        } else if (!(ended && courier_idle(courier))) {
            bool hungry = !ended && courier_has_room(courier) && pace.next_ms <= (double)now_ms;
            show_progress(&progress, feeder, courier_counts(courier));
            courier_wait(courier, hungry ? queue_fd(feeder->ready) : -1, now_ms,
                         wait_ms < SEND_WAIT_MS ? wait_ms : SEND_WAIT_MS);
        }
    }
    progress_end(&progress);
    return outcome;
}

static void print_summary(struct feeder *feeder, const struct courier_counts *counts, double seconds)
{
    uint64_t messages = atomic_load(&feeder->messages);
    uint64_t rejected = counts->rejected + atomic_load(&feeder->refused);
    uint64_t unacked = messages > counts->acked + rejected ? messages - counts->acked - rejected : 0;
    json_t *summary =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "messages", (json_int_t)messages, "acked",
                  (json_int_t)counts->acked, "rejected", (json_int_t)rejected, "faulty_lines",
                  (json_int_t)atomic_load(&feeder->faulty), "resent", (json_int_t)counts->resent, "unacked",
                  (json_int_t)unacked, "batches", (json_int_t)counts->batches, "retry_later",
                  (json_int_t)counts->retry_later, "malformed", (json_int_t)counts->malformed, "seconds", seconds,
                  "messages_per_second", seconds > 0 ? (double)counts->acked / seconds : 0.0);
    if (summary != NULL) {
        (void)json_dumpf(summary, stdout, JSON_REAL_PRECISION(6));
        (void)fputc('\n', stdout);
        (void)fflush(stdout);
        json_decref(summary);
    }
}

static int finish(enum outcome outcome, struct feeder *feeder, const struct sending *sending,
                  const struct courier_counts *counts, const struct error *error)
{
    switch (outcome) {
    case GAVE_UP:
        return command_fail("send", EXIT_ENVIRONMENT, "gave up: %s settled no batch for %lld seconds",
                            sending->courier.endpoint, sending->give_up_s);
    case INTERRUPTED:
        return command_fail("send", EXIT_ENVIRONMENT, "interrupted");
    case BROKE:
        return command_fail("send", EXIT_ENVIRONMENT, "%s", error->text);
    default:
        break;
    }
    if (atomic_load(&feeder->failed)) {
        return EXIT_ENVIRONMENT;
    }
    bool fault = counts->rejected > 0 || atomic_load(&feeder->faulty) > 0 || atomic_load(&feeder->refused) > 0;
    return fault ? EXIT_FOUND_FAULT : EXIT_DONE;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}; /* the second one kills */
    sigemptyset(&action.sa_mask);
    interrupted = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int command_send(int argc, char **argv)
{
    struct sending sending = {
        .feed = {.batch_messages = 512, .repeat = 1}, .courier = {.window = 32, .timeout_ms = 10000}, .give_up_s = 60};
    struct error error = {0};
    struct feeder feeder = {0};
    struct courier *courier = NULL;
    int code = parse(argc, argv, &sending);
    if (code >= 0) {
        return code;
    }
    if (sending.rate > 0 && sending.feed.batch_messages > sending.rate / 10) { /* ten batches a second flow evenly */
        sending.feed.batch_messages = sending.rate >= 10 ? (uint32_t)(sending.rate / 10) : 1;
    }
    sending.feed.queue_size = sending.courier.window < SEND_QUEUE_MAX ? sending.courier.window : SEND_QUEUE_MAX;
    catch_signals();
    int64_t started_ns = clock_ticks_ns();
    enum status status = feeder_start(&feeder, &sending.feed, &error);
    if (status == STATUS_OK) {
        status = courier_new(&sending.courier, &feeder, clock_ticks_ms(), &error, &courier);
    }
    if (status != STATUS_OK) {
        feeder_stop(&feeder);
        return command_fail("send", status == STATUS_INVALID ? EXIT_WRONG_USAGE : EXIT_ENVIRONMENT, "%s",
                            status == STATUS_NO_MEMORY ? "out of memory" : error.text);
    }
    enum outcome outcome = send_all(&sending, &feeder, courier, &error);
    double seconds = (double)(clock_ticks_ns() - started_ns) * 1e-9;
    struct courier_counts counts = *courier_counts(courier);
    courier_free(&courier);
    feeder_stop(&feeder); /* what it had read and not handed on counts as unacked */
    print_summary(&feeder, &counts, seconds);
    return finish(outcome, &feeder, &sending, &counts, &error);
}
