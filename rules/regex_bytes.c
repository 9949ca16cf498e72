#include "rules/regex_bytes.h"

#define OTHERS_EXACT_MAX 24 /* characters beyond ASCII that are spelled out; more are written by their lengths */
#define WEIGHT_MAX UINT32_C(0x3FFFFFFF)

static uint32_t weight_add(uint32_t a, uint32_t b)
{
    uint64_t sum = (uint64_t)a + b;
    return sum > WEIGHT_MAX ? WEIGHT_MAX : (uint32_t)sum;
}

static uint32_t weight_times(uint32_t a, uint32_t b)
{
    uint64_t product = (uint64_t)a * b;
    return product > WEIGHT_MAX ? WEIGHT_MAX : (uint32_t)product;
}

static void add_byte(uint64_t bytes[4], uint32_t byte)
{
    bytes[byte >> 6] |= UINT64_C(1) << (byte & 63);
}

static void add_bytes(uint64_t bytes[4], uint32_t first, uint32_t last)
{
    for (; first <= last; first++) {
        add_byte(bytes, first);
    }
}

static bool is_empty(const uint64_t bytes[4])
{
    return (bytes[0] | bytes[1] | bytes[2] | bytes[3]) == 0;
}

struct piece *regex_bytes_new(struct piece_maker *maker, enum piece_type type)
{
    struct piece *piece = arena_array(maker->arena, 1, sizeof *piece);
    if (piece) {
        piece->type = type;
    }
    return piece;
}

struct piece *regex_bytes_set(struct piece_maker *maker, const uint64_t bytes[4])
{
    struct piece *piece = regex_bytes_new(maker, PIECE_BYTES);
    if (piece) {
        memcpy(piece->bytes, bytes, sizeof piece->bytes);
        piece->weight = 1;
    }
    return piece;
}

struct piece *regex_bytes_sequence(struct piece_maker *maker, struct piece *list)
{
    struct piece *sequence = regex_bytes_new(maker, PIECE_SEQUENCE);
    if (!sequence) {
        return NULL;
    }
    struct piece **tail = &sequence->first;
    for (struct piece *piece = list, *next; piece; piece = next) {
        next = piece->next;
        piece->next = NULL;
        if (piece->type == PIECE_EMPTY) {
            continue;
        }
        sequence->weight = weight_add(sequence->weight, piece->weight);
        *tail = piece->type == PIECE_SEQUENCE ? piece->first : piece;
        while (*tail) {
            tail = &(*tail)->next;
        }
    }
    if (!sequence->first) {
        sequence->type = PIECE_EMPTY;
    } else if (!sequence->first->next) {
        return sequence->first;
    }
    return sequence;
}

struct piece *regex_bytes_choice(struct piece_maker *maker, struct piece *list)
{
    struct piece *choice = regex_bytes_new(maker, PIECE_CHOICE), *set = NULL;
    if (!choice) {
        return NULL;
    }
    struct piece **tail = &choice->first;
    bool optional = false;
    for (struct piece *piece = list, *next; piece; piece = next) {
        next = piece->next;
        piece->next = NULL;
        if (piece->type == PIECE_EMPTY) {
            optional = true;
            continue;
        }
        if (piece->type == PIECE_BYTES && set) {
            for (int i = 0; i < 4; i++) {
                set->bytes[i] |= piece->bytes[i];
            }
            continue;
        }
        set = piece->type == PIECE_BYTES ? piece : set;
        choice->weight = weight_add(choice->weight, piece->weight);
        *tail = piece->type == PIECE_CHOICE ? piece->first : piece;
        while (*tail) {
            tail = &(*tail)->next;
        }
    }
    if (!choice->first) {
        return regex_bytes_new(maker, PIECE_EMPTY);
    }
    struct piece *result = choice->first->next ? choice : choice->first;
    return optional ? regex_bytes_repeat(maker, result, 0, 1) : result;
}

struct piece *regex_bytes_repeat(struct piece_maker *maker, struct piece *child, uint32_t min, uint32_t max)
{
    if (!child || child->type == PIECE_EMPTY || (min == 1 && max == 1)) {
        return child;
    }
    if (max == 0) {
        return regex_bytes_new(maker, PIECE_EMPTY);
    }
    bool zero_width = child->type == PIECE_EDGE || child->type == PIECE_LINE_START || child->type == PIECE_LINE_END;
    if (zero_width) {
        return min == 0 ? regex_bytes_new(maker, PIECE_EMPTY) : child;
    }
    struct piece *repeat = regex_bytes_new(maker, PIECE_REPEAT);
    if (!repeat) {
        return NULL;
    }
    uint32_t weight = child->weight > 0 ? child->weight : 1;
    if (weight_times(weight, min) > maker->repeat_max) {
        min = maker->repeat_max / weight;
        min = min > 1 ? min : 1;
        max = REGEX_REPEAT_FOREVER;
    }
    if (max != REGEX_REPEAT_FOREVER && weight_times(weight, max) > maker->repeat_max && max > 1) {
        max = REGEX_REPEAT_FOREVER;
    }
    repeat->first = child;
    repeat->min = min;
    repeat->max = max;
    uint32_t copies = max != REGEX_REPEAT_FOREVER ? max : min > 0 ? min : 1;
    repeat->weight = weight_times(weight, copies);
    return min == 1 && max == 1 ? child : repeat;
}

static uint32_t encode(uint32_t c, uint8_t ret_bytes[4])
{
    if (c < 0x800) {
        ret_bytes[0] = (uint8_t)(0xC0 | c >> 6);
        ret_bytes[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        ret_bytes[0] = (uint8_t)(0xE0 | c >> 12);
        ret_bytes[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        ret_bytes[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    ret_bytes[0] = (uint8_t)(0xF0 | c >> 18);
    ret_bytes[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    ret_bytes[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    ret_bytes[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

void regex_bytes_of_set(const struct regex_set *set, uint64_t ret_bytes[4], uint32_t *ret_size_min,
                        uint32_t *ret_size_max)
{
    uint64_t bytes[4] = {set->ascii[0], set->ascii[1], 0, 0};
    uint32_t size_min = is_empty(bytes) ? 4 : 1, size_max = 1;
    if (set->other_any) {
        add_bytes(bytes, 0x80, 0xBF);
        add_bytes(bytes, 0xC2, 0xF4);
        size_min = size_min > 2 ? 2 : size_min;
        size_max = 4;
    }
    for (uint32_t i = 0; !set->other_any && i < set->other_count; i++) {
        uint8_t encoded[4];
        uint32_t size = encode(set->others[i], encoded);
        for (uint32_t k = 0; k < size; k++) {
            add_byte(bytes, encoded[k]);
        }
        size_min = size < size_min ? size : size_min;
        size_max = size > size_max ? size : size_max;
    }
    memcpy(ret_bytes, bytes, sizeof bytes);
    *ret_size_min = size_min;
    *ret_size_max = size_max;
}

/* A set of lead bytes and `more` bytes that continue it. */
static struct piece *lead_and_tail(struct piece_maker *maker, const uint64_t leads[4], uint32_t more_min, uint32_t more)
{
    uint64_t tail[4] = {0};
    add_bytes(tail, 0x80, 0xBF);
    struct piece *lead = regex_bytes_set(maker, leads);
    struct piece *rest = regex_bytes_repeat(maker, regex_bytes_set(maker, tail), more_min, more);
    if (!lead || !rest) {
        return NULL;
    }
    lead->next = rest;
    return regex_bytes_sequence(maker, lead);
}

/* Many characters: their lead bytes by the length of the character, and anything that can continue them. */
static struct piece *others_by_length(struct piece_maker *maker, const struct regex_set *set)
{
    uint64_t leads[5][4] = {{0}};
    for (uint32_t i = 0; i < set->other_count; i++) {
        uint8_t encoded[4];
        uint32_t size = encode(set->others[i], encoded);
        add_byte(leads[size], encoded[0]);
    }
    struct piece *list = NULL;
    for (uint32_t size = 2; size <= 4; size++) {
        if (!is_empty(leads[size])) {
            struct piece *one = lead_and_tail(maker, leads[size], size - 1, size - 1);
            if (!one) {
                return NULL;
            }
            one->next = list;
            list = one;
        }
    }
    return regex_bytes_choice(maker, list);
}

/* A few characters: each run that differs in its last byte only is one sequence. The list is sorted. */
static struct piece *others_exact(struct piece_maker *maker, const struct regex_set *set)
{
    struct piece *list = NULL;
    for (uint32_t i = 0; i < set->other_count;) {
        uint8_t encoded[4], next[4];
        uint32_t size = encode(set->others[i], encoded);
        uint64_t last[4] = {0};
        add_byte(last, encoded[size - 1]);
        for (i++; i < set->other_count && encode(set->others[i], next) == size && memcmp(encoded, next, size - 1) == 0;
             i++) {
            add_byte(last, next[size - 1]);
        }
        struct piece *one = regex_bytes_set(maker, last);
        for (uint32_t k = size - 1; k-- > 0 && one;) {
            uint64_t byte[4] = {0};
            add_byte(byte, encoded[k]);
            struct piece *before = regex_bytes_set(maker, byte);
            if (before) {
                before->next = one;
            }
            one = before;
        }
        one = one ? regex_bytes_sequence(maker, one) : NULL;
        if (!one) {
            return NULL;
        }
        one->next = list;
        list = one;
    }
    return regex_bytes_choice(maker, list);
}

struct piece *regex_bytes_characters(struct piece_maker *maker, const struct regex_set *set)
{
    const uint64_t ascii_bytes[4] = {set->ascii[0], set->ascii[1], 0, 0};
    struct piece *ascii = regex_bytes_set(maker, ascii_bytes), *others = NULL;
    if (!ascii) {
        return NULL;
    }
    if (set->other_any) {
        uint64_t leads[4] = {0};
        add_bytes(leads, 0xC2, 0xF4);
        others = lead_and_tail(maker, leads, 1, 3);
    } else if (set->other_count > OTHERS_EXACT_MAX) {
        others = others_by_length(maker, set);
    } else if (set->other_count > 0) {
        others = others_exact(maker, set);
    } else {
        return ascii; /* perhaps empty: it never matches, and neither does PCRE2 */
    }
    if (!others || is_empty(ascii_bytes)) {
        return others;
    }
    ascii->next = others;
    return regex_bytes_choice(maker, ascii);
}
