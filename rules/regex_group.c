#include "rules/regex_reader.h"

/* The rest of a group up to and with its closing parenthesis. */
static struct regex_node *read_body(struct regex_reader *reader)
{
    struct regex_node *body = regex_reader_choice(reader, NULL);
    if (!body) {
        return NULL;
    }
    if (reader->at >= reader->end) {
        return regex_reader_fail(reader, STATUS_UNSUPPORTED);
    }
    reader->at++;
    return body;
}

/* A look-around requires nothing of the text that is taken. */
static struct regex_node *read_look_around(struct regex_reader *reader)
{
    return read_body(reader) ? regex_reader_loose(reader, NODE_EMPTY) : NULL;
}

/* A reference, or the call of a group, up to its closing parenthesis. */
static struct regex_node *read_call(struct regex_reader *reader)
{
    if (!regex_reader_skip_past(reader, ')')) {
        return regex_reader_fail(reader, STATUS_UNSUPPORTED);
    }
    return regex_reader_loose(reader, NODE_ANY);
}

static struct regex_node *read_named(struct regex_reader *reader, uint8_t end)
{
    if (!regex_reader_skip_past(reader, end)) {
        return regex_reader_fail(reader, STATUS_UNSUPPORTED);
    }
    return read_body(reader);
}

static bool is_one_of(struct span word, const char *const *list)
{
    for (; *list; list++) {
        if (span_equal(word, span_text(*list))) {
            return true;
        }
    }
    return false;
}

/*
 * (*name:...) with a name in small letters is a group. A verb in capitals only takes matches away, except (*ACCEPT),
 * which ends a match early. `at` stands behind the asterisk.
 */
static struct regex_node *read_verb(struct regex_reader *reader)
{
    static const char *const groups[] = {"atomic", "sr", "script_run", "asr", "atomic_script_run", NULL};
    static const char *const look_arounds[] = {"pla",
                                               "plb",
                                               "nla",
                                               "nlb",
                                               "napla",
                                               "naplb",
                                               "positive_lookahead",
                                               "positive_lookbehind",
                                               "negative_lookahead",
                                               "negative_lookbehind",
                                               "non_atomic_positive_lookahead",
                                               "non_atomic_positive_lookbehind",
                                               NULL};
    static const char *const verbs[] = {"", "MARK", "COMMIT", "PRUNE", "SKIP", "THEN", "F", "FAIL", NULL};
    const uint8_t *start = reader->at;
    while (reader->at < reader->end && *reader->at != ':' && *reader->at != ')') {
        reader->at++;
    }
    struct span name = span_of(start, (size_t)(reader->at - start));
    if (regex_reader_sees(reader, ":") && is_one_of(name, groups)) {
        reader->loose = true;
        reader->at++;
        return read_body(reader);
    }
    if (regex_reader_sees(reader, ":") && is_one_of(name, look_arounds)) {
        reader->at++;
        return read_look_around(reader);
    }
    if (!is_one_of(name, verbs) || !regex_reader_skip_past(reader, ')')) {
        return regex_reader_fail(reader, STATUS_UNSUPPORTED);
    }
    return regex_reader_loose(reader, NODE_EMPTY);
}

/* (?(condition)yes|no). `at` stands on the second opening parenthesis. */
static struct regex_node *read_conditional(struct regex_reader *reader)
{
    reader->loose = true;
    reader->at++;
    if (regex_reader_sees(reader, "?") || regex_reader_sees(reader, "*")) {
        if (!regex_reader_group(reader)) { /* an assertion */
            return NULL;
        }
    } else if (!regex_reader_skip_past(reader, ')')) {
        return regex_reader_fail(reader, STATUS_UNSUPPORTED);
    }
    uint32_t count = 0;
    struct regex_node *body = regex_reader_choice(reader, &count);
    if (!body || reader->at >= reader->end) {
        return regex_reader_fail(reader, STATUS_UNSUPPORTED);
    }
    reader->at++;
    if (count > 1) {
        return body;
    }
    struct regex_node *choice = regex_reader_node(reader, NODE_CHOICE);
    struct regex_node *empty = regex_reader_node(reader, NODE_EMPTY);
    if (!choice || !empty) {
        return NULL;
    }
    choice->first = body;
    body->next = empty;
    regex_reader_close(choice);
    return choice;
}

/* One run of option letters. False at a letter that is not known. What one "xx" in the run says, a single x does not undo. */
static bool read_letters(struct regex_reader *reader, struct regex_options *options, bool on)
{
    bool more = false;
    for (; reader->at < reader->end; reader->at++) {
        switch (*reader->at) {
        case 'i':
            options->caseless = on;
            break;
        case 's':
            options->dotall = on;
            break;
        case 'x':
            if (regex_reader_sees(reader, "xx")) {
                more = true;
                reader->at++;
            }
            options->extended = on;
            options->extended_more = on && more;
            break;
        case 'm': /* of no concern to the tree */
        case 'n':
        case 'J':
        case 'U':
            break;
        default:
            return *reader->at == '-' || *reader->at == ')' || *reader->at == ':';
        }
    }
    return false;
}

/* (?i-s) or (?i-s:...). `at` stands behind the question mark. */
static struct regex_node *read_options(struct regex_reader *reader)
{
    struct regex_options before = reader->options, options = before;
    if (regex_reader_sees(reader, "^")) {
        options = (struct regex_options){.caseless = false};
        reader->at++;
    }
    if (!read_letters(reader, &options, true)) {
        return regex_reader_fail(reader, STATUS_UNSUPPORTED);
    }
    if (*reader->at == '-') {
        reader->at++;
        if (!read_letters(reader, &options, false) || *reader->at == '-') {
            return regex_reader_fail(reader, STATUS_UNSUPPORTED);
        }
    }
    reader->options = options;
    if (*reader->at++ == ')') {
        return regex_reader_node(reader, NODE_EMPTY);
    }
    struct regex_node *body = read_body(reader);
    reader->options = before;
    return body;
}

/* (?P...): `at` stands behind the P. */
static struct regex_node *read_python(struct regex_reader *reader)
{
    if (regex_reader_sees(reader, "<")) {
        return read_named(reader, '>');
    }
    if (regex_reader_sees(reader, "=") || regex_reader_sees(reader, ">")) {
        return read_call(reader);
    }
    return regex_reader_fail(reader, STATUS_UNSUPPORTED);
}

/* (?...): `at` stands behind the question mark. */
static struct regex_node *read_special(struct regex_reader *reader)
{
    uint8_t kind = reader->at < reader->end ? *reader->at : 0;
    uint8_t after = reader->end - reader->at >= 2 ? reader->at[1] : 0;
    switch (kind) {
    case ':':
    case '|':
    case '>':
        reader->loose |= kind == '>'; /* atomic */
        reader->at++;
        return read_body(reader);
    case '=':
    case '!':
    case '*':
        reader->at++;
        return read_look_around(reader);
    case '<':
        reader->at++;
        if (after == '=' || after == '!' || after == '*') {
            reader->at++;
            return read_look_around(reader);
        }
        return read_named(reader, '>');
    case '\'':
        reader->at++;
        return read_named(reader, '\'');
    case 'P':
        reader->at++;
        return read_python(reader);
    case '(':
        return read_conditional(reader);
    case 'R':
    case '&':
    case '+':
        return read_call(reader);
    default:
        if ((kind >= '0' && kind <= '9') || (kind == '-' && after >= '0' && after <= '9')) {
            return read_call(reader);
        }
        return read_options(reader);
    }
}

struct regex_node *regex_reader_group(struct regex_reader *reader)
{
    reader->group_count++;
    if (regex_reader_sees(reader, "*")) {
        reader->at++;
        return read_verb(reader);
    }
    if (regex_reader_sees(reader, "?")) {
        reader->at++;
        return read_special(reader);
    }
    return read_body(reader);
}
