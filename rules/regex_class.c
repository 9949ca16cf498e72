#include "rules/regex_reader.h"

/* The range that is being read. A type such as \d ends it; \Q, \E and skipped spaces do not. */
enum range { RANGE_NONE, RANGE_BEGUN /* one character */, RANGE_DASH /* and its hyphen */ };

struct class_state {
    bool quoted;
    bool doubtful; /* see read_posix */
    uint32_t parts;
    enum range range;
    uint32_t first; /* RANGE_BEGUN and RANGE_DASH */
};

/* [: :] [. .] [= =]: `at` stands on the character behind the bracket. NULL, or the character that ends the name. */
static const uint8_t *find_posix_end(const uint8_t *at, const uint8_t *end)
{
    uint8_t mark = *at++;
    for (; end - at >= 2; at++) {
        if (*at == '\\' && (at[1] == ']' || at[1] == '\\')) {
            at++;
        } else if ((*at == '[' && at[1] == mark) || *at == ']') {
            return NULL;
        } else if (*at == mark && at[1] == ']') {
            return at;
        }
    }
    return NULL;
}

/*
 * If a POSIX class begins at `at` (behind its bracket), adds it. The machine code of PCRE2 10.42 loses what stands
 * beside
 * [:graph:] and [:print:] in a class, as in [[:graph:]\s], and the interpreter does not: such a class is doubtful.
 */
static bool read_posix(struct regex_reader *reader, struct class_state *state)
{
    if (reader->end - reader->at < 3 || (*reader->at != ':' && *reader->at != '.' && *reader->at != '=')) {
        return false;
    }
    const uint8_t *end = find_posix_end(reader->at, reader->end);
    if (!end) {
        return false;
    }
    const uint8_t *name = reader->at + 1;
    bool negated = name < end && *name == '^';
    name += negated;
    struct span word = span_of(name, (size_t)(end - name));
    state->doubtful |= span_equal(word, span_text("graph")) || span_equal(word, span_text("print"));
    bool cased = span_equal(word, span_text("lower")) || span_equal(word, span_text("upper"));
    if (cased && reader->options.caseless) { /* what that means differs between versions of PCRE2: ask it */
        const uint8_t *open = reader->at - 1;
        enum status status = regex_set_add_property(&reader->set, span_of(open, (size_t)(end + 2 - open)), true, true);
        if (status != STATUS_OK) {
            regex_reader_fail(reader, status);
        }
    } else if (*reader->at != ':' || !regex_set_add_posix(&reader->set, word, negated)) {
        regex_reader_fail(reader, STATUS_UNSUPPORTED);
    }
    reader->at = end + 2;
    return true;
}

static void add_character(struct regex_reader *reader, struct class_state *state, uint32_t c)
{
    if (state->range == RANGE_DASH) {
        if (c < state->first) {
            regex_reader_fail(reader, STATUS_UNSUPPORTED);
            return;
        }
        regex_set_add(&reader->set, state->first, c, reader->options.caseless);
        state->range = RANGE_NONE;
    } else {
        regex_set_add(&reader->set, c, c, reader->options.caseless);
        state->first = c;
        state->range = RANGE_BEGUN;
    }
}

/* What follows a backslash inside the class. */
static void read_class_escape(struct regex_reader *reader, struct class_state *state)
{
    uint32_t c;
    char letter;
    if (regex_reader_escaped(reader, true, &c, &letter)) {
        add_character(reader, state, c);
        return;
    }
    if (letter == 'b') {
        add_character(reader, state, 0x08);
    } else if (letter == 'Q' || letter == 'E') {
        state->quoted = letter == 'Q';
    } else if (state->range == RANGE_DASH || letter == '\0' || !strchr("dDhHpPsSvVwW", letter)) {
        regex_reader_fail(reader, STATUS_UNSUPPORTED);
    } else {
        state->range = RANGE_NONE;
        if (letter == 'p' || letter == 'P') {
            regex_reader_property(reader, true);
        } else {
            regex_set_add_type(&reader->set, letter);
        }
    }
}

/* Skips what may stand before the first real character; returns whether a ^ was among it. */
static bool read_class_start(struct regex_reader *reader)
{
    bool negated = false;
    while (reader->at < reader->end) {
        if (regex_reader_sees(reader, "\\E")) {
            reader->at += 2;
        } else if (regex_reader_sees(reader, "\\Q\\E")) {
            reader->at += 4;
        } else if (reader->options.extended_more && (*reader->at == ' ' || *reader->at == '\t')) {
            reader->at++;
        } else if (!negated && *reader->at == '^') {
            negated = true;
            reader->at++;
        } else {
            break;
        }
    }
    return negated;
}

/* One character of the class or what it begins. */
static void read_class_part(struct regex_reader *reader, struct class_state *state)
{
    uint32_t c = regex_reader_take(reader);
    state->parts++;
    if (state->quoted) {
        if (c == '\\' && regex_reader_sees(reader, "E")) {
            reader->at++;
            state->quoted = false;
        } else {
            add_character(reader, state, c);
        }
    } else if (reader->options.extended_more && (c == ' ' || c == '\t')) {
        return;
    } else if (c == '[' && read_posix(reader, state)) {
        if (state->range == RANGE_DASH) {
            regex_reader_fail(reader, STATUS_UNSUPPORTED);
        }
        state->range = RANGE_NONE;
    } else if (c == '-' && state->range == RANGE_BEGUN) {
        state->range = RANGE_DASH;
    } else if (c == '\\') {
        read_class_escape(reader, state);
    } else {
        add_character(reader, state, c);
    }
}

struct regex_node *regex_reader_class(struct regex_reader *reader)
{
    if (regex_reader_sees(reader, "[:<:]]") || regex_reader_sees(reader, "[:>:]]")) {
        reader->at += 6; /* start and end of a word: \b and a look-around */
        return regex_reader_loose(reader, NODE_EDGE);
    }
    bool negated = read_class_start(reader);
    struct class_state state = {.range = RANGE_NONE};
    regex_set_clear(&reader->set);
    for (bool first = true; reader->status == STATUS_OK; first = false) {
        if (reader->at >= reader->end) {
            return regex_reader_fail(reader, STATUS_UNSUPPORTED);
        }
        if (*reader->at == ']' && !first && !state.quoted) {
            reader->at++;
            break;
        }
        read_class_part(reader, &state);
    }
    if (state.range == RANGE_DASH) { /* at the end it is a character */
        regex_set_add(&reader->set, '-', '-', false);
    }
    if (negated) {
        regex_set_negate(&reader->set);
    }
    if (state.doubtful && state.parts > 1) { /* anything */
        reader->loose = true;
        regex_set_clear(&reader->set);
        regex_set_negate(&reader->set);
    }
    return regex_reader_set_node(reader);
}
