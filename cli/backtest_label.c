#include "cli/backtest_label.h"

#include <string.h>

#include "cli/json_reader.h"

static bool is_one_of(struct span label, const char *const *names)
{
    for (; *names; names++) {
        if (span_equal(label, span_text(*names))) {
            return true;
        }
    }
    return false;
}

static enum backtest_label judge(const struct backtest_labels *labels, struct span label)
{
    if (is_one_of(label, labels->positive)) {
        return BACKTEST_POSITIVE;
    }
    bool negative = label.size > 0 && (!labels->negative[0] || is_one_of(label, labels->negative));
    return negative ? BACKTEST_NEGATIVE : BACKTEST_UNLABELLED;
}

static struct span value_text(const struct json_reader_value *value)
{
    switch (value->kind) {
    case JSON_READER_TRUE:
        return span_text("true");
    case JSON_READER_FALSE:
        return span_text("false");
    case JSON_READER_TEXT:
    case JSON_READER_WHOLE:
    case JSON_READER_FRACTION:
        return value->text;
    default:
        return span_of(NULL, 0);
    }
}

/* The field of the object; empty if there is none. */
static struct span find_field(const char *field, uint8_t *line, size_t size)
{
    struct json_reader reader;
    struct json_reader_value value;
    struct span name, found = {0};
    bool more;
    json_reader_start(&reader, line, size);
    if (!json_reader_value(&reader, &value) || value.kind != JSON_READER_OBJECT) {
        return found;
    }
    json_reader_enter(&reader);
    for (bool first = true; json_reader_next(&reader, first, &more, &name) && more; first = false) {
        if (!json_reader_value(&reader, &value)) {
            break;
        }
        bool nested = value.kind == JSON_READER_OBJECT || value.kind == JSON_READER_ARRAY;
        if (nested && !json_reader_skip(&reader)) {
            break;
        }
        if (span_equal(name, span_text(field))) {
            found = value_text(&value);
        }
    }
    return found;
}

static struct span find_column(uint32_t column, struct span line)
{
    const uint8_t *at = line.data, *end = line.data + line.size;
    for (uint32_t i = 1; at; i++) {
        const uint8_t *tab = memchr(at, '\t', (size_t)(end - at));
        if (i == column) {
            return span_of(at, (size_t)((tab ? tab : end) - at));
        }
        at = tab ? tab + 1 : NULL;
    }
    return span_of(NULL, 0);
}

enum status backtest_label_of(const struct backtest_labels *labels, enum input_format format, struct span line,
                              struct buffer *copy, enum backtest_label *ret_label)
{
    struct span label = {0};
    if (line.size > 0 && line.data[line.size - 1] == '\r') {
        line.size--;
    }
    if (labels->positive[0] && line.size > 0 && format == INPUT_JSONL) {
        buffer_clear(copy);
        enum status status = buffer_append(copy, line.data, line.size);
        if (status != STATUS_OK) {
            return status;
        }
        label = find_field(labels->field, copy->data, copy->size);
    } else if (labels->positive[0] && line.size > 0 && format == INPUT_TSV) {
        label = find_column(labels->column, line);
    }
    enum backtest_label judged = labels->positive[0] ? judge(labels, label) : BACKTEST_UNLABELLED;
    bool none = judged == BACKTEST_UNLABELLED && label.size == 0;
    *ret_label = none && labels->positive[0] && labels->unlabelled_negative ? BACKTEST_NEGATIVE : judged;
    return STATUS_OK;
}
