/* weir rules stats: what rules hit, and how often people agreed. */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alerts/present.h"
#include "alerts/store.h"
#include "alerts/store_rules.h"
#include "base/clock.h"
#include "cli/alerts.h"
#include "cli/columns.h"
#include "cli/command.h"
#include "cli/interval.h"
#include "cli/rules.h"

#define ARENA_CHUNK ((size_t)64 << 10)
#define ARENA_MAX ((size_t)1 << 30)
#define LINE_MAX_BYTES (1u << 20)

static const char stats_help[] = "usage: weir rules stats [OPTION]... [RULE]\n"
                                 "\n"
                                 "Shows how often each rule hit and what people decided about its cases. RULE is\n"
                                 "the id of a rule, or what several begin with: 'scams' means all of scams.*.\n"
                                 "\n"
                                 "  HITS       messages that the rule flagged\n"
                                 "  SHADOW     messages that it only counted: in shadow, or demoted for flooding\n"
                                 "  OPEN       its cases that nobody has decided\n"
                                 "  YES, NO    its cases that were decided: violation, no_violation\n"
                                 "  UNSURE     its cases that were decided as unsure\n"
                                 "  PRECISION  the share of YES in YES and NO; in parentheses where the true share\n"
                                 "             lies, with 95% confidence. With ~: of a rule in shadow, from those\n"
                                 "             of its samples that other rules flagged and people decided\n"
                                 "\n"
                                 "Options:\n"
                                 "      --data DIR       the data folder of 'weir run' (default: weir-data)\n"
                                 "      --by-generation  each generation of the rules apart, newest first\n"
                                 "      --samples        of one RULE: the messages that it hit in shadow, by id\n"
                                 "      --text           --samples: their texts too, where they were kept; who\n"
                                 "                       reads them, when and why is recorded\n"
                                 "      --as NAME        --text: who you are (default: $WEIR_ANALYST, else your\n"
                                 "                       login name)\n"
                                 "      --reason TEXT    --text: why you read them (default: rule review)\n"
                                 "      --json           one JSON object a rule, or a sample, and line instead\n"
                                 "  -h, --help           this help\n"
                                 "\n"
                                 "Examples:\n"
                                 "  weir rules stats --data /var/lib/weir\n"
                                 "  weir rules stats --json | jq 'select(.precision != null and .precision < 0.5)'\n"
                                 "\n"
                                 "Exit status: 0 done, 1 nothing is known of RULE, 2 wrong usage, 3 the store\n"
                                 "cannot be used.\n";

enum { OPTION_DATA = RULES_LONG_OPTION, OPTION_BY_GENERATION, OPTION_SAMPLES, OPTION_TEXT, OPTION_AS, OPTION_REASON };

static const struct option stats_options[] = {
    {"data", required_argument, NULL, OPTION_DATA},
    {"by-generation", no_argument, NULL, OPTION_BY_GENERATION},
    {"samples", no_argument, NULL, OPTION_SAMPLES},
    {"text", no_argument, NULL, OPTION_TEXT},
    {"as", required_argument, NULL, OPTION_AS},
    {"reason", required_argument, NULL, OPTION_REASON},
    {NULL, 0, NULL, 0},
};

struct stats_call {
    const char *data, *who, *reason, *rule;
    bool by_generation, samples, text, json;
    struct store *store;
    struct arena *arena;
};

static bool take_option(void *context, int option, const char *value)
{
    struct stats_call *call = context;
    switch (option) {
    case OPTION_DATA:
        call->data = value;
        return true;
    case OPTION_BY_GENERATION:
        call->by_generation = true;
        return true;
    case OPTION_SAMPLES:
        call->samples = true;
        return true;
    case OPTION_TEXT:
        call->text = true;
        return true;
    case OPTION_AS:
        call->who = value;
        return true;
    default:
        call->reason = value;
        return true;
    }
}

static const char *login_name(void)
{
    const char *name = getenv("WEIR_ANALYST");
    if (name && *name) {
        return name;
    }
    const struct passwd *user = getpwuid(getuid());
    return user ? user->pw_name : NULL;
}

static int failed(enum status status, const struct error *error)
{
    return command_fail("rules stats", status == STATUS_INVALID ? EXIT_WRONG_USAGE : EXIT_ENVIRONMENT, "%s",
                        error->text[0] ? error->text : status_text(status));
}

/* What the precision of a rule is measured on. */
struct measured {
    uint64_t yes, no;
    bool by_shadow; /* on samples that other rules flagged */
};

static struct measured measure(const struct store_rule_stats *stats)
{
    if (stats->violation + stats->no_violation > 0) {
        return (struct measured){stats->violation, stats->no_violation, false};
    }
    return (struct measured){stats->shadow_violation, stats->shadow_no_violation, true};
}

static json_t *measured_json(uint64_t yes, uint64_t no)
{
    if (yes + no == 0) {
        return json_null();
    }
    return json_real((double)yes / (double)(yes + no));
}

static json_t *interval_json(uint64_t yes, uint64_t no)
{
    struct interval interval = interval_wilson(yes, yes + no);
    return yes + no == 0 ? json_null() : json_pack("[f, f]", interval.low, interval.high);
}

static json_t *stats_json(const struct store_rule_stats *stats, bool by_generation)
{
    json_t *object =
        json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:o, s:o, s:I}", "rule",
                  alerts_json_text(stats->rule), "hits", (json_int_t)stats->hits, "unscanned",
                  (json_int_t)stats->unscanned, "shadow_hits", (json_int_t)stats->shadow_hits, "demoted_hits",
                  (json_int_t)stats->demoted_hits, "cases", (json_int_t)stats->cases, "open", (json_int_t)stats->open,
                  "violation", (json_int_t)stats->violation, "no_violation", (json_int_t)stats->no_violation, "unsure",
                  (json_int_t)stats->unsure, "precision", measured_json(stats->violation, stats->no_violation),
                  "precision_95", interval_json(stats->violation, stats->no_violation), "shadow_violation",
                  (json_int_t)stats->shadow_violation, "shadow_no_violation", (json_int_t)stats->shadow_no_violation,
                  "shadow_precision", measured_json(stats->shadow_violation, stats->shadow_no_violation),
                  "shadow_precision_95", interval_json(stats->shadow_violation, stats->shadow_no_violation),
                  "last_at_ms", (json_int_t)stats->last_at_ms);
    if (object && by_generation) {
        json_object_set_new(object, "generation",
                            stats->generation && stats->generation[0] ? alerts_json_text(stats->generation)
                                                                      : json_null());
    }
    return object;
}

static void print_precision(const struct store_rule_stats *stats)
{
    struct measured measured = measure(stats);
    uint64_t count = measured.yes + measured.no;
    if (count == 0) {
        printf("-\n");
        return;
    }
    struct interval interval = interval_wilson(measured.yes, count);
    printf("%s%.0f%% (%.0f-%.0f)\n", measured.by_shadow ? "~" : "", 100.0 * (double)measured.yes / (double)count,
           100 * interval.low, 100 * interval.high);
}

static void print_cell(const char *text, uint32_t width)
{
    struct buffer out = BUFFER_INIT(LINE_MAX_BYTES);
    if (columns_append(text, width, true, &out) == STATUS_OK) {
        (void)fwrite(out.data, 1, out.size, stdout);
    }
    buffer_free(&out);
}

/* What stands in the first column: the rule, or under it its generations. */
static const char *name_of(const struct store_rule_stats *stats, bool by_generation, const char *rule_before)
{
    if (!by_generation || strcmp(stats->rule, rule_before) != 0) {
        return stats->rule;
    }
    return "";
}

static void print_table(const struct stats_call *call, const struct store_rule_stats *stats, uint32_t count)
{
    const unsigned numbers = 7 + 7 + 6 + 6 + 6 + 6 + 6 + 15 + (call->by_generation ? 17 : 0);
    unsigned terminal = rules_terminal_width();
    uint32_t width = 4;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t columns = columns_of(stats[i].rule);
        width = columns > width ? columns : width;
    }
    if (terminal > 0) {
        uint32_t left = terminal > numbers + 4 ? terminal - numbers : 4;
        width = width > left ? left : width;
    }
    print_cell("RULE", width);
    printf("%s %7s %7s %5s %5s %5s %6s  PRECISION\n", call->by_generation ? " GENERATION      " : "", "HITS", "SHADOW",
           "OPEN", "YES", "NO", "UNSURE");
    const char *before = "";
    for (uint32_t i = 0; i < count; i++) {
        print_cell(name_of(&stats[i], call->by_generation, before), width);
        before = stats[i].rule;
        if (call->by_generation) {
            printf(" ");
            print_cell(!stats[i].generation || !stats[i].generation[0] ? "older ones" : stats[i].generation, 16);
        }
        printf(" %7" PRIu64 " %7" PRIu64 " %5" PRIu64 " %5" PRIu64 " %5" PRIu64 " %6" PRIu64 "  ", stats[i].hits,
               stats[i].shadow_hits, stats[i].open, stats[i].violation, stats[i].no_violation, stats[i].unsure);
        print_precision(&stats[i]);
    }
}

static int show_stats(struct stats_call *call)
{
    struct error error = {0};
    struct store_rule_stats *stats = NULL;
    uint32_t count = 0;
    enum status status =
        store_sqlite.rule_stats(call->store, call->rule, call->by_generation, call->arena, &error, &stats, &count);
    if (status != STATUS_OK) {
        return failed(status, &error);
    }
    if (count == 0) {
        return call->rule
                   ? command_fail("rules stats", EXIT_FOUND_FAULT, "nothing is known of '%s': no hits yet", call->rule)
                   : (fputs("no rule has hit anything yet\n", stderr), EXIT_DONE);
    }
    int code = EXIT_DONE;
    for (uint32_t i = 0; call->json && code == EXIT_DONE && i < count; i++) {
        code = rules_print_json("rules stats", stats_json(&stats[i], call->by_generation), EXIT_DONE);
    }
    if (!call->json) {
        print_table(call, stats, count);
    }
    return code;
}

static char *span_copy(struct span text)
{
    char *copy = malloc(text.size + 1);
    if (copy) {
        if (text.size > 0) {
            memcpy(copy, text.data, text.size);
        }
        copy[text.size] = '\0';
    }
    return copy;
}

static json_t *span_json(struct span text)
{
    char *copy = span_copy(text);
    json_t *json = copy ? json_stringn(copy, text.size) : NULL;
    if (!json && copy) {
        json = alerts_json_text(copy);
    }
    free(copy);
    return json;
}

static int print_sample_json(const struct store_sample *sample)
{
    json_t *object = json_pack("{s:o, s:o, s:s, s:I}", "message_id", span_json(sample->message_id), "conversation_id",
                               span_json(sample->conversation_id), "generation", sample->generation, "at_ms",
                               (json_int_t)sample->at_ms);
    if (object && sample->has_text) {
        json_object_set_new(object, "text", span_json(sample->text));
    }
    return alerts_print_json(object);
}

static void print_span(struct span text)
{
    struct buffer out = BUFFER_INIT(LINE_MAX_BYTES);
    if (present_text(text, NULL, 0, PRESENT_QUOTES, PRESENT_ONE_LINE, &out) == STATUS_OK && out.size > 0) {
        (void)fwrite(out.data, 1, out.size, stdout);
    }
    buffer_free(&out);
}

static int show_samples(struct stats_call *call)
{
    struct error error = {0};
    struct store_sample *samples = NULL;
    uint32_t count = 0;
    const char *reader = call->text ? call->who : NULL;
    if (call->text && !reader) {
        return command_usage_error("rules stats", "say who reads the texts, with --as NAME");
    }
    enum status status = store_sqlite.samples(call->store, call->rule, reader, call->reason, clock_now_ms(),
                                              call->arena, &error, &samples, &count);
    if (status != STATUS_OK) {
        return failed(status, &error);
    }
    if (count == 0) {
        return command_fail("rules stats", EXIT_FOUND_FAULT, "there are no samples of '%s'", call->rule);
    }
    uint32_t texts = 0;
    for (uint32_t i = 0; i < count; i++) {
        char when[CLOCK_TEXT_SIZE];
        texts += samples[i].has_text;
        if (call->json) {
            if (print_sample_json(&samples[i]) != EXIT_DONE) {
                return EXIT_ENVIRONMENT;
            }
            continue;
        }
        clock_text(samples[i].at_ms, when);
        printf("%s  %s  ", when, samples[i].generation);
        print_span(samples[i].message_id);
        printf("\n");
        if (samples[i].has_text) {
            printf("  ");
            print_span(samples[i].text);
            printf("\n");
        }
    }
    if (call->text && texts == 0) {
        fputs("no texts were kept: 'shadow_text' of the queue decides\n", stderr);
    }
    return EXIT_DONE;
}

static int run(struct stats_call *call)
{
    struct error error = {0};
    enum status status = arena_new(ARENA_CHUNK, ARENA_MAX, &call->arena);
    if (status == STATUS_OK) {
        status = store_sqlite.open(call->data, false, &error, &call->store);
    }
    int code = status != STATUS_OK ? failed(status == STATUS_INVALID ? STATUS_SYSTEM : status, &error)
               : call->samples     ? show_samples(call)
                                   : show_stats(call);
    if (call->store) {
        store_sqlite.close(&call->store);
    }
    arena_free(&call->arena);
    return code;
}

int rules_stats(int argc, char **argv)
{
    struct stats_call call = {.data = "weir-data", .reason = "rule review", .who = login_name()};
    struct rules_arguments arguments = {.command = "rules stats",
                                        .help = stats_help,
                                        .options = stats_options,
                                        .take = take_option,
                                        .context = &call,
                                        .takes_words = true,
                                        .may_lack_packs = true};
    int code = EXIT_DONE;
    if (rules_arguments_read(&arguments, argc, argv, &code)) {
        call.json = arguments.json;
        call.rule = arguments.word_count > 0 ? arguments.words[0] : NULL;
        if (arguments.path_count > 0) {
            code = command_usage_error("rules stats", "takes no --rules: it is about what was hit");
        } else if (arguments.word_count > 1) {
            code = command_usage_error("rules stats", "unexpected argument '%s'", arguments.words[1]);
        } else if (call.samples && !call.rule) {
            code = command_usage_error("rules stats", "--samples needs the id of a rule");
        } else if (call.text && !call.samples) {
            code = command_usage_error("rules stats", "--text goes with --samples");
        } else {
            code = run(&call);
        }
    }
    rules_arguments_free(&arguments);
    return code;
}
