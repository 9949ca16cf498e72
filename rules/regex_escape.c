#include "rules/regex_reader.h"

static uint32_t hexadecimal(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return (uint32_t)(c - '0');
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10 : 16;
}

/* Digits of the base up to `}`: the rest of \x{...}, \o{...} and \N{U+...}. */
static bool read_braced_number(struct regex_reader *reader, uint32_t base, uint32_t *ret_character)
{
    uint32_t c = 0;
    for (; reader->at < reader->end && *reader->at != '}'; reader->at++) {
        uint32_t digit = hexadecimal(*reader->at);
        if (digit >= base || c > 0x10FFFF) {
            regex_reader_fail(reader, STATUS_UNSUPPORTED);
            return false;
        }
        c = c * base + digit;
    }
    if (reader->at >= reader->end || c > 0x10FFFF) {
        regex_reader_fail(reader, STATUS_UNSUPPORTED);
        return false;
    }
    reader->at++;
    *ret_character = c;
    return true;
}

/* Up to `digits_max` digits, perhaps none. */
static uint32_t read_short_number(struct regex_reader *reader, uint32_t base, int digits_max)
{
    uint32_t c = 0;
    while (digits_max-- > 0 && reader->at < reader->end && hexadecimal(*reader->at) < base) {
        c = c * base + hexadecimal(*reader->at++);
    }
    return c;
}

/* \cX. PCRE2 has checked that X is a printable ASCII character. */
static bool read_control(struct regex_reader *reader, uint32_t *ret_character)
{
    if (reader->at >= reader->end || *reader->at >= 0x80) {
        regex_reader_fail(reader, STATUS_UNSUPPORTED);
        return false;
    }
    uint8_t c = *reader->at++;
    c = c >= 'a' && c <= 'z' ? (uint8_t)(c ^ 0x20) : c;
    *ret_character = c ^ 0x40u;
    return true;
}

/* \a, \e and so on; 0 if the letter is none of these. */
static uint32_t simple_escape(uint32_t letter)
{
    switch (letter) {
    case 'a':
        return 0x07;
    case 'e':
        return 0x1B;
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

bool regex_reader_escaped(struct regex_reader *reader, bool in_class, uint32_t *ret_character, char *ret_letter)
{
    *ret_letter = '\0';
    if (reader->at >= reader->end) {
        regex_reader_fail(reader, STATUS_UNSUPPORTED);
        return false;
    }
    uint32_t c = regex_reader_take(reader);
    bool alphanumeric = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && c < 0x80);
    if (!alphanumeric || simple_escape(c) != 0) {
        *ret_character = alphanumeric ? simple_escape(c) : c;
        return true;
    }
    if (c == '0' || (in_class && c >= '1' && c <= '7')) {
        reader->at--;
        *ret_character = read_short_number(reader, 8, 3);
        return true;
    }
    if (in_class && (c == '8' || c == '9')) {
        *ret_character = c;
        return true;
    }
    if (c == 'c') {
        return read_control(reader, ret_character);
    }
    if (c == 'x' && !regex_reader_sees(reader, "{")) {
        *ret_character = read_short_number(reader, 16, 2);
        return true;
    }
    if (c == 'x' || (c == 'o' && regex_reader_sees(reader, "{"))) {
        reader->at++;
        return read_braced_number(reader, c == 'x' ? 16 : 8, ret_character);
    }
    if (c == 'N' && regex_reader_sees(reader, "{U+")) {
        reader->at += 3;
        return read_braced_number(reader, 16, ret_character);
    }
    *ret_letter = (char)c;
    return false;
}

void regex_reader_property(struct regex_reader *reader, bool in_class)
{
    const uint8_t *start = reader->at - 2; /* the backslash */
    reader->loose = true; /* 10.42 does not find "/9" after a space with \p{^Ll}+?\D9: it has the last word */
    if (regex_reader_sees(reader, "{")) {
        (void)regex_reader_skip_past(reader, '}');
    } else if (reader->at < reader->end) {
        (void)regex_reader_take(reader);
    }
    enum status status = regex_set_add_property(&reader->set, span_of(start, (size_t)(reader->at - start)), in_class,
                                                reader->options.caseless);
    if (status != STATUS_OK) {
        regex_reader_fail(reader, status);
    }
}

/*
 * \1 to \9 and longer: a reference to a group, or, from two digits on, a character in octal if there are not that many
 * groups. Unless that is certain, the node that may be anything takes all digits.
 */
static struct regex_node *read_number_escape(struct regex_reader *reader)
{
    const uint8_t *digits = reader->at - 1;
    uint32_t number = (uint32_t)(*digits - '0');
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
        number = number > 100000 ? number : number * 10 + (uint32_t)(*reader->at - '0');
        reader->at++;
    }
    if (number < 10 || *digits >= '8' || number <= reader->group_count) {
        return regex_reader_loose(reader, NODE_ANY);
    }
    reader->at = digits;
    return regex_reader_literal(reader, read_short_number(reader, 8, 3));
}

/* Behind \g or \k: a reference by name or number, or a call of a group. */
static struct regex_node *read_reference(struct regex_reader *reader)
{
    uint8_t open = reader->at < reader->end ? *reader->at : 0;
    if (open == '{' || open == '<' || open == '\'') {
        reader->at++;
        if (!regex_reader_skip_past(reader, open == '{' ? '}' : open == '<' ? '>' : '\'')) {
            return regex_reader_fail(reader, STATUS_UNSUPPORTED);
        }
    } else {
        if (open == '+' || open == '-') {
            reader->at++;
        }
        while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') {
            reader->at++;
        }
    }
    return regex_reader_loose(reader, NODE_ANY);
}

/* \R: the two characters CR LF, or one line end. */
static struct regex_node *read_line_end(struct regex_reader *reader)
{
    struct regex_node *choice = regex_reader_loose(reader, NODE_CHOICE); /* it is atomic */
    struct regex_node *pair = regex_reader_node(reader, NODE_SEQUENCE);
    struct regex_node *first = regex_reader_literal(reader, '\r');
    struct regex_node *second = regex_reader_literal(reader, '\n');
    regex_set_clear(&reader->set);
    regex_set_add_type(&reader->set, 'v');
    struct regex_node *one = regex_reader_set_node(reader);
    if (reader->status != STATUS_OK) {
        return NULL;
    }
    choice->first = pair;
    pair->next = one;
    pair->first = first;
    first->next = second;
    return choice;
}

/* \X: one character or more; which ones belong together is for PCRE2 to say. */
static struct regex_node *read_cluster(struct regex_reader *reader)
{
    struct regex_node *repeat = regex_reader_loose(reader, NODE_REPEAT);
    regex_set_clear(&reader->set);
    regex_set_negate(&reader->set);
    struct regex_node *one = regex_reader_set_node(reader);
    if (reader->status != STATUS_OK) {
        return NULL;
    }
    repeat->min = 1;
    repeat->max = REGEX_REPEAT_FOREVER;
    repeat->first = one;
    return repeat;
}

static struct regex_node *read_type(struct regex_reader *reader, char letter)
{
    regex_set_clear(&reader->set);
    if (letter == 'p' || letter == 'P') {
        regex_reader_property(reader, false);
    } else {
        regex_set_add_type(&reader->set, letter);
    }
    return regex_reader_set_node(reader);
}

struct regex_node *regex_reader_escape(struct regex_reader *reader)
{
    uint32_t c;
    char letter;
    if (regex_reader_escaped(reader, false, &c, &letter)) {
        return regex_reader_literal(reader, c);
    }
    switch (letter) {
    case 'A':
    case 'G':
        return regex_reader_node(reader, NODE_START);
    case 'Z':
    case 'z':
        return regex_reader_node(reader, NODE_END);
    case 'b':
        return regex_reader_node(reader, NODE_EDGE);
    case 'B':
        return regex_reader_node(reader, NODE_NOT_EDGE);
    case 'K': /* moves the reported start only: what stands before it is still required */
        return regex_reader_node(reader, NODE_EMPTY);
    case 'R':
        return read_line_end(reader);
    case 'X':
        return read_cluster(reader);
    case 'g':
    case 'k':
        return read_reference(reader);
    case 'd':
    case 'D':
    case 'h':
    case 'H':
    case 'N':
    case 'p':
    case 'P':
    case 's':
    case 'S':
    case 'v':
    case 'V':
    case 'w':
    case 'W':
        return read_type(reader, letter);
    default:
        if (letter >= '1' && letter <= '9') {
            return read_number_escape(reader);
        }
        return regex_reader_fail(reader, STATUS_UNSUPPORTED);
    }
}
