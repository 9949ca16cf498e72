/*
 * Random patterns together with texts that they are likely to match.
 *
 * The texts are made beside the pattern from what each construct means, not from the tree that is being tested: a
 * reader that takes a construct for another would otherwise agree with itself.
 */
#ifndef TESTS_FUZZ_REGEX_RANDOM_H
#define TESTS_FUZZ_REGEX_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_SAMPLES 6
#define RANDOM_SAMPLE_MAX 160  /* characters */
#define RANDOM_PATTERN_MAX 600 /* bytes */

/* A piece of pattern and what it matches in each text. */
struct random_piece {
    char pattern[RANDOM_PATTERN_MAX];
    size_t size;
    uint32_t sample[RANDOM_SAMPLES][RANDOM_SAMPLE_MAX];
    uint32_t length[RANDOM_SAMPLES];
};

struct random_state {
    uint64_t seed;
    int groups;    /* captures so far */
    bool extended; /* (?x) may be on: literal spaces are escaped */
};

static inline uint32_t random_below(struct random_state *state, uint32_t limit)
{
    state->seed += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = state->seed;
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ z >> 31) % limit);
}

static inline size_t random_encode(uint32_t c, uint8_t *ret_bytes)
{
    if (c < 0x80) {
        ret_bytes[0] = (uint8_t)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = size; i-- > 1; c >>= 6) {
        ret_bytes[i] = (uint8_t)(0x80 | (c & 0x3F));
    }
    ret_bytes[0] = (uint8_t)(leads[size] | c);
    return size;
}

static inline void random_put(struct random_piece *piece, const char *text)
{
    size_t size = strlen(text);
    if (piece->size + size < RANDOM_PATTERN_MAX) {
        memcpy(piece->pattern + piece->size, text, size);
        piece->size += size;
    }
}

static inline void random_put_piece(struct random_piece *piece, const struct random_piece *other)
{
    if (piece->size + other->size < RANDOM_PATTERN_MAX) {
        memcpy(piece->pattern + piece->size, other->pattern, other->size);
        piece->size += other->size;
    }
}

static inline void random_put_character(struct random_piece *piece, uint32_t c)
{
    if (piece->size + 4 < RANDOM_PATTERN_MAX) {
        piece->size += random_encode(c, (uint8_t *)piece->pattern + piece->size);
    }
}

static inline void random_sample(struct random_piece *piece, int i, uint32_t c)
{
    if (piece->length[i] < RANDOM_SAMPLE_MAX) {
        piece->sample[i][piece->length[i]++] = c;
    }
}

static inline void random_sample_piece(struct random_piece *piece, int i, const struct random_piece *other, int k)
{
    for (uint32_t n = 0; n < other->length[k]; n++) {
        random_sample(piece, i, other->sample[k][n]);
    }
}

static const uint32_t random_pool[] = {
    'a',     'a',    'b',    'k',    's',    'i',    'f',      't',    'x',    'K',    'S',     'I',     'Z',
    '0',     '7',    '9',    '_',    ' ',    '-',    '.',      '{',    '}',    ']',    '[',     ',',     '#',
    '(',     '|',    '^',    '$',    '\\',   '/',    '\'',     '\n',   '\r',   '\t',   0x0B,    0,       0x7F,
    0x85,    0xA0,   0x17F,  0x212A, 0x130,  0x131,  0xDF,     0x1E9E, 0x3A3,  0x3C3,  0x3C2,   0xE9,    0xC9,
    0x44F,   0x42F,  0x1C4,  0x1C5,  0x1C6,  0xB5,   0x3BC,    0x39C,  0xFFFD, 0xFB01, 0x345,   0x3B9,   0x399,
    0x1FBE,  0x2126, 0x3C9,  0x212B, 0xE5,   0x10A0, 0x2D00,   0x10D0, 0x1C90, 0x13A0, 0xAB70,  0x10400, 0x10428,
    0x1F600, 0x200D, 0x2028, 0x180E, 0x3000, 0x301,  0x10FFFF, 0x7FF,  0x800,  0xFFFF, 0x10000, 0x1E921, 0x1E943};
static const uint32_t random_ascii_words[] = {'a', 'b', 'k', 's', 'K', 'S', 'i', 't', '0', '_', 'z', 'Q'};
static const uint32_t random_spaces[] = {' ',    ' ',    '\t',   '\n',   '\r',   0x0B,   '\f',   0x85,  0xA0,
                                         0x1680, 0x2003, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0x180E};
static const uint32_t random_words[] = {'a',   'k',    's',    '_',   '7',     0xE9, 0x42F,
                                        0x17F, 0x212A, 0x4E2D, 0x661, 0x10400, 0xB2};
static const uint32_t random_digits[] = {'0', '5', '9', 0x661, 0x966, 0x1D7CE};

#define RANDOM_FROM(state, list) ((list)[random_below(state, sizeof(list) / sizeof *(list))])

static inline uint32_t random_character(struct random_state *state)
{
    return random_below(state, 10) < 5 ? RANDOM_FROM(state, random_ascii_words) : RANDOM_FROM(state, random_pool);
}

/* Another spelling of the same letter, now and then; wrong guesses only make a text that does not match. */
static inline uint32_t random_other_case(struct random_state *state, uint32_t c)
{
    static const uint32_t sets[][4] = {{'k', 'K', 0x212A, 'k'},
                                       {'s', 'S', 0x17F, 's'},
                                       {0xDF, 0x1E9E, 0xDF, 0x1E9E},
                                       {0x3A3, 0x3C3, 0x3C2, 0x3C3},
                                       {0xE9, 0xC9, 0xE9, 0xC9},
                                       {0x44F, 0x42F, 0x44F, 0x42F},
                                       {0x1C4, 0x1C5, 0x1C6, 0x1C4},
                                       {0xB5, 0x3BC, 0x39C, 0xB5},
                                       {0x345, 0x3B9, 0x399, 0x1FBE},
                                       {0x2126, 0x3C9, 0x3A9, 0x2126},
                                       {0x212B, 0xE5, 0xC5, 0x212B},
                                       {0x10A0, 0x2D00, 0x10A0, 0x2D00},
                                       {0x10D0, 0x1C90, 0x10D0, 0x1C90},
                                       {0x13A0, 0xAB70, 0x13A0, 0xAB70},
                                       {0x10400, 0x10428, 0x10400, 0x10428},
                                       {0x1E921, 0x1E943, 0x1E921, 0x1E943},
                                       {'i', 'I', 0x130, 0x131}};
    if (random_below(state, 3) > 0) {
        return c;
    }
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        for (int k = 0; k < 4; k++) {
            if (sets[i][k] == c) {
                return sets[i][random_below(state, 4)];
            }
        }
    }
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z' && c < 0x80;
    return letter ? c ^ 0x20 : c;
}

static inline void random_same_sample(struct random_state *state, struct random_piece *piece, uint32_t c)
{
    for (int i = 0; i < RANDOM_SAMPLES; i++) {
        random_sample(piece, i, random_other_case(state, c));
    }
}

/* One character in one of its spellings. */
static inline void random_literal(struct random_state *state, struct random_piece *piece, uint32_t c, bool in_class)
{
    char text[32];
    switch (random_below(state, 12)) {
    case 0:
        snprintf(text, sizeof text, "\\x{%x}", (unsigned)c);
        random_put(piece, text);
        return;
    case 1:
        snprintf(text, sizeof text, random_below(state, 2) ? "\\o{%o}" : "\\N{U+%x}", (unsigned)c);
        random_put(piece, text);
        return;
    case 2:
        if (c < 0x100) {
            snprintf(text, sizeof text, random_below(state, 2) ? "\\x%02x" : "\\%03o", (unsigned)c);
            random_put(piece, text);
            return;
        }
        break;
    case 3:
        if (c < 0x20) {
            snprintf(text, sizeof text, "\\c%c", (char)(c ^ 0x40));
            random_put(piece, text);
            return;
        }
        break;
    case 4:
        if (c != '\\') {
            random_put(piece, "\\Q");
            random_put_character(piece, c);
            random_put(piece, "\\E");
            return;
        }
        break;
    default:
        break;
    }
    bool special =
        in_class ? c < 0x80 && strchr("]\\^-[ \t&", (int)c) : c < 0x80 && strchr("\\^$.[|()?*+{# \t\n\r\v\f", (int)c);
    if (special && (c != '{' || random_below(state, 2))) {
        random_put(piece, "\\");
    }
    random_put_character(piece, c);
}

static inline void random_type(struct random_state *state, struct random_piece *piece)
{
    static const char *const types[] = {"\\d",    "\\D",    "\\w",      "\\W",      "\\s",      "\\S",
                                        "\\h",    "\\H",    "\\v",      "\\V",      "\\N",      ".",
                                        "\\p{L}", "\\P{L}", "\\p{Lu}",  "\\pN",     "\\p{^Ll}", "\\p{Cyrillic}",
                                        "\\R",    "\\X",    "\\p{Xps}", "\\p{Any}", "\\p{L&}",  "\\p{Greek}"};
    const char *type = RANDOM_FROM(state, types);
    random_put(piece, type);
    for (int i = 0; i < RANDOM_SAMPLES; i++) {
        uint32_t c = random_character(state);
        switch (type[1]) {
        case 'd':
            c = RANDOM_FROM(state, random_digits);
            break;
        case 'w':
        case 'W':
        case 'D':
            c = type[1] == 'w' ? RANDOM_FROM(state, random_words) : c;
            break;
        case 's':
        case 'h':
        case 'v':
        case 'R':
            c = RANDOM_FROM(state, random_spaces);
            if (type[1] == 'R' && random_below(state, 2)) {
                random_sample(piece, i, '\r');
                c = '\n';
            }
            break;
        case 'X':
            random_sample(piece, i, c);
            c = 0x301;
            break;
        default:
            break;
        }
        random_sample(piece, i, c);
    }
}

static inline void random_class(struct random_state *state, struct random_piece *piece)
{
    static const char *const posix[] = {"[:alpha:]",  "[:lower:]",  "[:upper:]", "[:alnum:]",  "[:ascii:]",
                                        "[:blank:]",  "[:cntrl:]",  "[:digit:]", "[:graph:]",  "[:print:]",
                                        "[:punct:]",  "[:space:]",  "[:word:]",  "[:xdigit:]", "[:^alpha:]",
                                        "[:^lower:]", "[:^space:]", "[:^ascii:]"};
    bool negated = random_below(state, 4) == 0;
    random_put(piece, negated ? "[^" : "[");
    if (random_below(state, 12) == 0) {
        random_put(piece, "]");
    }
    uint32_t parts = 1 + random_below(state, 3), members[8], count = 0;
    for (uint32_t i = 0; i < parts; i++) {
        uint32_t c = random_character(state);
        switch (random_below(state, 7)) {
        case 0: {
            uint32_t last = c + random_below(state, random_below(state, 3) ? 30 : 3000);
            if (c < 0xD800 && last < 0xD800) {
                random_literal(state, piece, c, true);
                random_put(piece, "-");
                random_literal(state, piece, last, true);
                members[count++] = c + random_below(state, last - c + 1);
                break;
            }
            break;
        }
        case 1: {
            struct random_piece *type = calloc(1, sizeof *type);
            if (!type) {
                abort();
            }
            random_type(state, type);
            if (type->pattern[0] == '\\' && !strchr("NRX", type->pattern[1])) {
                random_put_piece(piece, type);
                members[count++] = type->sample[0][0];
            }
            free(type);
            break;
        }
        case 2:
            random_put(piece, RANDOM_FROM(state, posix));
            members[count++] = random_character(state);
            break;
        case 3:
            random_put(piece, i + 1 == parts ? "-" : "\\b");
            members[count++] = i + 1 == parts ? '-' : 8;
            break;
        default:
            random_literal(state, piece, c, true);
            members[count++] = c;
            break;
        }
    }
    if (count == 0) {
        random_put(piece, "a");
        members[count++] = 'a';
    }
    random_put(piece, "]");
    for (int i = 0; i < RANDOM_SAMPLES; i++) {
        uint32_t c = negated ? random_character(state) : members[random_below(state, count)];
        random_sample(piece, i, random_other_case(state, c));
    }
}

static inline void random_choice(struct random_state *state, struct random_piece *piece, int depth);

static inline void random_group(struct random_state *state, struct random_piece *piece, int depth)
{
    static const char *const opens[] = {
        "(",    "(",     "(?:",    "(?:",       "(?>", "(?i:", "(?-i:", "(?s:", "(?-s:", "(?m:", "(?|", "(?^:",
        "(?x:", "(?xx:", "(?i-s:", "(*atomic:", "(?=", "(?!",  "(?<=",  "(?<!", "(?U:",  "(?n:", "(?*", "(*napla:"};
    const char *open = RANDOM_FROM(state, opens);
    bool nothing = strcmp(open, "(*napla:") == 0 || (open[1] == '?' && strchr("=!<*", open[2])); /* look-arounds */
    state->groups += open[1] == '\0';
    struct random_piece *inner = calloc(1, sizeof *inner);
    if (!inner) {
        abort();
    }
    random_choice(state, inner, depth + 1);
    random_put(piece, open);
    random_put_piece(piece, inner);
    random_put(piece, ")");
    for (int i = 0; i < RANDOM_SAMPLES && !nothing; i++) {
        random_sample_piece(piece, i, inner, i);
    }
    free(inner);
}

/* Things that are rare in rules, or take no text. */
static inline void random_oddity(struct random_state *state, struct random_piece *piece, int depth)
{
    static const char *const texts[] = {"\\b",      "\\b",     "\\b",       "\\b",      "^",       "$",        "\\A",
                                        "\\Z",      "\\z",     "\\G",       "\\B",      "\\K",     "(?#a)b)",  "(?i)",
                                        "(?-i)",    "(?s)",    "(?-s)",     "(?m)",     "(?x)",    "(?-x) #a", "(?^)",
                                        "(*PRUNE)", "(*SKIP)", "(*COMMIT)", "(*FAIL)",  "(*THEN)", "\\E",      "\\Q\\E",
                                        "[[:<:]]",  "[[:>:]]", "(*ACCEPT)", "(?xx) \t", "\\11",    "\\0",      "\\8"};
    uint32_t kind = random_below(state, 8);
    char text[40];
    if (kind == 0 && state->groups > 0) {
        static const char *const references[][2] = {{"\\", ""}, {"\\g{", "}"}, {"\\g", ""}, {"(?", ")"}, {"\\g<", ">"}};
        uint32_t which = random_below(state, 5);
        snprintf(text, sizeof text, "%s%d%s", references[which][0],
                 1 + (int)random_below(state, (uint32_t)state->groups), references[which][1]);
        random_put(piece, text);
        random_same_sample(state, piece, random_character(state));
        return;
    }
    if (kind == 1 && state->groups > 0 && depth < 3) {
        struct random_piece *inner = calloc(2, sizeof *inner);
        if (!inner) {
            abort();
        }
        random_choice(state, inner, 3);
        random_choice(state, inner + 1, 3);
        random_put(piece, "(?(1)");
        random_put_piece(piece, inner);
        bool two = !memchr(inner->pattern, '|', inner->size) && !memchr(inner[1].pattern, '|', inner[1].size);
        if (two) {
            random_put(piece, "|");
            random_put_piece(piece, inner + 1);
        }
        random_put(piece, ")");
        for (int i = 0; i < RANDOM_SAMPLES; i++) {
            random_sample_piece(piece, i, inner + (two && i % 2), i);
        }
        free(inner);
        return;
    }
    random_put(piece, RANDOM_FROM(state, texts));
}

static inline void random_item(struct random_state *state, struct random_piece *piece, int depth)
{
    uint32_t kind = random_below(state, 20);
    if (kind < 9) {
        uint32_t c = random_character(state);
        random_literal(state, piece, c, false);
        random_same_sample(state, piece, c);
    } else if (kind < 12) {
        random_type(state, piece);
    } else if (kind < 14) {
        random_class(state, piece);
    } else if (kind < 17 && depth < 4) {
        random_group(state, piece, depth);
    } else {
        random_oddity(state, piece, depth);
    }
}

static inline void random_repeated(struct random_state *state, struct random_piece *piece, int depth)
{
    static const struct {
        const char *text;
        uint32_t min, max;
    } repeats[] = {{"*", 0, 3},      {"+", 1, 3},      {"?", 0, 1},      {"{2}", 2, 2},     {"{1,3}", 1, 3},
                   {"{0,2}", 0, 2},  {"{2,}", 2, 4},   {"*?", 0, 2},     {"+?", 1, 2},      {"??", 0, 1},
                   {"{1,4}?", 1, 4}, {"*+", 0, 3},     {"++", 1, 3},     {"?+", 0, 1},      {"{0,40}", 0, 5},
                   {"{,3}", 1, 1},   {"{0}", 0, 0},    {"{3,9}", 3, 9},  {"{ 1,2 }", 1, 1}, {"{x", 1, 1},
                   {"{1}", 1, 1},    {"{12}", 12, 12}, {"{5,300}", 5, 9}};
    if (random_below(state, 3) > 0) {
        random_item(state, piece, depth);
        return;
    }
    struct random_piece *inner = calloc(1, sizeof *inner);
    if (!inner) {
        abort();
    }
    random_item(state, inner, depth);
    uint32_t which = random_below(state, sizeof repeats / sizeof *repeats);
    random_put_piece(piece, inner);
    random_put(piece, repeats[which].text);
    for (int i = 0; i < RANDOM_SAMPLES; i++) {
        uint32_t count = repeats[which].min + random_below(state, repeats[which].max - repeats[which].min + 1);
        for (uint32_t n = 0; n < count; n++) {
            random_sample_piece(piece, i, inner, (int)((uint32_t)i + n) % RANDOM_SAMPLES);
        }
        const char *literal =
            repeats[which].text[1] == ',' || repeats[which].text[1] == ' ' || repeats[which].text[1] == 'x'
                ? repeats[which].text
                : "";
        for (; *literal; literal++) {
            random_sample(piece, i, (uint8_t)*literal);
        }
    }
    free(inner);
}

static inline void random_choice(struct random_state *state, struct random_piece *piece, int depth)
{
    uint32_t alternatives = random_below(state, 4) == 0 ? 2 + random_below(state, 2) : 1;
    int chosen[RANDOM_SAMPLES];
    for (int i = 0; i < RANDOM_SAMPLES; i++) {
        chosen[i] = (int)random_below(state, alternatives);
    }
    struct random_piece *part = calloc(1, sizeof *part);
    if (!part) {
        abort();
    }
    for (uint32_t a = 0; a < alternatives; a++) {
        if (a > 0) {
            random_put(piece, "|");
        }
        uint32_t items = depth == 0 ? 1 + random_below(state, 6) : random_below(state, 4);
        for (uint32_t n = 0; n < items; n++) {
            memset(part, 0, sizeof *part);
            random_repeated(state, part, depth);
            random_put_piece(piece, part);
            for (int i = 0; i < RANDOM_SAMPLES; i++) {
                if (chosen[i] == (int)a) {
                    random_sample_piece(piece, i, part, i);
                }
            }
        }
    }
    free(part);
}

/* Sample i with something around it and perhaps changed a little, as UTF-8; `ret_text` has room for 1024 bytes. */
static inline size_t random_text(struct random_state *state, const struct random_piece *piece, int i, uint8_t *ret_text)
{
    uint32_t text[RANDOM_SAMPLE_MAX + 16], count = 0;
    for (uint32_t n = random_below(state, 5); n-- > 0;) {
        text[count++] = random_character(state);
    }
    for (uint32_t n = 0; n < piece->length[i]; n++) {
        uint32_t change = random_below(state, 60);
        if (change > 0) {
            text[count++] = change == 1 ? random_character(state) : piece->sample[i][n];
        }
    }
    for (uint32_t n = random_below(state, 5); n-- > 0;) {
        text[count++] = random_character(state);
    }
    size_t size = 0;
    for (uint32_t n = 0; n < count; n++) {
        uint32_t c = text[n] >= 0xD800 && text[n] < 0xE000 ? 0xFFFD : text[n] > 0x10FFFF ? 0x10FFFF : text[n];
        size += random_encode(c, ret_text + size);
    }
    return size;
}

#endif
