#include "rules/regex_bytes.h"

#define GAP_MIN 32u /* bytes that a repeat must be able to reach over to be a gap: half a message */

/* Hyperscan takes ^ only where nothing stands before it, and $ only where nothing follows. */
static void drop_anchors(struct piece *piece, bool at_start, bool at_end)
{
    switch (piece->type) {
    case PIECE_LINE_START:
        piece->type = at_start ? PIECE_LINE_START : PIECE_EMPTY;
        break;
    case PIECE_LINE_END:
        piece->type = at_end ? PIECE_LINE_END : PIECE_EMPTY;
        break;
    case PIECE_SEQUENCE:
        for (struct piece *child = piece->first; child; child = child->next) {
            drop_anchors(child, at_start && child == piece->first, at_end && !child->next);
        }
        break;
    case PIECE_CHOICE:
        for (struct piece *child = piece->first; child; child = child->next) {
            drop_anchors(child, at_start, at_end);
        }
        break;
    case PIECE_REPEAT:
        drop_anchors(piece->first, false, false);
        break;
    default:
        break;
    }
}

void regex_bytes_drop_inner_anchors(struct piece *root)
{
    drop_anchors(root, true, true);
}

/* How often a byte occurs in ordinary text, as a share of all bytes: rough, and only for telling wide from narrow. */
static double byte_share(uint32_t byte)
{
    if (byte == ' ') {
        return 0.16;
    }
    if (byte >= 'a' && byte <= 'z') {
        return strchr("etaoinshr", (int)byte) ? 0.05 : 0.018;
    }
    if ((byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')) {
        return 0.002;
    }
    return byte >= 0x80 ? 0.0008 : byte >= ' ' ? 0.002 : 0.0002;
}

static double bytes_share(const uint64_t bytes[4])
{
    double share = 0;
    for (uint32_t byte = 0; byte < 256; byte++) {
        if (bytes[byte >> 6] >> (byte & 63) & 1) {
            share += byte_share(byte);
        }
    }
    return share < 1 ? share : 1;
}

static uint32_t length_add(uint32_t a, uint32_t b)
{
    uint64_t sum = (uint64_t)a + b;
    return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

/* Does the piece end with something that reaches over much of what follows, such as .* ? */
static bool ends_with_gap(const struct piece *piece)
{
    while (piece->type == PIECE_SEQUENCE || (piece->type == PIECE_REPEAT && piece->first->type != PIECE_BYTES)) {
        for (piece = piece->first; piece->next;) {
            piece = piece->next;
        }
    }
    return piece->type == PIECE_REPEAT && piece->max >= GAP_MIN && bytes_share(piece->first->bytes) > 0.5;
}

/* That something occurs in reach of a gap before it. */
static double after_gap(double likelihood)
{
    return likelihood * GAP_MIN < 1 ? likelihood * GAP_MIN : 1;
}

static struct regex_bytes_measure measure_piece(const struct piece *root)
{
    struct regex_bytes_measure measure = {.length_min = 0, .likelihood = 1};
    switch (root->type) {
    case PIECE_BYTES:
        measure.length_min = 1;
        measure.likelihood = bytes_share(root->bytes);
        break;
    case PIECE_SEQUENCE: {
        bool gap = false;
        for (const struct piece *child = root->first; child; child = child->next) {
            struct regex_bytes_measure one = measure_piece(child);
            measure.length_min = length_add(measure.length_min, one.length_min);
            measure.likelihood *= gap ? after_gap(one.likelihood) : one.likelihood;
            gap = ends_with_gap(child);
        }
        break;
    }
    case PIECE_CHOICE:
        measure = (struct regex_bytes_measure){.length_min = UINT32_MAX, .likelihood = 0};
        for (const struct piece *child = root->first; child; child = child->next) {
            struct regex_bytes_measure one = measure_piece(child);
            measure.length_min = one.length_min < measure.length_min ? one.length_min : measure.length_min;
            measure.likelihood += one.likelihood;
        }
        measure.likelihood = measure.likelihood < 1 ? measure.likelihood : 1;
        break;
    case PIECE_REPEAT: {
        struct regex_bytes_measure one = measure_piece(root->first);
        bool gap = ends_with_gap(root->first);
        for (uint32_t i = 0; i < root->min && i < 64; i++) {
            measure.likelihood *= gap && i > 0 ? after_gap(one.likelihood) : one.likelihood;
        }
        uint64_t length = (uint64_t)one.length_min * root->min;
        measure.length_min = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
        break;
    }
    case PIECE_LINE_START:
    case PIECE_LINE_END:
        measure.likelihood = 0.02;
        break;
    case PIECE_EDGE:
        measure.likelihood = 0.4;
        break;
    default:
        break;
    }
    return measure;
}

struct regex_bytes_measure regex_bytes_measure(const struct piece *root)
{
    struct regex_bytes_measure measure = measure_piece(root);
    if (ends_with_gap(root)) {
        measure.likelihood = after_gap(measure.likelihood); /* it is reported again and again */
    }
    return measure;
}

static enum status print_byte(uint32_t byte, struct buffer *out)
{
    bool plain = (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
    return plain ? buffer_append_byte(out, (uint8_t)byte) : buffer_print(out, "\\x%02x", (unsigned)byte);
}

static bool has_byte(const uint64_t bytes[4], uint32_t byte)
{
    return byte < 256 && (bytes[byte >> 6] >> (byte & 63) & 1);
}

static enum status print_bytes(const uint64_t bytes[4], struct buffer *out)
{
    uint32_t count = 0, one = 0;
    for (uint32_t byte = 0; byte < 256; byte++) {
        count += has_byte(bytes, byte);
        one = has_byte(bytes, byte) ? byte : one;
    }
    if (count == 0) {
        return STATUS_UNSUPPORTED; /* it never matches, and there is no way to write that */
    }
    if (count == 1) {
        return print_byte(one, out);
    }
    if (count == 256) {
        return buffer_append_byte(out, '.');
    }
    enum status status = buffer_append_byte(out, '[');
    for (uint32_t byte = 0; byte < 256 && status == STATUS_OK; byte++) {
        if (!has_byte(bytes, byte)) {
            continue;
        }
        status = print_byte(byte, out);
        uint32_t last = byte;
        while (has_byte(bytes, last + 1)) {
            last++;
        }
        if (last > byte + 1 && status == STATUS_OK) {
            status = buffer_append_byte(out, '-');
        }
        if (last > byte && status == STATUS_OK) {
            status = print_byte(last, out);
        }
        byte = last;
    }
    return status == STATUS_OK ? buffer_append_byte(out, ']') : status;
}

static enum status print(const struct piece *piece, bool grouped, struct buffer *out);

static enum status print_bounds(const struct piece *repeat, struct buffer *out)
{
    if (repeat->max == REGEX_REPEAT_FOREVER) {
        return repeat->min <= 1 ? buffer_append_byte(out, repeat->min == 0 ? '*' : '+')
                                : buffer_print(out, "{%u,}", (unsigned)repeat->min);
    }
    if (repeat->min == repeat->max) {
        return buffer_print(out, "{%u}", (unsigned)repeat->min);
    }
    return repeat->min == 0 && repeat->max == 1
               ? buffer_append_byte(out, '?')
               : buffer_print(out, "{%u,%u}", (unsigned)repeat->min, (unsigned)repeat->max);
}

/* The children of a sequence or a choice. */
static enum status print_children(const struct piece *piece, bool grouped, struct buffer *out)
{
    enum status status = grouped ? buffer_append_text(out, "(?:") : STATUS_OK;
    for (const struct piece *child = piece->first; child && status == STATUS_OK; child = child->next) {
        if (piece->type == PIECE_CHOICE && child != piece->first) {
            status = buffer_append_byte(out, '|');
        }
        if (status == STATUS_OK) {
            status = print(child, piece->type == PIECE_SEQUENCE && child->type == PIECE_CHOICE, out);
        }
    }
    return grouped && status == STATUS_OK ? buffer_append_byte(out, ')') : status;
}

/* `grouped`: a sequence or a choice needs its own parentheses here. */
static enum status print(const struct piece *piece, bool grouped, struct buffer *out)
{
    switch (piece->type) {
    case PIECE_BYTES:
        return print_bytes(piece->bytes, out);
    case PIECE_SEQUENCE:
    case PIECE_CHOICE:
        return print_children(piece, grouped, out);
    case PIECE_REPEAT: {
        enum status status = STATUS_OK;
        if (piece->first->type == PIECE_EMPTY) {
            return grouped ? buffer_append_text(out, "(?:)") : STATUS_OK;
        }
        if (piece->first->type == PIECE_REPEAT) { /* a{2}{3} would be read as another thing */
            status = buffer_append_text(out, "(?:");
            status = status == STATUS_OK ? print(piece->first, false, out) : status;
            status = status == STATUS_OK ? buffer_append_byte(out, ')') : status;
        } else {
            status = print(piece->first, true, out);
        }
        return status == STATUS_OK ? print_bounds(piece, out) : status;
    }
    case PIECE_LINE_START:
        return buffer_append_byte(out, '^');
    case PIECE_LINE_END:
        return buffer_append_byte(out, '$');
    case PIECE_EDGE:
        return buffer_append_text(out, "\\b");
    default:
        return buffer_append_text(out, grouped ? "(?:)" : "");
    }
}

enum status regex_bytes_print(const struct piece *root, struct buffer *out)
{
    enum status status = print(root, false, out);
    return status == STATUS_OK ? buffer_append_byte(out, '\0') : status;
}
