#include "rules/reader_test.h"

#include <string.h>

#include "base/buffer.h"

static const char *const tests_keys[] = {"hits", "clean", NULL};
static const char *const message_keys[] = {"text", "from", "minutes", NULL};

#define MESSAGE_REMEDY "write {text: '...', from: ann, minutes: 5}, or only the text"
#define SHOWN_SIZE_MAX ((size_t)YAML_SIZE_MAX * 4)

/* A text, which may be empty. */
static struct span copy_text(struct reader_context *context, const struct yaml *node)
{
    char *text = arena_copy(context->arena, span_of(node->text, node->size));
    context->no_memory |= !text;
    return span_of(text, text ? node->size : 0);
}

static void read_minutes(struct reader_context *context, const struct yaml *node, uint32_t *minutes)
{
    int64_t value = 0;
    if (yaml_integer(node, &value) != STATUS_OK || value < 0 || value > MODEL_TEST_MINUTES_MAX) {
        reader_node_error(context, node, "count from the beginning of the conversation",
                          "minutes must be a whole number from 0 to %u", MODEL_TEST_MINUTES_MAX);
        return;
    }
    *minutes = (uint32_t)value;
}

static bool read_message(struct reader_context *context, const struct yaml *node, struct rule_test_message *message)
{
    if (node->type == YAML_SCALAR) {
        message->text = copy_text(context, node);
        return true;
    }
    if (node->type != YAML_MAP) {
        reader_node_error(context, node, MESSAGE_REMEDY, "a message of a test must be text or a map, found %s",
                          yaml_type_text(node));
        return false;
    }
    reader_node_check_keys(context, node, message_keys, "a message of a test");
    const struct yaml *text = yaml_get(node, "text");
    const struct yaml *from = yaml_get(node, "from");
    const struct yaml *minutes = yaml_get(node, "minutes");
    const char *name = NULL;
    if (!text) {
        reader_node_error(context, node, MESSAGE_REMEDY, "a message of a test needs a key 'text'");
    } else if (text->type != YAML_SCALAR) {
        reader_node_error(context, text, "write the text in quotes", "text must be text, found %s",
                          yaml_type_text(text));
    } else {
        message->text = copy_text(context, text);
    }
    if (from && reader_node_line(context, from, "from", MODEL_ID_SIZE_MAX, &name)) {
        message->sender = span_text(name);
    }
    if (minutes) {
        read_minutes(context, minutes, &message->minutes);
    }
    return true;
}

/* "Hi / ann: send me a gift / (9 min) card": what is not as it would be without being written is named. */
static struct span shown_text(struct reader_context *context, const struct rule_test *test)
{
    struct buffer line = BUFFER_INIT(SHOWN_SIZE_MAX);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < test->message_count; i++) {
        const struct rule_test_message *message = &test->messages[i];
        uint32_t expected = i > 0 ? test->messages[i - 1].minutes + 1 : 0;
        status = buffer_append_text(&line, i > 0 ? " / " : "");
        if (status == STATUS_OK && message->minutes != expected) {
            status = buffer_print(&line, "(%u min) ", message->minutes);
        }
        if (status == STATUS_OK && message->sender.size > 0) {
            status = buffer_print(&line, "%.*s: ", (int)message->sender.size, (const char *)message->sender.data);
        }
        if (status == STATUS_OK) {
            status = buffer_append(&line, message->text.data, message->text.size);
        }
    }
    char *copy = status == STATUS_OK ? arena_copy(context->arena, buffer_span(&line)) : NULL;
    struct span shown = span_of(copy, copy ? line.size : 0);
    context->no_memory |= !copy;
    buffer_free(&line);
    return shown;
}

static bool read_conversation(struct reader_context *context, const struct yaml *list, struct rule_test *test)
{
    if (list->count == 0) {
        reader_node_error(context, list, "write its messages: ['first', 'second']", "a test holds no message");
        return false;
    }
    if (list->count > MODEL_TEST_MESSAGES_MAX) {
        reader_node_error(context, list, NULL, "a test has at most %u messages", MODEL_TEST_MESSAGES_MAX);
        return false;
    }
    struct rule_test_message *messages = arena_array(context->arena, list->count, sizeof *messages);
    if (!messages) {
        context->no_memory = true;
        return false;
    }
    uint32_t count = 0;
    for (const struct yaml *item = list->first; item; item = item->next) {
        messages[count] = (struct rule_test_message){.minutes = count > 0 ? messages[count - 1].minutes + 1 : 0};
        if (!read_message(context, item, &messages[count])) {
            return false;
        }
        count++;
    }
    test->messages = messages;
    test->message_count = count;
    test->text = shown_text(context, test);
    return true;
}

static uint32_t read_list(struct reader_context *context, const struct yaml *list, bool hit, struct rule_test *tests)
{
    uint32_t count = 0;
    for (const struct yaml *item = list->first; item && !context->no_memory; item = item->next) {
        struct rule_test test = {.hit = hit, .place = reader_node_place(context, item)};
        if (item->type == YAML_SCALAR) {
            test.text = copy_text(context, item);
        } else if (item->type != YAML_LIST) {
            reader_node_error(context, item, "write the text in quotes, or a list of several messages",
                              "a test must be text or a list of messages, found %s", yaml_type_text(item));
            continue;
        } else if (!read_conversation(context, item, &test)) {
            continue;
        }
        tests[count++] = test;
    }
    return count;
}

void reader_test_read(struct reader_context *context, const struct yaml *node, struct rule *rule)
{
    if (!reader_node_is_map(context, node, "tests")) {
        return;
    }
    reader_node_check_keys(context, node, tests_keys, "tests");
    const struct yaml *hits = yaml_get(node, "hits");
    const struct yaml *clean = yaml_get(node, "clean");
    if (hits && !reader_node_is_list(context, hits, "hits")) {
        hits = NULL;
    }
    if (clean && !reader_node_is_list(context, clean, "clean")) {
        clean = NULL;
    }
    size_t count = (hits ? (size_t)hits->count : 0) + (clean ? clean->count : 0);
    struct rule_test *tests = arena_array(context->arena, count, sizeof *tests);
    if (!tests) {
        context->no_memory = true;
        return;
    }
    rule->test_count = hits ? read_list(context, hits, true, tests) : 0;
    rule->test_count += clean ? read_list(context, clean, false, tests + rule->test_count) : 0;
    rule->tests = tests;
}
