#include "cli/hit_json.h"

#include <string.h>

#include "base/json_text.h"

#define UNIT_BYTES_MAX 6 /* a byte of text takes at most "\u0000" */

/* So that a line needs no check at each byte: room is made first, then written to. */
struct writer {
    uint8_t *at;
};

static void put(struct writer *writer, const char *text, size_t size)
{
    memcpy(writer->at, text, size);
    writer->at += size;
}

#define PUT(writer, literal) put(writer, literal, sizeof(literal) - 1)

static void put_unit(struct writer *writer, uint32_t unit)
{
    static const char digits[] = "0123456789ABCDEF";
    const char text[] = {
        '\\', 'u', digits[unit >> 12 & 15], digits[unit >> 8 & 15], digits[unit >> 4 & 15], digits[unit & 15]};
    put(writer, text, sizeof text);
}

static void put_escaped(struct writer *writer, uint32_t code_point)
{
    static const char names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (size_t i = 0; i + 1 < sizeof names; i += 2) {
        if ((uint8_t)names[i] == code_point) {
            const char text[] = {'\\', names[i + 1]};
            put(writer, text, sizeof text);
            return;
        }
    }
    if (code_point >= 0x10000) {
        put_unit(writer, 0xD800 + ((code_point - 0x10000) >> 10));
        code_point = 0xDC00 + ((code_point - 0x10000) & 0x3FF);
    }
    put_unit(writer, code_point);
}

static bool stands_as_it_is(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/* In quotes. Bytes that are no UTF-8 come out as U+FFFD, one for each. */
static void put_text(struct writer *writer, struct span text)
{
    *writer->at++ = '"';
    for (size_t i = 0; i < text.size;) {
        if (stands_as_it_is(text.data[i])) {
            *writer->at++ = text.data[i++];
            continue;
        }
        uint32_t code_point = 0xFFFD;
        size_t length = json_text_character(text.data + i, text.size - i, &code_point);
        put_escaped(writer, code_point);
        i += length ? length : 1;
    }
    *writer->at++ = '"';
}

static void put_number(struct writer *writer, uint32_t number)
{
    char digits[10];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    put(writer, digits + at, sizeof digits - at);
}

static bool is_utf8(struct span text)
{
    for (size_t i = 0; i < text.size;) {
        uint32_t code_point;
        size_t length = json_text_character(text.data + i, text.size - i, &code_point);
        if (length == 0) {
            return false;
        }
        i += length;
    }
    return true;
}

static enum status append_head(struct buffer *lines, struct span id, const char *generation, const struct scan_hit *hit)
{
    const struct rule *rule = hit->rule;
    const struct span texts[] = {id, span_text(rule->id), span_text(rule->queue), span_text(generation),
                                 span_text(hit->reason)};
    size_t size = 256; /* the names of the fields, the severity and all the quotes */
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size += texts[i].size * UNIT_BYTES_MAX;
    }
    enum status status = buffer_reserve(lines, size);
    if (status != STATUS_OK) {
        return status;
    }
    struct writer writer = {lines->data + lines->size};
    PUT(&writer, "{\"message_id\":");
    put_text(&writer, id);
    PUT(&writer, ",\"rule\":");
    put_text(&writer, texts[1]);
    PUT(&writer, ",\"severity\":");
    put_text(&writer, span_text(severity_text(rule->severity)));
    PUT(&writer, ",\"queue\":");
    if (rule->queue) {
        put_text(&writer, texts[2]);
    } else {
        PUT(&writer, "null");
    }
    PUT(&writer, ",\"generation\":");
    put_text(&writer, texts[3]);
    if (rule->status == RULE_SHADOW) {
        PUT(&writer, ",\"status\":\"shadow\"");
    }
    if (hit->outcome == OUTCOME_UNSCANNED) {
        PUT(&writer, ",\"outcome\":\"unscanned\",\"reason\":");
        put_text(&writer, texts[4]);
    }
    PUT(&writer, ",\"spans\":[");
    lines->size = (size_t)(writer.at - lines->data);
    return STATUS_OK;
}

static enum status append_span(struct buffer *lines, const struct verdict_span *span, bool first)
{
    struct span pattern = span_text(span->pattern), view = span_text(span->view);
    enum status status = buffer_reserve(lines, 96 + (pattern.size + view.size) * UNIT_BYTES_MAX);
    if (status != STATUS_OK) {
        return status;
    }
    struct writer writer = {lines->data + lines->size};
    if (!first) {
        PUT(&writer, ",");
    }
    PUT(&writer, "{\"pattern\":");
    put_text(&writer, pattern);
    PUT(&writer, ",\"view\":");
    put_text(&writer, view);
    PUT(&writer, ",\"start\":");
    put_number(&writer, span->start);
    PUT(&writer, ",\"end\":");
    put_number(&writer, span->end);
    PUT(&writer, "}");
    lines->size = (size_t)(writer.at - lines->data);
    return STATUS_OK;
}

/* The other messages that took part in a hit of a rule with `across`. */
static enum status append_parts(struct buffer *lines, const struct scan_hit *hit)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < hit->part_count; i++) {
        struct span id = hit->parts[i].message_id;
        id = is_utf8(id) ? id : span_text("\xEF\xBF\xBD");
        status = buffer_reserve(lines, 32 + id.size * UNIT_BYTES_MAX);
        if (status == STATUS_OK) {
            struct writer writer = {lines->data + lines->size};
            if (i == 0) {
                PUT(&writer, ",\"across\":[");
            } else {
                PUT(&writer, ",");
            }
            put_text(&writer, id);
            lines->size = (size_t)(writer.at - lines->data);
        }
    }
    return status == STATUS_OK && hit->part_count > 0 ? buffer_append(lines, "]", 1) : status;
}

enum status hit_json_append(struct buffer *lines, struct span message_id, const char *generation,
                            const struct scan_hit *hit)
{
    size_t size_before = lines->size;
    struct span id = is_utf8(message_id) ? message_id : span_text("\xEF\xBF\xBD");
    enum status status = append_head(lines, id, generation, hit);
    for (uint32_t i = 0; status == STATUS_OK && i < hit->span_count; i++) {
        status = append_span(lines, &hit->spans[i], i == 0);
    }
    if (status == STATUS_OK) {
        status = buffer_append(lines, "]", 1);
    }
    if (status == STATUS_OK) {
        status = append_parts(lines, hit);
    }
    if (status == STATUS_OK) {
        status = buffer_append(lines, "}\n", 2);
    }
    if (status != STATUS_OK) {
        lines->size = size_before;
    }
    return status;
}
