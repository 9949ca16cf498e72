/* weir alerts list, claim, decide. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alerts/present.h"
#include "base/clock.h"
#include "cli/alerts.h"
#include "cli/columns.h"
#include "cli/command.h"

#define ALERTS_TEXT_SIZE_MAX (1u << 20)

int alerts_failed(enum status status, const struct error *error, const char *hint)
{
    bool environment = status != STATUS_NOT_FOUND && status != STATUS_CONFLICT && status != STATUS_INVALID;
    const char *text = error->text[0] ? error->text : status_text(status);
    /* The words may name a holder or a queue, which are whatever somebody typed or sent. */
    struct buffer out = BUFFER_INIT(ALERTS_TEXT_SIZE_MAX);
    if (present_text(span_text(text), NULL, 0, PRESENT_QUOTES, PRESENT_ONE_LINE, &out) != STATUS_OK ||
        buffer_append_byte(&out, 0) != STATUS_OK) {
        buffer_free(&out);
        return command_fail("alerts", EXIT_ENVIRONMENT, "%s", status_text(status));
    }
    int code = command_fail("alerts", environment ? EXIT_ENVIRONMENT : EXIT_FOUND_FAULT, "%s%s%s",
                            (const char *)out.data, hint && !environment ? "\n" : "", hint && !environment ? hint : "");
    buffer_free(&out);
    return code;
}

void alerts_duration(int64_t ms, char text[ALERTS_DURATION_SIZE])
{
    int64_t minutes = (ms < 0 ? 0 : ms) / 60000;
    if (minutes < 60)
        snprintf(text, ALERTS_DURATION_SIZE, "%" PRId64 "m", minutes);
    else if (minutes < 1440)
        snprintf(text, ALERTS_DURATION_SIZE, "%" PRId64 "h%02" PRId64 "m", minutes / 60, minutes % 60);
    else
        snprintf(text, ALERTS_DURATION_SIZE, "%" PRId64 "d%02" PRId64 "h", minutes / 1440, minutes % 1440 / 60);
}

void alerts_print_text(const char *text)
{
    struct buffer out = BUFFER_INIT(ALERTS_TEXT_SIZE_MAX);
    if (!text)
        fputs("-", stdout);
    else if (present_text(span_text(text), NULL, 0, PRESENT_QUOTES, PRESENT_ONE_LINE, &out) != STATUS_OK)
        fputs("(too long to show)", stdout);
    else if (out.size > 0)
        fwrite(out.data, 1, out.size, stdout);
    buffer_free(&out);
}

json_t *alerts_json_text(const char *text)
{
    if (!text)
        return json_null();
    json_t *json = json_string(text);
    if (json)
        return json;
    struct buffer out = BUFFER_INIT(ALERTS_TEXT_SIZE_MAX);
    if (present_text(span_text(text), NULL, 0, PRESENT_QUOTES, PRESENT_ONE_LINE, &out) == STATUS_OK)
        json = json_stringn(out.size ? (const char *)out.data : "", out.size);
    buffer_free(&out);
    return json;
}

int alerts_print_json(json_t *json)
{
    if (!json)
        return command_fail("alerts", EXIT_ENVIRONMENT, "out of memory");
    /* On a terminal nothing but ASCII, because texts may hold characters that a terminal acts on. */
    size_t flags = JSON_COMPACT | (isatty(STDOUT_FILENO) ? JSON_ENSURE_ASCII : 0u);
    int failed = json_dumpf(json, stdout, flags);
    json_decref(json);
    if (failed || putchar('\n') == EOF)
        return command_fail("alerts", EXIT_ENVIRONMENT, "cannot write to stdout");
    return EXIT_DONE;
}

static json_t *alerts_json_rules(const char *rules)
{
    json_t *list = json_array();
    while (list && *rules) {
        size_t size = strcspn(rules, ",");
        if (json_array_append_new(list, json_stringn(rules, size)) != 0) {
            json_decref(list);
            return NULL;
        }
        rules += size + (rules[size] == ',');
    }
    return list;
}

json_t *alerts_case_json(const struct store_case *item, int64_t now_ms)
{
    bool open = item->decision == DECISION_NONE;
    json_t *json = json_object();
    int failed = !json;
    if (json) {
        failed |= json_object_set_new(json, "case", json_integer(item->id));
        failed |= json_object_set_new(json, "queue", alerts_json_text(item->queue));
        failed |= json_object_set_new(json, "severity", json_string(severity_text(item->severity)));
        failed |= json_object_set_new(json, "conversation_id", alerts_json_text(item->conversation_id));
        failed |= json_object_set_new(json, "opened_at_ms", json_integer(item->opened_at_ms));
        failed |= json_object_set_new(json, "updated_at_ms", json_integer(item->updated_at_ms));
        failed |= json_object_set_new(json, "deadline_ms", json_integer(item->deadline_ms));
        failed |= json_object_set_new(json, "overdue", json_boolean(open && item->deadline_ms < now_ms));
        failed |= json_object_set_new(json, "message_count", json_integer(item->message_count));
        failed |= json_object_set_new(json, "hit_count", json_integer(item->hit_count));
        failed |= json_object_set_new(json, "rules", alerts_json_rules(item->rules));
        failed |= json_object_set_new(json, "unscanned", json_boolean(item->unscanned));
        failed |= json_object_set_new(json, "decision", json_string(decision_names[item->decision]));
        failed |= json_object_set_new(json, "decided_by", alerts_json_text(item->decided_by));
        failed |= json_object_set_new(json, "note", alerts_json_text(item->note));
        failed |= json_object_set_new(json, "decided_at_ms", open ? json_null() : json_integer(item->decided_at_ms));
        failed |= json_object_set_new(json, "lease_holder", alerts_json_text(item->lease_holder));
        failed |= json_object_set_new(json, "lease_until_ms",
                                      item->lease_holder ? json_integer(item->lease_until_ms) : json_null());
    }
    if (failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static void alerts_print_row(const char *const texts[7], bool red)
{
    /* 79 columns with one space between. */
    static const uint32_t widths[7] = {5, 8, 10, 12, 13, 17, 8};
    struct buffer line = BUFFER_INIT(4096);
    enum status status = STATUS_OK;
    for (int i = 0; i < 7 && status == STATUS_OK; i++) {
        status = columns_append(texts[i], widths[i], true, &line);
        if (status == STATUS_OK)
            status = buffer_append_byte(&line, ' ');
    }
    while (line.size > 0 && line.data[line.size - 1] == ' ')
        line.size--;
    if (red)
        fputs("\x1b[31m", stdout);
    if (line.size > 0)
        fwrite(line.data, 1, line.size, stdout);
    fputs(red ? "\x1b[0m\n" : "\n", stdout);
    buffer_free(&line);
}

/* "in 12m", "overdue 3h05m", or what was decided. */
static bool alerts_due(const struct store_case *item, int64_t now_ms, char *text, size_t size)
{
    char duration[ALERTS_DURATION_SIZE];
    if (item->decision != DECISION_NONE) {
        snprintf(text, size, "%s", decision_names[item->decision]);
        return false;
    }
    bool overdue = item->deadline_ms < now_ms;
    alerts_duration(overdue ? now_ms - item->deadline_ms : item->deadline_ms - now_ms, duration);
    /* A long overdue one shows only days, to fit its column. */
    if (overdue && strlen(duration) > 4)
        duration[strcspn(duration, "dh") + 1] = '\0';
    snprintf(text, size, "%s %s", overdue ? "overdue" : "in", duration);
    return overdue;
}

int alerts_list(struct alerts_call *call)
{
    struct error error = {0};
    struct store_case *cases = NULL;
    uint32_t count = 0;
    struct store_filter filter = {.queue = call->queue, .open_only = !call->all, .limit = call->limit};
    enum status status = call->ops->list(call->store, &filter, call->now_ms, call->arena, &error, &cases, &count);
    if (status != STATUS_OK)
        return alerts_failed(status, &error, NULL);
    if (!call->json && count == 0) {
        fprintf(stderr, "No %scases.\n", call->all ? "" : "open ");
        return EXIT_DONE;
    }
    if (!call->json)
        alerts_print_row((const char *const[]){"CASE", "SEVERITY", "QUEUE", "DUE", "CONVERSATION", "RULES", "HELD BY"},
                         false);
    bool colour = command_colour(stdout);
    for (uint32_t i = 0; i < count; i++) {
        if (call->json) {
            int code = alerts_print_json(alerts_case_json(&cases[i], call->now_ms));
            if (code != EXIT_DONE)
                return code;
            continue;
        }
        char id[24], due[48];
        snprintf(id, sizeof id, "%" PRId64, cases[i].id);
        bool overdue = alerts_due(&cases[i], call->now_ms, due, sizeof due);
        const char *who = cases[i].decision != DECISION_NONE ? cases[i].decided_by : cases[i].lease_holder;
        alerts_print_row((const char *const[]){id, severity_text(cases[i].severity), cases[i].queue, due,
                                               cases[i].conversation_id, cases[i].rules, who ? who : "-"},
                         overdue && colour);
    }
    return EXIT_DONE;
}

/* An argument as a shell takes it back. */
static void alerts_print_quoted(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@+,=";
    if (*text && text[strspn(text, plain)] == '\0') {
        fputs(text, stdout);
        return;
    }
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
    }
    putchar('\'');
}

/* The options that the next command needs to mean the same store and the same person. */
static void alerts_print_same(const struct alerts_call *call)
{
    if (call->data_given) {
        fputs(" --data ", stdout);
        alerts_print_quoted(call->data);
    }
    if (call->who_given) {
        fputs(" --as ", stdout);
        alerts_print_quoted(call->who);
    }
    putchar('\n');
}

int alerts_claim(struct alerts_call *call)
{
    struct error error = {0};
    struct store_case item = {0};
    int64_t token = 0;
    enum status status = call->ops->claim(call->store, call->case_id, call->queue, call->who, call->now_ms,
                                          call->lease_minutes * 60000, call->arena, &error, &item, &token);
    if (status != STATUS_OK)
        return alerts_failed(status, &error,
                             status == STATUS_CONFLICT
                                 ? "Take another one ('weir alerts claim'), or wait until its lease has ended:\n"
                                   "'weir alerts list' shows who holds what."
                                 : "'weir alerts list --all' shows every case.");
    if (call->json) {
        json_t *json = alerts_case_json(&item, call->now_ms);
        if (json && json_object_set_new(json, "token", json_integer(token)) != 0) {
            json_decref(json);
            json = NULL;
        }
        return alerts_print_json(json);
    }
    char until[CLOCK_TEXT_SIZE], due[48];
    clock_text(item.lease_until_ms, until);
    bool overdue = alerts_due(&item, call->now_ms, due, sizeof due);
    printf("Case %" PRId64 " is yours until %s. Token: %" PRId64 "\n", item.id, until, token);
    printf("  %s, queue ", severity_text(item.severity));
    alerts_print_text(item.queue);
    printf(", %s%s, %" PRIu32 " message%s, %" PRIu32 " hit%s: ", overdue ? "" : "due ", due, item.message_count,
           command_plural(item.message_count), item.hit_count, command_plural(item.hit_count));
    alerts_print_text(item.rules);
    printf("\n\nRead it, then decide it (violation, no_violation, unsure; none gives it back):\n"
           "  weir alerts show %" PRId64,
           item.id);
    alerts_print_same(call);
    printf("  weir alerts decide %" PRId64 " --token %" PRId64 " --decision violation", item.id, token);
    alerts_print_same(call);
    return EXIT_DONE;
}

int alerts_decide(struct alerts_call *call)
{
    struct error error = {0};
    enum status status = call->ops->decide(call->store, call->case_id, call->token, call->decision, call->who,
                                           call->note, call->now_ms, &error);
    if (status != STATUS_OK) {
        char hint[120];
        snprintf(hint, sizeof hint, "Claim it for a new token: weir alerts claim %" PRId64, call->case_id);
        return alerts_failed(status, &error,
                             status == STATUS_CONFLICT ? hint : "'weir alerts list --all' shows every case.");
    }
    if (call->json) {
        return alerts_print_json(
            json_pack("{s:I, s:s}", "case", (json_int_t)call->case_id, "decision", decision_names[call->decision]));
    }
    if (call->decision == DECISION_NONE)
        printf("Case %" PRId64 " is open again for everyone.\n", call->case_id);
    else
        printf("Case %" PRId64 ": %s.\n", call->case_id, decision_names[call->decision]);
    return EXIT_DONE;
}
