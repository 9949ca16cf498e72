/*
 * How many hits a second the store takes, each group of messages on stable storage before the next one begins, and how
 * long people's questions take afterwards. No scanner, no sockets: the alert stage's store alone, in one thread.
 *
 *     store_benchmark [--messages N] [--hits N] [--rules N] [--spans N] [--conversation N] [--group N] FOLDER
 *
 * FOLDER must lie on the disk that is meant, and must not exist. Every message has --hits hits of --rules rules, with
 * --spans spans each; --conversation messages in a row belong to one conversation. Prints one JSON object.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts/store.h"
#include "base/clock.h"

enum { HITS_MAX = 1000, SPANS_MAX = 16, GROUP_MAX = 65536, RULES_MAX = 100000 };

struct options {
    uint32_t messages, hits, rules, spans, conversation, group;
    const char *folder;
};

struct rule {
    char id[48], title[64];
};

/* One message of a group with everything that it points to. */
struct item {
    char message_id[32], conversation_id[32], text[96];
    struct verdict verdict;
    struct verdict_hit *hits;
    struct store_hit *store_hits;
};

static struct rule *rules;
static struct verdict_span spans[SPANS_MAX];

static void die(const char *what, const char *why)
{
    fprintf(stderr, "store_benchmark: %s: %s\n", what, why);
    exit(3);
}

static void *array(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (!memory)
        die("memory", "there is too little");
    return memory;
}

static uint32_t number(const char *name, const char *text, uint32_t max)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || value == 0 || value > max)
        die(name, "not a number that it can be");
    return (uint32_t)value;
}

static struct options parse(int argc, char **argv)
{
    struct options options = {20000, 28, 40, 1, 100, 512, NULL};
    const struct {
        const char *name;
        uint32_t *value;
        uint32_t max;
    } numbers[] = {
        {"messages", &options.messages, 100000000},
        {"hits", &options.hits, HITS_MAX},
        {"rules", &options.rules, RULES_MAX},
        {"spans", &options.spans, SPANS_MAX},
        {"conversation", &options.conversation, 100000000},
        {"group", &options.group, GROUP_MAX},
    };
    enum { COUNT = sizeof numbers / sizeof numbers[0] };
    struct option known[COUNT + 1] = {0};
    for (int i = 0; i < COUNT; i++)
        known[i] = (struct option){numbers[i].name, required_argument, NULL, i + 1};
    for (int code; (code = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (code < 1 || code > COUNT)
            exit(2);
        *numbers[code - 1].value = number(numbers[code - 1].name, optarg, numbers[code - 1].max);
    }
    if (optind + 1 != argc || options.hits > options.rules)
        die("usage", "store_benchmark [OPTION]... FOLDER, and no more --hits than --rules");
    options.folder = argv[optind];
    return options;
}

static struct item *items_new(const struct options *options)
{
    struct item *items = array(options->group, sizeof *items);
    for (uint32_t i = 0; i < options->group; i++) {
        items[i].hits = array(options->hits, sizeof *items[i].hits);
        items[i].store_hits = array(options->hits, sizeof *items[i].store_hits);
    }
    return items;
}

static void item_fill(const struct options *options, uint32_t n, int64_t now_ms, struct item *item)
{
    snprintf(item->message_id, sizeof item->message_id, "message-%08x-%" PRIu32, n * 2654435761u, n);
    snprintf(item->conversation_id, sizeof item->conversation_id, "conversation-%" PRIu32, n / options->conversation);
    snprintf(item->text, sizeof item->text, "%" PRIu32 " is what was said, in about as many bytes as people use", n);
    for (uint32_t i = 0; i < options->hits; i++) {
        const struct rule *rule = &rules[(n + i) % options->rules];
        item->hits[i] = (struct verdict_hit){.severity = SEVERITY_MEDIUM,
                                             .rule = rule->id,
                                             .title = rule->title,
                                             .spans = spans,
                                             .span_count = options->spans};
        item->store_hits[i] = (struct store_hit){.hit = &item->hits[i], .queue = "review", .service_level_ms = 3600000};
    }
    item->verdict = (struct verdict){.message_id = span_text(item->message_id),
                                     .conversation_id = span_text(item->conversation_id),
                                     .sender_id = span_text("u1234567"),
                                     .text = span_text(item->text),
                                     .sent_at_ms = now_ms,
                                     .received_at_ms = now_ms,
                                     .generation = "0123456789abcdef",
                                     .hits = item->hits,
                                     .hit_count = options->hits};
}

/* Stores messages [0, messages); returns the seconds that the commits took. */
static double fill(const struct options *options, struct store *store, struct item *items, uint64_t *ret_new)
{
    struct store_verdict *verdicts = array(options->group, sizeof *verdicts);
    int64_t took_ns = 0;
    *ret_new = 0;
    for (uint32_t done = 0; done < options->messages;) {
        uint32_t count = options->messages - done < options->group ? options->messages - done : options->group;
        int64_t now_ms = clock_now_ms();
        for (uint32_t i = 0; i < count; i++) {
            item_fill(options, done + i, now_ms, &items[i]);
            verdicts[i] = (struct store_verdict){&items[i].verdict, items[i].store_hits, options->hits};
        }
        struct error error = {0};
        struct store_commit_result result = {0};
        int64_t started_ns = clock_ticks_ns();
        if (store_sqlite.commit(store, verdicts, count, now_ms, &error, &result) != STATUS_OK)
            die("commit", error.text);
        took_ns += clock_ticks_ns() - started_ns;
        *ret_new += result.hits_new;
        done += count;
    }
    free(verdicts);
    return (double)took_ns / 1e9;
}

static void ask(struct store *store)
{
    struct arena *arena = NULL;
    struct error error = {0};
    struct store_case *cases = NULL;
    struct store_case_message *messages = NULL;
    struct store_case_hit *hits = NULL;
    struct store_rule_stats *stats = NULL;
    uint32_t count = 0, message_count = 0, hit_count = 0;
    int64_t now_ms = clock_now_ms(), at_ns = clock_ticks_ns();
    if (arena_new(1u << 16, (size_t)4 << 30, &arena) != STATUS_OK)
        die("memory", "there is too little");
    if (store_sqlite.list(store, &(struct store_filter){.open_only = true, .limit = 50}, now_ms, arena, &error, &cases,
                          &count) != STATUS_OK)
        die("list", error.text);
    printf(", \"list_50_ms\": %.2f", (double)(clock_ticks_ns() - at_ns) / 1e6);
    at_ns = clock_ticks_ns();
    if (store_sqlite.read(store, cases[0].id, "benchmark", "measuring", now_ms, arena, &error, &messages,
                          &message_count, &hits, &hit_count) != STATUS_OK)
        die("read", error.text);
    printf(", \"read_ms\": %.2f, \"read_hits\": %" PRIu32, (double)(clock_ticks_ns() - at_ns) / 1e6, hit_count);
    at_ns = clock_ticks_ns();
    if (store_sqlite.rule_stats(store, NULL, false, arena, &error, &stats, &count) != STATUS_OK)
        die("rule_stats", error.text);
    printf(", \"rule_stats_ms\": %.2f", (double)(clock_ticks_ns() - at_ns) / 1e6);
    arena_free(&arena);
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    rules = array(options.rules, sizeof *rules);
    for (uint32_t i = 0; i < options.rules; i++) {
        snprintf(rules[i].id, sizeof rules[i].id, "benchmark.rule-%" PRIu32, i);
        snprintf(rules[i].title, sizeof rules[i].title, "What rule number %" PRIu32 " is there for", i);
    }
    for (uint32_t i = 0; i < SPANS_MAX; i++)
        spans[i] = (struct verdict_span){"p1", "folded", i * 3, i * 3 + 2};
    struct store *store = NULL;
    struct error error = {0};
    if (store_sqlite.open(options.folder, true, &error, &store) != STATUS_OK)
        die("open", error.text);
    struct item *items = items_new(&options);
    uint64_t hits = 0, known = 0;
    double seconds = fill(&options, store, items, &hits);
    double again = fill(&options, store, items, &known);
    if (hits != (uint64_t)options.messages * options.hits || known != 0)
        die("hits", "not every one was stored once");
    printf("{\"messages\": %" PRIu32 ", \"hits\": %" PRIu64 ", \"seconds\": %.3f, \"messages_per_second\": %.0f, "
           "\"hits_per_second\": %.0f, \"known_hits_per_second\": %.0f",
           options.messages, hits, seconds, options.messages / seconds, (double)hits / seconds, (double)hits / again);
    ask(store);
    printf("}\n");
    store_sqlite.close(&store);
    return 0;
}
