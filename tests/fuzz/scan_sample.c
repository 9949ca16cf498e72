#include "tests/fuzz/scan_sample.h"

#include <stdlib.h>
#include <string.h>

#include "text/utf8.h"

#define SIZE_MAX_BYTES 4000u
#define DEPTH_MAX 40

struct walk {
    struct random_state *state;
    struct buffer *out;
    size_t size_max;
    int depth;
};

void sample_character(uint32_t c, struct buffer *out)
{
    uint8_t bytes[4];
    c = (c >= 0xD800 && c < 0xE000) || c > 0x10FFFF ? 0xFFFD : c;
    if (buffer_append(out, bytes, utf8_encode(c, bytes)) != STATUS_OK) {
        abort();
    }
}

static uint8_t byte_at(struct span text, size_t at)
{
    return at < text.size ? text.data[at] : 0;
}

static size_t skip_class(struct span regex, size_t at)
{
    at++;
    at += byte_at(regex, at) == '^';
    at += byte_at(regex, at) == ']';
    while (at < regex.size && regex.data[at] != ']') {
        if (regex.data[at] == '\\') {
            at++;
        } else if (regex.data[at] == '[' && byte_at(regex, at + 1) == ':') {
            const uint8_t *end = memmem(regex.data + at, regex.size - at, ":]", 2);
            at = end ? (size_t)(end - regex.data) + 1 : at;
        }
        at++;
    }
    return at < regex.size ? at + 1 : regex.size;
}

/* Behind the group that begins at `at`. */
static size_t skip_group(struct span regex, size_t at)
{
    int depth = 0;
    while (at < regex.size) {
        switch (regex.data[at]) {
        case '\\':
            at++;
            break;
        case '[':
            at = skip_class(regex, at) - 1;
            break;
        case '(':
            depth++;
            break;
        case ')':
            if (--depth == 0) {
                return at + 1;
            }
            break;
        default:
            break;
        }
        at++;
    }
    return regex.size;
}

static uint32_t any_character(struct walk *walk)
{
    return random_below(walk->state, 8) ? RANDOM_FROM(walk->state, random_ascii_words) : random_character(walk->state);
}

static void emit(struct walk *walk, uint32_t c)
{
    if (walk->out->size < walk->size_max) {
        sample_character(random_below(walk->state, 6) ? c : random_other_case(walk->state, c), walk->out);
    }
}

/* \x{..}, \xNN, \N{U+..}, \o{..} and octal; false if it is none of them. */
static bool number_escape(struct span regex, size_t *at, uint32_t *ret_character)
{
    uint8_t kind = byte_at(regex, *at);
    char digits[12] = "";
    size_t count = 0, from = *at + 1;
    bool braces = byte_at(regex, from) == '{';
    int base = kind == 'o' || (kind >= '0' && kind <= '7') ? 8 : 16;
    if (kind == 'N' && byte_at(regex, from + 1) == 'U') {
        from += 3;
    } else if (kind == 'x' || kind == 'o') {
        from += braces;
    } else if (kind == '0') {
        from = *at;
        braces = false;
    } else {
        return false;
    }
    while (count < (braces      ? 10u
                    : base == 8 ? 3u
                                : 2u) &&
           from < regex.size && regex.data[from] &&
           strchr(base == 8 ? "01234567" : "0123456789abcdefABCDEF", regex.data[from])) {
        digits[count++] = (char)regex.data[from++];
    }
    *at = from + braces;
    *ret_character = (uint32_t)strtoul(digits, NULL, base);
    return true;
}

/* What stands behind a backslash at `at`. */
static uint32_t escape_character(struct walk *walk, struct span regex, size_t *at, bool *ret_nothing)
{
    uint32_t c;
    *ret_nothing = false;
    if (number_escape(regex, at, &c)) {
        return c;
    }
    uint8_t kind = byte_at(regex, (*at)++);
    switch (kind) {
    case 'd':
        return random_below(walk->state, 8) ? '0' + random_below(walk->state, 10)
                                            : RANDOM_FROM(walk->state, random_digits);
    case 'w':
        return RANDOM_FROM(walk->state, random_words);
    case 's':
    case 'h':
        return random_below(walk->state, 2) ? ' ' : RANDOM_FROM(walk->state, random_spaces);
    case 'v':
    case 'R':
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'W':
    case 'N':
        return random_below(walk->state, 2) ? '.' : ' ';
    case 'D':
    case 'S':
    case 'X':
    case 'H':
    case 'V':
        return any_character(walk);
    case 'p':
    case 'P':
        if (byte_at(regex, *at) == '{') {
            const uint8_t *end = memchr(regex.data + *at, '}', regex.size - *at);
            *at = end ? (size_t)(end - regex.data) + 1 : regex.size;
        } else {
            (*at)++;
        }
        return any_character(walk);
    default:
        *ret_nothing = (kind >= '1' && kind <= '9') || (kind < 0x80 && kind && strchr("bBAzZGKEQgk", kind));
        return kind;
    }
}

/* One member of a class, near enough. */
static void emit_class(struct walk *walk, struct span regex, size_t at, size_t end)
{
    uint32_t members[64], count = 0, c;
    bool nothing, negated = byte_at(regex, at + 1) == '^';
    for (at += 1 + negated; at + 1 < end && count < 60;) {
        if (regex.data[at] == '\\') {
            at++;
            members[count++] = escape_character(walk, regex, &at, &nothing);
        } else {
            at += utf8_decode(span_of(regex.data + at, end - at), &c);
            members[count++] = c;
        }
        if (byte_at(regex, at) == '-' && at + 2 < end && regex.data[at + 1] != '\\') {
            at += 1 + utf8_decode(span_of(regex.data + at + 1, end - at - 1), &c);
            uint32_t low = members[count - 1];
            members[count - 1] = c > low ? low + random_below(walk->state, c - low + 1) : c;
        }
    }
    emit(walk, negated || count == 0 ? any_character(walk) : members[random_below(walk->state, count)]);
}

/* How often the item before `at` is to come. */
static uint32_t read_count(struct walk *walk, struct span regex, size_t *at)
{
    uint32_t count = 1;
    size_t end = *at;
    char *rest;
    switch (byte_at(regex, *at)) {
    case '*':
        count = random_below(walk->state, 4);
        break;
    case '+':
        count = 1 + random_below(walk->state, 3);
        break;
    case '?':
        count = random_below(walk->state, 2);
        break;
    case '{': {
        const uint8_t *close = memchr(regex.data + *at, '}', regex.size - *at);
        char text[24] = "";
        size_t size = close ? (size_t)(close - regex.data) - *at - 1 : 0;
        if (!close || size == 0 || size >= sizeof text || regex.data[*at + 1] < '0' || regex.data[*at + 1] > '9') {
            return 1;
        }
        memcpy(text, regex.data + *at + 1, size);
        uint32_t low = (uint32_t)strtoul(text, &rest, 10);
        uint32_t high = *rest != ',' ? low : rest[1] ? (uint32_t)strtoul(rest + 1, NULL, 10) : low + 3;
        high = high < low ? low : random_below(walk->state, 4) && high > low + 3 ? low + 3 : high;
        count = low + random_below(walk->state, high - low + 1);
        count = count > 400 ? 400 : count;
        end = (size_t)(close - regex.data);
        break;
    }
    default:
        return 1;
    }
    *at = end + 1;
    if (byte_at(regex, *at) == '?' || byte_at(regex, *at) == '+') {
        (*at)++;
    }
    return count;
}

static void walk_choice(struct walk *walk, struct span regex);

static void emit_group(struct walk *walk, struct span regex, size_t at, size_t end)
{
    size_t from = at + 1;
    if (byte_at(regex, from) == '*' || (byte_at(regex, from) == '?' && byte_at(regex, from + 1) == '#')) {
        return;
    }
    if (byte_at(regex, from) == '?') {
        uint8_t kind = byte_at(regex, from + 1), next = byte_at(regex, from + 2);
        if (kind == '!' || (kind == '<' && (next == '!' || next == '='))) {
            return;
        }
        if (kind == '=' && random_below(walk->state, 2)) {
            return;
        }
        while (from < end && regex.data[from] != ':' && regex.data[from] != '>' && regex.data[from] != '=' &&
               regex.data[from] != '|' && regex.data[from] != ')') {
            from++;
        }
        from++;
    }
    if (end > from) {
        walk_choice(walk, span_of(regex.data + from, end - 1 - from));
    }
}

static void walk_sequence(struct walk *walk, struct span regex)
{
    for (size_t at = 0; at < regex.size && walk->out->size < walk->size_max;) {
        size_t start = at, end;
        uint32_t c = regex.data[at];
        bool nothing = c == '^' || c == '$';
        if (c == '\\') {
            end = at + 1;
            (void)escape_character(walk, regex, &end, &nothing);
        } else if (c == '[') {
            end = skip_class(regex, at);
        } else if (c == '(') {
            end = skip_group(regex, at);
        } else {
            end = at + utf8_decode(span_of(regex.data + at, regex.size - at), &c);
        }
        at = end;
        uint32_t count = read_count(walk, regex, &at);
        for (uint32_t i = 0; i < count && !nothing; i++) {
            size_t inside = start + 1;
            if (regex.data[start] == '\\') {
                emit(walk, escape_character(walk, regex, &inside, &nothing));
            } else if (regex.data[start] == '[') {
                emit_class(walk, regex, start, end);
            } else if (regex.data[start] == '(') {
                emit_group(walk, regex, start, end);
            } else {
                emit(walk, regex.data[start] == '.' ? any_character(walk) : c);
            }
        }
    }
}

static void walk_choice(struct walk *walk, struct span regex)
{
    size_t starts[64] = {0};
    uint32_t count = 1;
    if (++walk->depth > DEPTH_MAX) {
        walk->depth--;
        return;
    }
    for (size_t at = 0; at < regex.size;) {
        switch (regex.data[at]) {
        case '\\':
            at += 2;
            break;
        case '[':
            at = skip_class(regex, at);
            break;
        case '(':
            at = skip_group(regex, at);
            break;
        case '|':
            at++;
            if (count < 63) {
                starts[count++] = at;
            }
            break;
        default:
            at++;
        }
    }
    starts[count] = regex.size + 1;
    uint32_t chosen = random_below(walk->state, count);
    size_t from = starts[chosen] < regex.size ? starts[chosen] : regex.size;
    size_t to = count == 63 && chosen == 62 ? regex.size : starts[chosen + 1] - 1;
    if (to > from && to <= regex.size) {
        walk_sequence(walk, span_of(regex.data + from, to - from));
    }
    walk->depth--;
}

void sample_regex(struct random_state *state, struct span regex, struct buffer *out)
{
    struct walk walk = {.state = state, .out = out, .size_max = out->size + SIZE_MAX_BYTES};
    walk_choice(&walk, regex);
}
