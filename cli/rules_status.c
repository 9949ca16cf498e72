/* weir rules status: which rules are live in a running weir, and what was refused. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/alerts.h"
#include "cli/command.h"
#include "cli/rules_live.h"

#define SHOWN_MAX 5 /* generations; --all shows the others */

static const char status_help[] = "usage: weir rules status [OPTION]...\n"
                                  "\n"
                                  "Shows which rules are live in 'weir run': their generation and since when, how\n"
                                  "the last load went, packs that were refused and why, rules that were demoted to\n"
                                  "shadow for flooding, and the generations that 'weir rules rollback' can bring\n"
                                  "back.\n"
                                  "\n"
                                  "Options:\n"
                                  "      --data DIR  the data folder of 'weir run' (default: weir-data)\n"
                                  "      --all       every generation that is kept\n"
                                  "      --json      one JSON object on standard output instead\n"
                                  "  -h, --help      this help\n"
                                  "\n"
                                  "Exit status: 0 all is well, 1 a pack is refused, a rule is demoted or a rollback\n"
                                  "did not work, 2 wrong usage, 3 no weir is running on that folder.\n";

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static void print_ago(int64_t then_ms, int64_t now_ms)
{
    char duration[ALERTS_DURATION_SIZE];
    int64_t ms = now_ms > then_ms ? now_ms - then_ms : 0;
    if (ms < 60000) {
        printf("%lld s ago", (long long)ms / 1000);
        return;
    }
    alerts_duration(ms, duration);
    printf("%s ago", duration);
}

static void print_head(const char *head)
{
    printf("%-12s ", head);
}

static void print_running(const struct rules_live *live, int64_t now_ms)
{
    print_head("weir run");
    if (!live->running) {
        printf("not running; what follows was so when it ended\n");
        return;
    }
    printf("process %lld, started ", (long long)number(live->state, "pid"));
    print_ago(number(live->state, "started_at_ms"), now_ms);
    printf("\n");
}

static void print_live(const struct rules_live *live, int64_t now_ms)
{
    const json_t *facts = json_object_get(live->state, "live");
    int64_t rules = number(facts, "rules"), packs = number(facts, "packs");
    print_head("live");
    printf("%s, from ", text(facts, "generation"));
    print_ago(number(facts, "since_ms"), now_ms);
    printf("\n");
    print_head("");
    printf("%lld rule%s (%lld in shadow) of %lld pack%s, %lld patterns\n", (long long)rules,
           command_plural((unsigned long long)rules), (long long)number(facts, "shadow"), (long long)packs,
           command_plural((unsigned long long)packs), (long long)number(facts, "patterns"));
}

static void print_pin(const struct rules_live *live)
{
    const json_t *pin = json_object_get(live->state, "pinned");
    if (!json_is_object(pin)) {
        return;
    }
    print_head("pinned");
    if (!json_is_true(json_object_get(pin, "live"))) {
        printf("the rollback to %s did not work:\n", text(pin, "generation"));
        print_head("");
        alerts_print_text(text(pin, "reason"));
    } else {
        printf("by a rollback: changes of files are not taken until 'weir rules resume'");
        if (json_is_true(json_object_get(pin, "changed_on_disk"))) {
            printf("\n");
            print_head("");
            printf("the files on the disk have changed since");
        }
    }
    printf("\n");
}

static void print_load(const struct rules_live *live, int64_t now_ms)
{
    static const struct {
        const char *name, *words;
    } triggers[] = {{"start", "at the start"},
                    {"files", "because files changed"},
                    {"signal", "asked for by a signal"},
                    {"rollback", "for a rollback"},
                    {"resume", "to resume after a rollback"}};
    const json_t *load = json_object_get(live->state, "last_load");
    const char *trigger = text(load, "trigger"), *result = text(load, "result");
    print_head("last load");
    printf("%s, ", strcmp(result, "partly") == 0 ? "partly taken" : result);
    for (size_t i = 0; i < sizeof triggers / sizeof *triggers; i++) {
        if (strcmp(trigger, triggers[i].name) == 0) {
            printf("%s, ", triggers[i].words);
        }
    }
    print_ago(number(load, "at_ms"), now_ms);
    printf(", in %lld ms\n", (long long)number(load, "milliseconds"));
    if (text(load, "reason")[0]) {
        print_head("");
        alerts_print_text(text(load, "reason"));
        printf("\n");
    }
}

static void print_refused(const struct rules_live *live)
{
    size_t i;
    json_t *item;
    const char *head = "refused";
    json_array_foreach(json_object_get(live->state, "refused"), i, item)
    {
        print_head(head);
        alerts_print_text(text(item, "path"));
        printf("\n");
        print_head("");
        printf("%s\n", json_is_true(json_object_get(item, "kept")) ? "its last good version is live"
                                                                   : "it has no good version: it is left out");
        head = "";
    }
    head = "because";
    json_array_foreach(json_object_get(live->state, "findings"), i, item)
    {
        print_head(head);
        alerts_print_text(text(item, "file"));
        if (number(item, "line") > 0) {
            printf(":%lld:%lld", (long long)number(item, "line"), (long long)number(item, "column"));
        }
        printf("\n");
        print_head("");
        alerts_print_text(text(item, "text"));
        printf("\n");
        if (text(item, "remedy")[0]) {
            print_head("");
            printf("  ");
            alerts_print_text(text(item, "remedy"));
            printf("\n");
        }
        head = "";
    }
}

static void print_demoted(const struct rules_live *live, int64_t now_ms)
{
    size_t i;
    json_t *item;
    const char *head = "demoted";
    json_array_foreach(json_object_get(live->state, "demoted"), i, item)
    {
        print_head(head);
        alerts_print_text(text(item, "rule"));
        printf(": over %lld hits a minute, ", (long long)number(item, "max_per_minute"));
        print_ago(number(item, "since_ms"), now_ms);
        printf("\n");
        head = "";
    }
    if (!head[0]) {
        print_head("");
        printf("they count in shadow until their pack changes or 'weir rules restore'\n");
    }
}

static void print_generations(const struct rules_live *live, int64_t now_ms)
{
    const char *head = "generations";
    uint32_t shown = live->all || live->kept_count < SHOWN_MAX ? live->kept_count : SHOWN_MAX;
    for (uint32_t i = 0; i < shown; i++) {
        const struct generations_item *item = &live->kept[i];
        bool is_live = strcmp(item->id, rules_live_generation(live)) == 0;
        print_head(head);
        printf("%s %s, %u rule%s of %u pack%s, from ", is_live ? "*" : " ", item->id, item->rules,
               command_plural(item->rules), item->pack_count, command_plural(item->pack_count));
        print_ago(item->live_at_ms, now_ms);
        printf("\n");
        head = "";
    }
    if (shown < live->kept_count) {
        print_head("");
        printf("  and %u more (--all)\n", live->kept_count - shown);
    }
}

static int exit_code(const struct rules_live *live)
{
    const json_t *state = live->state, *pin = json_object_get(state, "pinned");
    bool fault = json_array_size(json_object_get(state, "refused")) > 0 ||
                 json_array_size(json_object_get(state, "demoted")) > 0 ||
                 strcmp(text(json_object_get(state, "last_load"), "result"), "failed") == 0 ||
                 (json_is_object(pin) && !json_is_true(json_object_get(pin, "live")));
    return !live->running ? EXIT_ENVIRONMENT : fault ? EXIT_FOUND_FAULT : EXIT_DONE;
}

static json_t *generations_json(const struct rules_live *live)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < live->kept_count; i++) {
        const struct generations_item *item = &live->kept[i];
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:b}", "generation", item->id, "live_at_ms",
                                              (json_int_t)item->live_at_ms, "rules", (json_int_t)item->rules, "packs",
                                              (json_int_t)item->pack_count, "live",
                                              strcmp(item->id, rules_live_generation(live)) == 0));
    }
    return list;
}

static int print_state_json(const struct rules_live *live)
{
    json_t *object = live->state ? json_deep_copy(live->state) : json_object();
    if (object) {
        json_object_del(object, "format");
        json_object_set_new(object, "running", json_boolean(live->running));
        json_object_set_new(object, "generations", generations_json(live));
    }
    return rules_print_json(live->arguments.command, object, exit_code(live));
}

int rules_status(int argc, char **argv)
{
    struct rules_live live;
    int code;
    if (rules_live_open(&live, "rules status", status_help, true, 0, argc, argv, &code)) {
        int64_t now_ms = clock_now_ms();
        code = exit_code(&live);
        if (live.arguments.json) {
            code = print_state_json(&live);
        } else {
            print_running(&live, now_ms);
            if (live.state) {
                print_live(&live, now_ms);
                print_pin(&live);
                print_load(&live, now_ms);
                print_refused(&live);
                print_demoted(&live, now_ms);
                if (live.running && strcmp(text(live.state, "watching"), "on") != 0) {
                    print_head("files");
                    printf("%s\n", strcmp(text(live.state, "watching"), "off") == 0
                                       ? "not watched (reload.watch): changes are taken at SIGHUP"
                                       : "looked at every second: the system's watches are used up");
                }
            }
            print_generations(&live, now_ms);
        }
    }
    rules_live_close(&live);
    return code;
}
