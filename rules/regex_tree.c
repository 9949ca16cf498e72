#include "rules/regex_tree.h"

#include <stdlib.h>

#include "rules/regex_reader.h"

struct regex_node *regex_reader_fail(struct regex_reader *reader, enum status status)
{
    if (reader->status == STATUS_OK) {
        reader->status = status;
    }
    return NULL;
}

struct regex_node *regex_reader_node(struct regex_reader *reader, enum regex_node_type type)
{
    if (reader->status != STATUS_OK) {
        return NULL;
    }
    if (reader->node_count == REGEX_TREE_NODES_MAX) {
        return regex_reader_fail(reader, STATUS_LIMIT);
    }
    struct regex_node *node = arena_array(reader->arena, 1, sizeof *node);
    if (!node) {
        return regex_reader_fail(reader, STATUS_NO_MEMORY);
    }
    reader->node_count++;
    node->type = type;
    node->empty_freely = type == NODE_EMPTY || type == NODE_ANY;
    node->empty =
        node->empty_freely || type == NODE_START || type == NODE_END || type == NODE_EDGE || type == NODE_NOT_EDGE;
    return node;
}

struct regex_node *regex_reader_loose(struct regex_reader *reader, enum regex_node_type type)
{
    reader->loose = true;
    return regex_reader_node(reader, type);
}

void regex_reader_close(struct regex_node *node)
{
    if (node->type == NODE_REPEAT) {
        node->empty = node->min == 0 || node->first->empty;
        node->empty_freely = node->min == 0 || node->first->empty_freely;
        return;
    }
    bool all = node->type == NODE_SEQUENCE; /* of a choice, one child is enough */
    node->empty = node->empty_freely = all;
    for (const struct regex_node *child = node->first; child; child = child->next) {
        if (child->empty != all) {
            node->empty = !all;
        }
        if (child->empty_freely != all) {
            node->empty_freely = !all;
        }
    }
}

struct regex_node *regex_reader_set_node(struct regex_reader *reader)
{
    struct regex_node *node = regex_reader_node(reader, NODE_CHARACTERS);
    if (!node) {
        return NULL;
    }
    enum status status = regex_set_finish(&reader->set, reader->arena, &node->set);
    return status == STATUS_OK ? node : regex_reader_fail(reader, status);
}

struct regex_node *regex_reader_literal(struct regex_reader *reader, uint32_t character)
{
    regex_set_clear(&reader->set);
    regex_set_add(&reader->set, character, character, reader->options.caseless);
    return regex_reader_set_node(reader);
}

bool regex_reader_sees(const struct regex_reader *reader, const char *text)
{
    size_t size = strlen(text);
    return (size_t)(reader->end - reader->at) >= size && memcmp(reader->at, text, size) == 0;
}

uint32_t regex_reader_take(struct regex_reader *reader)
{
    uint32_t c = *reader->at++;
    if (c < 0x80) {
        return c;
    }
    int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
    c &= 0x3Fu >> more;
    while (more-- > 0 && reader->at < reader->end) {
        c = c << 6 | (*reader->at++ & 0x3Fu);
    }
    return c;
}

bool regex_reader_skip_past(struct regex_reader *reader, uint8_t byte)
{
    const uint8_t *found =
        reader->at < reader->end ? memchr(reader->at, byte, (size_t)(reader->end - reader->at)) : NULL;
    reader->at = found ? found + 1 : reader->end;
    return found != NULL;
}

/* Unicode's pattern white space, at `at`: how many bytes, 0 if none. */
static size_t pattern_space(const struct regex_reader *reader)
{
    uint8_t c = *reader->at;
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
        return 1;
    }
    if (regex_reader_sees(reader, "\xC2\x85")) {
        return 2;
    }
    bool mark = regex_reader_sees(reader, "\xE2\x80\x8E") || regex_reader_sees(reader, "\xE2\x80\x8F") ||
                regex_reader_sees(reader, "\xE2\x80\xA8") || regex_reader_sees(reader, "\xE2\x80\xA9");
    return mark ? 3 : 0;
}

/* Skips what stands for nothing and does not part a repeat from its item: \Q and \E themselves, comments, free spacing.
 */
static void skip_ignored(struct regex_reader *reader)
{
    while (reader->at < reader->end) {
        if (regex_reader_sees(reader, "\\E")) {
            reader->quoted = false;
            reader->at += 2;
            continue;
        }
        if (reader->quoted) {
            return;
        }
        if (regex_reader_sees(reader, "\\Q")) {
            reader->quoted = true;
            reader->at += 2;
        } else if (reader->options.extended && pattern_space(reader) > 0) {
            reader->at += pattern_space(reader);
        } else if (reader->options.extended && *reader->at == '#') {
            (void)regex_reader_skip_past(reader, '\n');
        } else if (regex_reader_sees(reader, "(?#")) {
            (void)regex_reader_skip_past(reader, ')');
        } else {
            return;
        }
    }
}

/* Digits, as far as there are any; more than 65535 are not accepted by PCRE2. */
static const uint8_t *read_number(const uint8_t *at, const uint8_t *end, uint32_t *ret_number)
{
    uint32_t number = 0;
    while (at < end && *at >= '0' && *at <= '9') {
        number = number > 100000 ? number : number * 10 + (uint32_t)(*at - '0');
        at++;
    }
    *ret_number = number;
    return at;
}

enum brace { BRACE_LITERAL, BRACE_REPEAT, BRACE_UNSURE };

/*
 * What the `{` at `at` begins. {3} {3,} {3,5} are repeats everywhere; {,5} and { 3, 5 } are literal up to PCRE2 10.42
 * and repeats from 10.43 on, so that nothing certain can be said of them.
 */
static enum brace read_braces(const struct regex_reader *reader, uint32_t *ret_min, uint32_t *ret_max,
                              const uint8_t **ret_at)
{
    const uint8_t *at = reader->at + 1, *end = reader->end;
    bool loose = false, comma = false;
    uint32_t bounds[2] = {0, REGEX_REPEAT_FOREVER};
    size_t digits = 0;
    for (int i = 0; i < 2; i++) {
        for (; at < end && (*at == ' ' || *at == '\t'); at++) {
            loose = true;
        }
        const uint8_t *start = at;
        uint32_t number;
        at = read_number(at, end, &number);
        digits += (size_t)(at - start);
        if (at > start) {
            bounds[i] = number;
        } else if (i == 0) {
            loose = true;
        }
        for (; at < end && (*at == ' ' || *at == '\t'); at++) {
            loose = true;
        }
        if (i == 0 && at < end && *at == ',') {
            comma = true;
            at++;
        } else {
            break;
        }
    }
    if (at >= end || *at != '}' || digits == 0) {
        return BRACE_LITERAL;
    }
    *ret_min = bounds[0];
    *ret_max = comma ? bounds[1] : bounds[0];
    *ret_at = at + 1;
    return loose ? BRACE_UNSURE : BRACE_REPEAT;
}

/* Is there a repeat at `at`? Then moves behind it. */
static enum brace read_repeat(struct regex_reader *reader, uint32_t *ret_min, uint32_t *ret_max)
{
    if (reader->at >= reader->end || reader->quoted) {
        return BRACE_LITERAL;
    }
    enum brace kind = BRACE_REPEAT;
    *ret_min = *reader->at == '+';
    *ret_max = *reader->at == '?' ? 1 : REGEX_REPEAT_FOREVER;
    if (*reader->at == '*' || *reader->at == '+' || *reader->at == '?') {
        reader->at++;
    } else if (*reader->at == '{') {
        const uint8_t *behind = NULL;
        kind = read_braces(reader, ret_min, ret_max, &behind);
        reader->at = behind ? behind : reader->at;
    } else {
        return BRACE_LITERAL;
    }
    if (kind != BRACE_LITERAL && reader->at < reader->end && (*reader->at == '+' || *reader->at == '?')) {
        reader->loose |= *reader->at == '+'; /* possessive: it gives nothing back */
        reader->at++;                        /* lazy: which matches are preferred is no matter here */
    }
    return kind;
}

/* The item with the repeats that follow it. */
static struct regex_node *read_repeats(struct regex_reader *reader, struct regex_node *item)
{
    for (uint32_t depth = 0; item; depth++) {
        uint32_t min = 0, max = 0;
        skip_ignored(reader);
        enum brace kind = read_repeat(reader, &min, &max);
        if (kind == BRACE_LITERAL) {
            break;
        }
        reader->loose |= depth > 0; /* PCRE2 takes it for the + or ? of the one before, as in a+(?#c)+ */
        reader->loose |= max == 0;  /* it takes (?:b|^){0}a for anchored */
        if (depth == REGEX_TREE_DEPTH_MAX) {
            return regex_reader_fail(reader, STATUS_LIMIT);
        }
        if (kind == BRACE_UNSURE) {
            item = regex_reader_loose(reader, NODE_ANY);
        } else if (item->type != NODE_EMPTY && item->type != NODE_ANY) {
            struct regex_node *repeat = regex_reader_node(reader, NODE_REPEAT);
            if (!repeat) {
                return NULL;
            }
            repeat->min = min;
            repeat->max = max;
            repeat->first = item;
            regex_reader_close(repeat);
            item = repeat;
        }
    }
    return item;
}

static struct regex_node *read_item(struct regex_reader *reader)
{
    uint32_t c = regex_reader_take(reader);
    if (reader->quoted) {
        return regex_reader_literal(reader, c);
    }
    switch (c) {
    case '\\':
        return regex_reader_escape(reader);
    case '[':
        return regex_reader_class(reader);
    case '(':
        return regex_reader_group(reader);
    case '^':
        return regex_reader_node(reader, NODE_START);
    case '$':
        return regex_reader_node(reader, NODE_END);
    case '.':
        regex_set_clear(&reader->set);
        if (reader->options.dotall) {
            regex_set_negate(&reader->set);
        } else {
            regex_set_add_type(&reader->set, 'N');
        }
        return regex_reader_set_node(reader);
    case '*':
    case '+':
    case '?':
        return regex_reader_fail(reader, STATUS_UNSUPPORTED); /* a repeat of what? */
    case '{': {
        uint32_t min, max;
        reader->at--;
        if (read_repeat(reader, &min, &max) != BRACE_LITERAL) {
            return regex_reader_fail(reader, STATUS_UNSUPPORTED);
        }
        reader->at++;
        return regex_reader_literal(reader, c);
    }
    default:
        return regex_reader_literal(reader, c);
    }
}

/* One alternative. */
static struct regex_node *read_sequence(struct regex_reader *reader)
{
    struct regex_node *sequence = regex_reader_node(reader, NODE_SEQUENCE);
    if (!sequence) {
        return NULL;
    }
    struct regex_node **tail = &sequence->first;
    while (reader->status == STATUS_OK) {
        skip_ignored(reader);
        if (reader->at >= reader->end || (!reader->quoted && (*reader->at == '|' || *reader->at == ')'))) {
            break;
        }
        struct regex_node *item = read_item(reader);
        item = item ? read_repeats(reader, item) : NULL;
        if (item && item->type != NODE_EMPTY) {
            *tail = item;
            tail = &item->next;
        }
    }
    if (reader->status != STATUS_OK) {
        return NULL;
    }
    regex_reader_close(sequence);
    if (!sequence->first) {
        sequence->type = NODE_EMPTY;
    } else if (!sequence->first->next) {
        return sequence->first;
    }
    return sequence;
}

struct regex_node *regex_reader_choice(struct regex_reader *reader, uint32_t *ret_count)
{
    if (reader->depth == REGEX_TREE_DEPTH_MAX) {
        return regex_reader_fail(reader, STATUS_LIMIT);
    }
    reader->depth++;
    /* Options set in one alternative go on in the next ones, up to the end of the group. */
    struct regex_options options = reader->options;
    struct regex_node *choice = regex_reader_node(reader, NODE_CHOICE), **tail = choice ? &choice->first : NULL;
    uint32_t count = 0;
    while (reader->status == STATUS_OK) {
        struct regex_node *sequence = read_sequence(reader);
        if (!sequence) {
            break;
        }
        *tail = sequence;
        tail = &sequence->next;
        count++;
        if (reader->at >= reader->end || *reader->at == ')') {
            break;
        }
        reader->at++; /* the bar */
    }
    reader->options = options;
    reader->depth--;
    if (reader->status != STATUS_OK) {
        return NULL;
    }
    regex_reader_close(choice);
    if (ret_count) {
        *ret_count = count;
    }
    return count == 1 ? choice->first : choice;
}

enum status regex_tree_parse(struct span pattern, struct arena *arena, struct regex_node **ret_root)
{
    struct regex_reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        return STATUS_NO_MEMORY;
    }
    reader->at = pattern.data;
    reader->end = pattern.size > 0 ? pattern.data + pattern.size : pattern.data;
    reader->arena = arena;
    reader->options = (struct regex_options){.caseless = true, .dotall = true};
    struct regex_node *root = regex_reader_choice(reader, NULL);
    if (root && reader->at < reader->end) {
        root = regex_reader_fail(reader, STATUS_UNSUPPORTED); /* a closing parenthesis too many */
    }
    enum status status = reader->status;
    if (status == STATUS_OK) {
        root->loose = reader->loose;
    }
    free(reader);
    if (status == STATUS_OK) {
        *ret_root = root;
    }
    return status;
}
