/* weir alerts show. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "alerts/present.h"
#include "base/clock.h"
#include "cli/alerts.h"
#include "cli/command.h"

#define ALERTS_SHOWN_SIZE_MAX (64u << 20)

/* A case as it was read. */
struct alerts_reading {
    struct store_case item;
    struct store_case_message *messages;
    struct store_case_hit *hits;
    uint32_t message_count, hit_count;
};

static json_t *alerts_base64(struct span bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (bytes.size > SIZE_MAX / 2)
        return NULL;
    char *text = malloc((bytes.size + 2) / 3 * 4 + 1);
    if (!text)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t three = (uint32_t)bytes.data[i] << 16;
        if (left > 1)
            three |= (uint32_t)bytes.data[i + 1] << 8;
        if (left > 2)
            three |= bytes.data[i + 2];
        text[used++] = digits[three >> 18];
        text[used++] = digits[three >> 12 & 63];
        text[used++] = left > 1 ? digits[three >> 6 & 63] : '=';
        text[used++] = left > 2 ? digits[three & 63] : '=';
    }
    json_t *json = json_stringn(text, used);
    free(text);
    return json;
}

/* JSON that the store keeps as text; what cannot be read is null. */
static json_t *alerts_json_stored(const char *text)
{
    json_t *json = text ? json_loads(text, 0, NULL) : NULL;
    return json ? json : json_null();
}

static json_t *alerts_message_json(const struct store_case_message *message)
{
    json_t *json = json_object();
    if (!json)
        return NULL;
    int failed = 0;
    failed |= json_object_set_new(json, "message_id", alerts_json_text(message->message_id));
    failed |= json_object_set_new(json, "sender_id", alerts_json_text(message->sender_id));
    failed |= json_object_set_new(json, "recipient_ids", alerts_json_stored(message->recipients));
    failed |= json_object_set_new(json, "locale", alerts_json_text(message->locale));
    failed |= json_object_set_new(json, "attributes", alerts_json_stored(message->attributes));
    failed |= json_object_set_new(json, "sent_at_ms", json_integer(message->sent_at_ms));
    failed |= json_object_set_new(json, "received_at_ms", json_integer(message->received_at_ms));
    failed |= json_object_set_new(json, "flagged", json_boolean(message->flagged));
    /* JSON cannot hold what is no UTF-8; spans count in exactly these bytes either way. */
    const char *bytes = message->text.size ? (const char *)message->text.data : "";
    json_t *text = json_stringn(bytes, message->text.size);
    if (text)
        failed |= json_object_set_new(json, "text", text);
    else
        failed |= json_object_set_new(json, "text_base64", alerts_base64(message->text));
    if (failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *alerts_hit_json(const struct store_case_hit *hit)
{
    json_t *json = json_object(), *spans = json_array();
    int failed = !json || !spans;
    for (uint32_t i = 0; i < hit->span_count && !failed; i++) {
        const struct verdict_span *span = &hit->spans[i];
        failed |=
            json_array_append_new(spans, json_pack("{s:o, s:o, s:I, s:I}", "pattern", alerts_json_text(span->pattern),
                                                   "view", alerts_json_text(span->view), "start",
                                                   (json_int_t)span->start, "end", (json_int_t)span->end));
    }
    if (failed) {
        json_decref(json);
        json_decref(spans);
        return NULL;
    }
    failed |= json_object_set_new(json, "spans", spans);
    failed |= json_object_set_new(json, "message_id", alerts_json_text(hit->message_id));
    failed |= json_object_set_new(json, "rule", alerts_json_text(hit->rule));
    failed |= json_object_set_new(json, "title", alerts_json_text(hit->title));
    failed |= json_object_set_new(json, "severity", json_string(severity_text(hit->severity)));
    failed |=
        json_object_set_new(json, "outcome", json_string(hit->outcome == OUTCOME_UNSCANNED ? "unscanned" : "flagged"));
    failed |= json_object_set_new(json, "reason", alerts_json_text(hit->reason));
    failed |= json_object_set_new(json, "generation", alerts_json_text(hit->generation));
    failed |= json_object_set_new(json, "flagged_at_ms", json_integer(hit->flagged_at_ms));
    if (failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}

static json_t *alerts_reading_json(const struct alerts_reading *reading, int64_t now_ms)
{
    json_t *json = alerts_case_json(&reading->item, now_ms);
    json_t *messages = json_array(), *hits = json_array();
    int failed = !json || !messages || !hits;
    for (uint32_t i = 0; i < reading->message_count && !failed; i++)
        failed |= json_array_append_new(messages, alerts_message_json(&reading->messages[i]));
    for (uint32_t i = 0; i < reading->hit_count && !failed; i++)
        failed |= json_array_append_new(hits, alerts_hit_json(&reading->hits[i]));
    if (!failed) {
        failed |= json_object_set(json, "messages", messages);
        failed |= json_object_set(json, "hits", hits);
    }
    json_decref(messages);
    json_decref(hits);
    if (failed) {
        json_decref(json);
        return NULL;
    }
    return json;
}

/* The text of one message with everything that hits found in it marked. */
static void alerts_print_message(const struct alerts_reading *reading, const struct store_case_message *message,
                                 bool colour)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < reading->hit_count; i++)
        count += reading->hits[i].message == message->id ? reading->hits[i].span_count : 0;
    struct present_mark *marks = count ? calloc(count, sizeof *marks) : NULL;
    uint32_t used = 0;
    for (uint32_t i = 0; marks && i < reading->hit_count; i++) {
        const struct store_case_hit *hit = &reading->hits[i];
        for (uint32_t k = 0; hit->message == message->id && k < hit->span_count; k++)
            marks[used++] = (struct present_mark){hit->spans[k].start, hit->spans[k].end};
    }
    struct buffer out = BUFFER_INIT(ALERTS_SHOWN_SIZE_MAX);
    fputs("    ", stdout);
    if (message->text.size == 0)
        fputs("(no text)", stdout);
    else if (present_text(message->text, marks, used, colour ? PRESENT_REVERSE : PRESENT_QUOTES, 4, &out) != STATUS_OK)
        fputs("(too long to show; --json gives it)", stdout);
    else if (out.size > 0)
        fwrite(out.data, 1, out.size, stdout);
    putchar('\n');
    buffer_free(&out);
    free(marks);
}

static void alerts_print_hits(const struct alerts_reading *reading, const struct store_case_message *message)
{
    for (uint32_t i = 0; i < reading->hit_count; i++) {
        const struct store_case_hit *hit = &reading->hits[i];
        if (hit->message != message->id)
            continue;
        printf("    > %s ", severity_text(hit->severity));
        alerts_print_text(hit->rule);
        if (hit->title) {
            fputs(": ", stdout);
            alerts_print_text(hit->title);
        }
        if (hit->outcome == OUTCOME_UNSCANNED) {
            fputs(" (could not be decided: ", stdout);
            alerts_print_text(hit->reason);
            putchar(')');
        }
        putchar('\n');
    }
}

static void alerts_print_head(const struct store_case *item, int64_t now_ms)
{
    char opened[CLOCK_TEXT_SIZE], deadline[CLOCK_TEXT_SIZE];
    clock_text(item->opened_at_ms, opened);
    clock_text(item->deadline_ms, deadline);
    printf("Case %" PRId64 "  %s  queue ", item->id, severity_text(item->severity));
    alerts_print_text(item->queue);
    fputs("\nConversation ", stdout);
    alerts_print_text(item->conversation_id);
    printf("\nOpened %s, due %s%s\n", opened, deadline,
           item->decision == DECISION_NONE && item->deadline_ms < now_ms ? " (overdue)" : "");
    if (item->decision != DECISION_NONE) {
        char decided[CLOCK_TEXT_SIZE];
        clock_text(item->decided_at_ms, decided);
        printf("Decided %s by ", decision_names[item->decision]);
        alerts_print_text(item->decided_by);
        printf(" at %s", decided);
        if (item->note) {
            fputs(": ", stdout);
            alerts_print_text(item->note);
        }
        putchar('\n');
    } else if (item->lease_holder) {
        char until[CLOCK_TEXT_SIZE];
        clock_text(item->lease_until_ms, until);
        fputs("Held by ", stdout);
        alerts_print_text(item->lease_holder);
        printf(" until %s\n", until);
    }
}

static void alerts_print_reading(const struct alerts_reading *reading, int64_t now_ms)
{
    bool colour = command_colour(stdout);
    alerts_print_head(&reading->item, now_ms);
    for (uint32_t i = 0; i < reading->message_count; i++) {
        const struct store_case_message *message = &reading->messages[i];
        char time[CLOCK_TEXT_SIZE];
        clock_text(message->sent_at_ms ? message->sent_at_ms : message->received_at_ms, time);
        printf("\n%s  ", time);
        alerts_print_text(message->sender_id && *message->sender_id ? message->sender_id : "(no sender)");
        if (message->recipients) {
            fputs(" -> ", stdout);
            alerts_print_text(message->recipients);
        }
        fputs("  message ", stdout);
        alerts_print_text(message->message_id);
        fputs(message->flagged ? "  [flagged]\n" : "  [context]\n", stdout);
        alerts_print_message(reading, message, colour);
        alerts_print_hits(reading, message);
    }
}

int alerts_show(struct alerts_call *call)
{
    struct error error = {0};
    struct alerts_reading reading = {0};
    enum status status = call->ops->get(call->store, call->case_id, call->now_ms, call->arena, &error, &reading.item);
    if (status == STATUS_OK)
        status = call->ops->read(call->store, call->case_id, call->who, call->reason, call->now_ms, call->arena, &error,
                                 &reading.messages, &reading.message_count, &reading.hits, &reading.hit_count);
    if (status != STATUS_OK)
        return alerts_failed(status, &error, "'weir alerts list --all' shows every case.");
    if (call->json)
        return alerts_print_json(alerts_reading_json(&reading, call->now_ms));
    alerts_print_reading(&reading, call->now_ms);
    return EXIT_DONE;
}
