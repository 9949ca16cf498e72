/*
 * weir demo: the real pipeline on made-up conversations, or on the user's own file. Starts `weir run` on a folder of
 * its own and a free port, sends with `weir send`, and reads the case store like any other reader: each reading is
 * audited.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alerts/store.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/demo_child.h"
#include "cli/demo_show.h"
#include "cli/generate.h"

#define ARENA_CHUNK (1u << 20)
#define ARENA_MAX (1u << 30)
#define LOG_LINE_MAX (1u << 20)
#define PENDING_MAX (1u << 20)
#define PENDING_ENOUGH (16u << 10)
#define READY_WAIT_MS 60000
#define STOP_WAIT_MS 30000
#define LOOK_EVERY_MS 200
#define SHOWN_MAX 120 /* cases printed one by one */

enum { FLAG_PLANTED = 1, FLAG_EVASIVE = 2, FLAG_FOUND = 4, FLAG_HARMFUL = 8 }; /* of a generated conversation */

struct demo_options {
    const char *file, *format, *text_column, *rules, *data, *rate;
    long long messages, seed;
};

struct demo {
    const struct demo_options *options;
    char program[PATH_MAX], data[PATH_MAX], log_path[PATH_MAX + 16], listen[512];
    int log_fd;
    struct demo_child run, send;
    struct buffer log_line, answer, pending;
    size_t pending_at;
    struct generate *generate;
    uint8_t *flags; /* of each generated conversation */
    uint64_t flag_count;
    struct store *store;
    struct arena *arena;
    int64_t last_case, look_at_ms;
    uint64_t shown, not_shown;
    bool ready, colour;
};

static const char help[] = "Shows the whole pipeline at work: starts it, sends it a stream of conversations,\n"
                           "prints each case as it is opened, and ends with a summary.\n\n"
                           "usage: weir demo [OPTION]... [FILE]\n\n"
                           "FILE holds messages of your own: one a line, .jsonl or .tsv. Without it the\n"
                           "stream is made up: invented people chat in ten languages, a few mean harm.\n\n"
                           "      --messages N     how many are made up (default: 6000)\n"
                           "      --seed N         another seed, other conversations (default: 1)\n"
                           "      --rate N         messages a second; 0: as fast as it goes (default: 1000,\n"
                           "                       with FILE 0)\n"
                           "      --format FORMAT  of FILE: lines, jsonl or tsv; default: by its name\n"
                           "      --text-column N  tsv: the column of the text; default: the last\n"
                           "      --rules PATH     a pack or a folder of packs; default: the starter packs\n"
                           "      --data DIR       where the case store goes; default: a new folder under\n"
                           "                       $TMPDIR or /tmp. It is kept, so that you can look further\n"
                           "      --help           print this\n\n"
                           "examples: weir demo\n"
                           "          weir demo --messages 50000 --rate 0\n"
                           "          weir demo chat.jsonl\n\n"
                           "Exit status: 0 done, 1 the rules or the file have faults, 2 wrong usage,\n"
                           "3 the environment failed or it was interrupted.\n";

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* -1: help was printed. */
static int parse_options(int argc, char **argv, struct demo_options *options)
{
    enum { OPTION_MESSAGES = 256, OPTION_SEED, OPTION_RATE, OPTION_FORMAT, OPTION_COLUMN, OPTION_RULES, OPTION_DATA };
    static const struct option known[] = {
        {"messages", required_argument, NULL, OPTION_MESSAGES},
        {"seed", required_argument, NULL, OPTION_SEED},
        {"rate", required_argument, NULL, OPTION_RATE},
        {"format", required_argument, NULL, OPTION_FORMAT},
        {"text-column", required_argument, NULL, OPTION_COLUMN},
        {"rules", required_argument, NULL, OPTION_RULES},
        {"data", required_argument, NULL, OPTION_DATA},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    long long number;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
        bool ok = true;
        switch (option) {
        case OPTION_MESSAGES:
            ok = command_number("demo", "--messages", optarg, 1, 100000000, &options->messages);
            break;
        case OPTION_SEED:
            ok = command_number("demo", "--seed", optarg, 0, LLONG_MAX, &options->seed);
            break;
        case OPTION_RATE:
            ok = command_number("demo", "--rate", optarg, 0, 10000000, &number);
            options->rate = optarg;
            break;
        case OPTION_FORMAT:
            options->format = optarg;
            break;
        case OPTION_COLUMN:
            options->text_column = optarg;
            break;
        case OPTION_RULES:
            options->rules = optarg;
            break;
        case OPTION_DATA:
            options->data = optarg;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return -1;
        default:
            return command_option_error("demo", option, argv, known);
        }
        if (!ok) {
            return EXIT_WRONG_USAGE;
        }
    }
    if (optind + 1 < argc) {
        return command_usage_error("demo", "takes one file, not also '%s'", argv[optind + 1]);
    }
    options->file = optind < argc ? argv[optind] : NULL;
    if (options->file && strcmp(options->file, "-") != 0 && access(options->file, R_OK) != 0) {
        return command_fail("demo", EXIT_FOUND_FAULT, "cannot read '%s': %s", options->file, strerror(errno));
    }
    if (options->file && strcmp(options->file, "-") == 0) {
        return command_usage_error("demo", "needs a file by its name; for a pipe use 'weir run' and 'weir send'");
    }
    return EXIT_DONE;
}

/* How a person would call this program: without the folder they are in. */
static void name_program(char program[PATH_MAX])
{
    char here[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", program, PATH_MAX - 1);
    program[size > 0 ? size : 0] = '\0';
    size_t length = getcwd(here, sizeof here) ? strlen(here) : 0;
    if (length > 1 && strncmp(program, here, length) == 0 && program[length] == '/') {
        memmove(program, program + length + 1, strlen(program + length + 1) + 1);
    }
}

static int make_folder(struct demo *demo)
{
    const char *temporary = getenv("TMPDIR");
    temporary = temporary && *temporary ? temporary : "/tmp";
    int size = demo->options->data ? snprintf(demo->data, sizeof demo->data, "%s", demo->options->data)
                                   : snprintf(demo->data, sizeof demo->data, "%s/weir-demo-XXXXXX", temporary);
    if (size < 0 || (size_t)size >= sizeof demo->data) {
        return command_fail("demo", EXIT_ENVIRONMENT, "the data folder's path is too long");
    }
    if (demo->options->data ? mkdir(demo->data, 0700) != 0 && errno != EEXIST : !mkdtemp(demo->data)) {
        return command_fail("demo", EXIT_ENVIRONMENT, "cannot make '%s': %s", demo->data, strerror(errno));
    }
    (void)snprintf(demo->log_path, sizeof demo->log_path, "%s/weir.log", demo->data);
    demo->log_fd = open(demo->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (demo->log_fd < 0) {
        return command_fail("demo", EXIT_ENVIRONMENT, "cannot write '%s': %s", demo->log_path, strerror(errno));
    }
    return EXIT_DONE;
}

/* After a start that failed: there is nothing to look at. Leaves a folder with anything else in it as it is. */
static void remove_folder(const struct demo *demo)
{
    if (!demo->options->data && unlink(demo->log_path) == 0) {
        (void)rmdir(demo->data);
    }
}

/* One line of the pipeline's log. */
static void take_log_line(struct demo *demo, const char *line, size_t size)
{
    json_t *json = demo->ready ? NULL : json_loadb(line, size, 0, NULL);
    const char *event = json_string_value(json_object_get(json, "event"));
    const char *listen = json_string_value(json_object_get(json, "listen"));
    if (event && listen && strcmp(event, "ready") == 0) {
        (void)snprintf(demo->listen, sizeof demo->listen, "%s", listen);
        demo->ready = true;
    }
    json_decref(json);
}

/* Reads what the pipeline logged, into its file. */
static void take_log(struct demo *demo)
{
    char bytes[8192];
    ssize_t size;
    while (demo->run.err >= 0 && (size = read(demo->run.err, bytes, sizeof bytes)) >= 0) {
        if (size == 0) {
            demo_child_close(&demo->run.err);
            return;
        }
        if (write(demo->log_fd, bytes, (size_t)size) != size) {
            (void)command_fail("demo", EXIT_ENVIRONMENT, "cannot write '%s'", demo->log_path);
        }
        if (demo->ready || buffer_append(&demo->log_line, bytes, (size_t)size) != STATUS_OK) {
            continue;
        }
        uint8_t *end;
        while ((end = memchr(demo->log_line.data, '\n', demo->log_line.size))) {
            size_t line = (size_t)(end - demo->log_line.data);
            take_log_line(demo, (const char *)demo->log_line.data, line);
            demo->log_line.size -= line + 1;
            memmove(demo->log_line.data, end + 1, demo->log_line.size);
        }
    }
}

/* Prints the log as it is: what the pipeline said when it could not start. */
static void print_log(const struct demo *demo)
{
    char bytes[4096];
    size_t size;
    FILE *file = fopen(demo->log_path, "re");
    while (file && (size = fread(bytes, 1, sizeof bytes, file)) > 0) {
        (void)fwrite(bytes, 1, size, stderr);
    }
    if (file) {
        (void)fclose(file);
    }
}

static int start_pipeline(struct demo *demo)
{
    const char *rules = demo->options->rules ? demo->options->rules : command_default_packs();
    if (!rules) {
        return command_fail("demo", EXIT_FOUND_FAULT, "no starter packs found beside the program: give --rules PATH");
    }
    char *rules_copy = strdup(rules);
    char words[][32] = {
        "weir", "run", "--rules", "--data", "--listen", "tcp://127.0.0.1:*", "--api", "http://127.0.0.1:0"};
    char *const arguments[] = {words[0], words[1], words[2], rules_copy, words[3], demo->data,
                               words[4], words[5], words[6], words[7],   NULL};
    struct error error = {0};
    enum status status = rules_copy ? demo_child_start(arguments, false, -1, &error, &demo->run) : STATUS_NO_MEMORY;
    free(rules_copy);
    if (status != STATUS_OK) {
        return command_fail("demo", EXIT_ENVIRONMENT, "%s", error.text[0] ? error.text : status_text(status));
    }
    int64_t until = clock_ticks_ms() + READY_WAIT_MS;
    while (!demo->ready && !interrupted && clock_ticks_ms() < until) {
        struct pollfd log = {.fd = demo->run.err, .events = POLLIN};
        (void)poll(&log, 1, 100);
        take_log(demo);
        if (!demo->ready && demo_child_ended(&demo->run)) {
            take_log(demo);
            print_log(demo);
            return command_fail("demo", demo->run.exit_code == EXIT_FOUND_FAULT ? EXIT_FOUND_FAULT : EXIT_ENVIRONMENT,
                                "the pipeline did not start (exit status %d)", demo->run.exit_code);
        }
    }
    if (!demo->ready) {
        return command_fail("demo", EXIT_ENVIRONMENT, interrupted ? "interrupted" : "the pipeline did not get ready");
    }
    return EXIT_DONE;
}

static int open_store(struct demo *demo)
{
    struct error error = {0};
    struct store_case *cases;
    uint32_t count = 0;
    enum status status = store_sqlite.open(demo->data, false, &error, &demo->store);
    if (status == STATUS_OK) {
        status = store_sqlite.list(demo->store, &(struct store_filter){.limit = 1}, clock_now_ms(), demo->arena, &error,
                                   &cases, &count);
    }
    if (status != STATUS_OK) {
        return command_fail("demo", EXIT_ENVIRONMENT, "%s", error.text[0] ? error.text : status_text(status));
    }
    return count == 0 ? EXIT_DONE
                      : command_fail("demo", EXIT_WRONG_USAGE,
                                     "'%s' holds cases already: a demonstration takes an empty folder", demo->data);
}

static int start_sender(struct demo *demo)
{
    const struct demo_options *options = demo->options;
    const char *rate = options->rate ? options->rate : options->file ? "0" : "1000";
    const char *words[20] = {"weir", "send", "--to", demo->listen};
    size_t count = 4;
    if (strtoll(rate, NULL, 10) > 0) {
        words[count++] = "--rate";
        words[count++] = rate;
        words[count++] = "--batch"; /* small batches, so that cases appear as they are sent */
        words[count++] = "32";
    }
    const char *format = options->file ? options->format : "jsonl";
    if (format) {
        words[count++] = "--format";
        words[count++] = format;
    }
    if (options->text_column) {
        words[count++] = "--text-column";
        words[count++] = options->text_column;
    }
    words[count++] = "--";
    words[count++] = options->file ? options->file : "-";
    /* execv takes strings that it could change, and does not. */
    char *arguments[20] = {0};
    bool ok = true;
    for (size_t i = 0; i < count; i++) {
        arguments[i] = strdup(words[i]);
        ok = ok && arguments[i];
    }
    struct error error = {0};
    enum status status =
        ok ? demo_child_start(arguments, !options->file, demo->log_fd, &error, &demo->send) : STATUS_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        free(arguments[i]);
    }
    return status == STATUS_OK
               ? EXIT_DONE
               : command_fail("demo", EXIT_ENVIRONMENT, "%s", error.text[0] ? error.text : status_text(status));
}

/* The generated conversation's number, or flag_count. */
static uint64_t conversation_of(const struct demo *demo, const char *id)
{
    char *end;
    if (!demo->flags || id[0] != 'c') {
        return demo->flag_count;
    }
    uint64_t number = strtoull(id + 1, &end, 10);
    return *end == '\0' && number < demo->flag_count ? number : demo->flag_count;
}

/* Makes up more messages and passes on what the sender takes. */
static enum status feed(struct demo *demo)
{
    enum status status = STATUS_OK;
    while (demo->generate && demo->pending.size - demo->pending_at < PENDING_ENOUGH && status == STATUS_OK) {
        struct generate_message message;
        status = generate_next(demo->generate, &message);
        if (status == STATUS_CLOSED) {
            generate_free(&demo->generate);
            status = STATUS_OK;
            break;
        }
        if (status == STATUS_OK) {
            status = generate_write_json(&message, &demo->pending);
        }
        uint64_t number = status == STATUS_OK ? conversation_of(demo, message.conversation_id) : demo->flag_count;
        if (number < demo->flag_count) {
            demo->flags[number] |= (uint8_t)((message.planted ? FLAG_PLANTED : 0) |
                                             (message.evasive ? FLAG_EVASIVE : 0) | (message.theme ? FLAG_HARMFUL : 0));
        }
    }
    if (status != STATUS_OK) {
        return status;
    }
    size_t left = demo->pending.size - demo->pending_at;
    ssize_t size = left ? write(demo->send.in, demo->pending.data + demo->pending_at, left) : 0;
    if (size < 0 && errno != EAGAIN && errno != EINTR) {
        demo_child_close(&demo->send.in); /* it has gone; its answer says why */
        return STATUS_OK;
    }
    demo->pending_at += size > 0 ? (size_t)size : 0;
    if (demo->pending_at == demo->pending.size) {
        buffer_clear(&demo->pending);
        demo->pending_at = 0;
        if (!demo->generate) {
            demo_child_close(&demo->send.in);
        }
    }
    return STATUS_OK;
}

static enum status show_case(struct demo *demo, const struct store_case *item, struct error *error)
{
    struct store_case_message *messages;
    struct store_case_hit *hits;
    uint32_t message_count, hit_count;
    enum status status = store_sqlite.read(demo->store, item->id, "weir demo", "demonstration", clock_now_ms(),
                                           demo->arena, error, &messages, &message_count, &hits, &hit_count);
    if (status != STATUS_OK || hit_count == 0) {
        return status;
    }
    const struct store_case_hit *worst = &hits[0];
    for (uint32_t i = 1; i < hit_count; i++) {
        worst = hits[i].severity > worst->severity ? &hits[i] : worst;
    }
    for (uint32_t i = 0; i < message_count; i++) {
        if (strcmp(messages[i].message_id, worst->message_id) == 0) {
            uint64_t number = conversation_of(demo, item->conversation_id);
            bool evasive = number < demo->flag_count && (demo->flags[number] & FLAG_EVASIVE);
            demo_show_case(
                &(struct demo_sight){.item = item, .message = &messages[i], .hit = worst, .evasive = evasive},
                demo->colour);
            break;
        }
    }
    return STATUS_OK;
}

static int by_id(const void *left, const void *right)
{
    int64_t a = ((const struct store_case *)left)->id, b = ((const struct store_case *)right)->id;
    return a < b ? -1 : a > b;
}

/* Prints the cases that were opened since the last look. Leaves all cases in the arena. */
static enum status look(struct demo *demo, struct error *error, struct store_case **ret_cases, uint32_t *ret_count)
{
    arena_reset(demo->arena);
    int64_t started_ms = clock_ticks_ms();
    enum status status = store_sqlite.list(demo->store, &(struct store_filter){0}, clock_now_ms(), demo->arena, error,
                                           ret_cases, ret_count);
    if (status != STATUS_OK) {
        return status;
    }
    if (*ret_count > 0) {
        qsort(*ret_cases, *ret_count, sizeof **ret_cases, by_id);
    }
    for (uint32_t i = 0; i < *ret_count && status == STATUS_OK; i++) {
        if ((*ret_cases)[i].id <= demo->last_case) {
            continue;
        }
        demo->last_case = (*ret_cases)[i].id;
        if (demo->shown >= SHOWN_MAX) {
            demo->not_shown++;
            continue;
        }
        demo->shown++;
        status = show_case(demo, &(*ret_cases)[i], error);
    }
    (void)fflush(stdout);
    /* A big store takes a while to list: then look less often. */
    int64_t took_ms = clock_ticks_ms() - started_ms;
    demo->look_at_ms = clock_ticks_ms() + (took_ms * 10 > LOOK_EVERY_MS ? took_ms * 10 : LOOK_EVERY_MS);
    return STATUS_OK == status ? STATUS_OK : status;
}

/* Until everything is acknowledged, the sender gives up, or somebody presses Ctrl-C. */
static int watch(struct demo *demo)
{
    struct error error = {0};
    struct store_case *cases;
    uint32_t count;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !interrupted && demo->send.out >= 0) {
        struct pollfd fds[] = {{.fd = demo->run.err, .events = POLLIN},
                               {.fd = demo->send.out, .events = POLLIN},
                               {.fd = demo->send.in, .events = POLLOUT}};
        (void)poll(fds, 3, LOOK_EVERY_MS);
        take_log(demo);
        if (demo_child_ended(&demo->run)) {
            print_log(demo);
            return command_fail("demo", EXIT_ENVIRONMENT, "the pipeline ended early (exit status %d)",
                                demo->run.exit_code);
        }
        if (demo->send.in >= 0 && fds[2].revents) {
            status = feed(demo);
        }
        char bytes[4096];
        ssize_t size = fds[1].revents ? read(demo->send.out, bytes, sizeof bytes) : -1;
        if (size == 0) {
            demo_child_close(&demo->send.out);
        } else if (size > 0 && status == STATUS_OK) {
            status = buffer_append(&demo->answer, bytes, (size_t)size);
        }
        if (status == STATUS_OK && clock_ticks_ms() >= demo->look_at_ms) {
            status = look(demo, &error, &cases, &count);
        }
    }
    if (status != STATUS_OK) {
        return command_fail("demo", EXIT_ENVIRONMENT, "%s", error.text[0] ? error.text : status_text(status));
    }
    return EXIT_DONE;
}

static uint64_t number_of(const json_t *json, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(json, name));
    return value > 0 ? (uint64_t)value : 0;
}

static void count_generated(struct demo *demo, const struct store_case *cases, uint32_t count, struct demo_tally *tally)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = conversation_of(demo, cases[i].conversation_id);
        if (number < demo->flag_count) {
            demo->flags[number] |= FLAG_FOUND;
        }
    }
    tally->generated = true;
    for (uint64_t i = 0; i < demo->flag_count; i++) {
        uint8_t flags = demo->flags[i];
        bool found = flags & FLAG_FOUND;
        tally->other_found += found && !(flags & FLAG_HARMFUL);
        if (flags & FLAG_PLANTED) {
            tally->planted++;
            tally->planted_found += found;
            tally->evasive += (flags & FLAG_EVASIVE) != 0;
            tally->evasive_found += found && (flags & FLAG_EVASIVE);
        }
    }
}

static int summarise(struct demo *demo)
{
    struct error error = {0};
    struct store_case *cases;
    uint32_t count;
    enum status status = look(demo, &error, &cases, &count);
    if (status != STATUS_OK) {
        return command_fail("demo", EXIT_ENVIRONMENT, "%s", error.text[0] ? error.text : status_text(status));
    }
    if (demo->not_shown > 0) {
        (void)printf("          ... and %" PRIu64 " more cases that are counted below\n", demo->not_shown);
    }
    json_t *answer = demo->answer.size ? json_loadb((const char *)demo->answer.data, demo->answer.size, 0, NULL) : NULL;
    struct demo_tally tally = {.messages = number_of(answer, "messages"),
                               .acked = number_of(answer, "acked"),
                               .rejected = number_of(answer, "rejected"),
                               .faulty_lines = number_of(answer, "faulty_lines"),
                               .seconds = json_number_value(json_object_get(answer, "seconds")),
                               .interrupted = interrupted != 0};
    json_decref(answer);
    for (uint32_t i = 0; i < count; i++) {
        demo_tally_case(&tally, &cases[i]);
    }
    if (demo->flags) {
        count_generated(demo, cases, count, &tally);
    }
    demo_show_summary(&tally, demo->program, demo->data, demo->log_path, demo->colour);
    if (interrupted) {
        return EXIT_ENVIRONMENT;
    }
    int code = demo->send.exit_code;
    return code == EXIT_DONE || code == EXIT_FOUND_FAULT
               ? code
               : command_fail("demo", EXIT_ENVIRONMENT, "not everything was acknowledged; see %s", demo->log_path);
}

static void introduce(const struct demo *demo)
{
    if (demo->options->file) {
        (void)printf("Sending your file to a pipeline on %s.\n", demo->listen);
    } else {
        (void)printf("Sending %lld made-up messages to a pipeline on %s.\n", demo->options->messages, demo->listen);
    }
    (void)printf("Each case is shown as it is opened; this reading is recorded in the audit.\n\n");
    (void)fflush(stdout);
}

static int play(struct demo *demo)
{
    int code = make_folder(demo);
    if (code != EXIT_DONE) {
        return code;
    }
    (void)printf("Starting a pipeline: loading the rules, opening a case store in\n%s\n", demo->data);
    (void)fflush(stdout);
    code = start_pipeline(demo);
    if (code != EXIT_DONE) {
        remove_folder(demo);
        return code;
    }
    code = open_store(demo);
    if (code != EXIT_DONE) {
        return code;
    }
    introduce(demo);
    code = start_sender(demo);
    code = code == EXIT_DONE ? watch(demo) : code;
    if (code != EXIT_DONE) {
        return code;
    }
    if (interrupted) {
        demo_child_stop(&demo->send, STOP_WAIT_MS);
    }
    while (!demo_child_ended(&demo->send)) {
        (void)poll(NULL, 0, 10);
    }
    return summarise(demo);
}

static bool prepare(struct demo *demo)
{
    struct sigaction action = {.sa_handler = on_signal};
    bool ok = sigaction(SIGINT, &action, NULL) == 0 && sigaction(SIGTERM, &action, NULL) == 0 &&
              signal(SIGPIPE, SIG_IGN) != SIG_ERR && arena_new(ARENA_CHUNK, ARENA_MAX, &demo->arena) == STATUS_OK;
    if (ok && !demo->options->file) {
        /* Every conversation has at least one message, and a few dozen go on when the stream ends. */
        demo->flag_count = (uint64_t)demo->options->messages + 1024;
        demo->flags = calloc(demo->flag_count, 1);
        ok = demo->flags && generate_new((uint64_t)demo->options->seed, (uint64_t)demo->options->messages,
                                         clock_now_ms(), &demo->generate) == STATUS_OK;
    }
    name_program(demo->program);
    demo->colour = command_colour(stdout);
    return ok;
}

int command_demo(int argc, char **argv)
{
    struct demo_options options = {.messages = 6000, .seed = 1};
    int code = parse_options(argc, argv, &options);
    if (code != EXIT_DONE) {
        return code < 0 ? EXIT_DONE : code;
    }
    static struct demo demo; /* a few paths too large for the stack */
    demo.options = &options;
    demo.log_fd = -1;
    demo.run = demo.send = DEMO_CHILD_NONE;
    demo.log_line = BUFFER_INIT(LOG_LINE_MAX);
    demo.answer = BUFFER_INIT(LOG_LINE_MAX);
    demo.pending = BUFFER_INIT(PENDING_MAX);
    code = prepare(&demo) ? play(&demo) : command_fail("demo", EXIT_ENVIRONMENT, "out of memory");
    demo_child_stop(&demo.send, STOP_WAIT_MS);
    if (demo.store) {
        store_sqlite.close(&demo.store);
    }
    demo_child_stop(&demo.run, STOP_WAIT_MS);
    demo_child_close(&demo.log_fd);
    generate_free(&demo.generate);
    arena_free(&demo.arena);
    buffer_free(&demo.log_line);
    buffer_free(&demo.answer);
    buffer_free(&demo.pending);
    free(demo.flags);
    return code;
}
