#include "rules/lint_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "text/utf8.h"

#define DEPTH_MAX 200u

struct options {
    bool caseless, dotall;
};

struct lexer {
    struct span pattern;
    uint32_t at;
    struct lint_token *items;
    uint32_t count;
    struct options options;
    struct options saved[DEPTH_MAX];
    uint32_t opens[DEPTH_MAX]; /* indexes of the groups that are open */
    uint32_t depth;
    bool failed;
};

static bool sees(const struct lexer *lexer, const char *text)
{
    size_t size = strlen(text);
    return lexer->pattern.size - lexer->at >= size && memcmp(lexer->pattern.data + lexer->at, text, size) == 0;
}

static uint8_t byte_at(const struct lexer *lexer, uint32_t at)
{
    return at < lexer->pattern.size ? lexer->pattern.data[at] : 0;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex(uint8_t byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/* A token that begins at `start` and ends where the lexer stands. */
static struct lint_token *add(struct lexer *lexer, enum lint_token_type type, uint32_t start)
{
    struct lint_token *token = &lexer->items[lexer->count++];
    *token = (struct lint_token){.type = type,
                                 .offset = start,
                                 .size = lexer->at - start,
                                 .depth = lexer->depth,
                                 .caseless = lexer->options.caseless,
                                 .dotall = lexer->options.dotall};
    return token;
}

/* Moves behind the next `byte`; at the end if there is none. */
static void skip_past(struct lexer *lexer, uint8_t byte)
{
    while (lexer->at < lexer->pattern.size && lexer->pattern.data[lexer->at] != byte) {
        lexer->at++;
    }
    lexer->at += lexer->at < lexer->pattern.size;
}

static uint32_t take_character(struct lexer *lexer)
{
    uint32_t character;
    lexer->at += utf8_decode(span_of(lexer->pattern.data + lexer->at, lexer->pattern.size - lexer->at), &character);
    return character;
}

static uint32_t take_hex(struct lexer *lexer, uint32_t digits_max)
{
    uint32_t value = 0;
    for (uint32_t i = 0; i < digits_max && is_hex(byte_at(lexer, lexer->at)); i++, lexer->at++) {
        uint8_t byte = lexer->pattern.data[lexer->at];
        value = value * 16 + (is_digit(byte) ? byte - (uint32_t)'0' : (byte | 0x20u) - 'a' + 10u);
    }
    return value;
}

/*
 * Behind the backslash. True: a character, in ret_character. False: something else, whose letter is in ret_letter ('k' for
 * references).
 */
static bool take_escape(struct lexer *lexer, bool in_class, uint32_t *ret_character, char *ret_letter)
{
    static const char types[] = "wWdDsSvVhHNRXCbBAzZGK";
    uint8_t byte = byte_at(lexer, lexer->at);
    *ret_character = byte;
    if (byte >= 0x80) {
        *ret_character = take_character(lexer);
        return true;
    }
    lexer->at++;
    if (byte == 'x') {
        bool braces = byte_at(lexer, lexer->at) == '{';
        lexer->at += braces;
        *ret_character = take_hex(lexer, braces ? 8 : 2);
        lexer->at += braces;
        return true;
    }
    static const char controls[][2] = {{'n', '\n'}, {'t', '\t'}, {'r', '\r'}, {'f', '\f'}, {'a', '\a'}, {'e', 27}};
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
        if (byte == (uint8_t)controls[i][0]) {
            *ret_character = (uint8_t)controls[i][1];
            return true;
        }
    }
    if (in_class && byte == 'b') {
        *ret_character = 8;
        return true;
    }
    if (byte == 'p' || byte == 'P') {
        if (byte_at(lexer, lexer->at) == '{') {
            skip_past(lexer, '}');
        } else {
            lexer->at++;
        }
        *ret_letter = (char)byte;
        return false;
    }
    if (byte != 0 && strchr(types, byte)) {
        *ret_letter = (char)byte;
        return false;
    }
    if (byte == 'g' || byte == 'k') {
        uint8_t open = byte_at(lexer, lexer->at);
        if (open == '{' || open == '<' || open == '\'') {
            lexer->at++;
            skip_past(lexer, open == '{' ? '}' : open == '<' ? '>' : '\'');
        }
    } else if (!is_digit(byte) && byte != 'o' && byte != 'c' && byte != 'E' && byte != 'u' && byte != 'Q') {
        return true; /* it stands for itself */
    } else if (byte == 'o') {
        skip_past(lexer, '}');
    } else if (byte == 'c') {
        lexer->at++;
    }
    while (is_digit(byte) && is_digit(byte_at(lexer, lexer->at))) {
        lexer->at++;
    }
    *ret_letter = 'k';
    return false;
}

static void read_quoted(struct lexer *lexer, uint32_t start)
{
    lexer->at = start + 2;
    while (lexer->at < lexer->pattern.size && !sees(lexer, "\\E")) {
        uint32_t from = lexer->at;
        uint32_t character = take_character(lexer);
        struct lint_token *token = add(lexer, LINT_LITERAL, from);
        token->character = character;
        token->escaped = true;
    }
    lexer->at += sees(lexer, "\\E") ? 2 : 0;
}

static void read_escape(struct lexer *lexer)
{
    uint32_t start = lexer->at++;
    uint32_t character = 0;
    char letter = 0;
    if (byte_at(lexer, lexer->at) == 'Q') {
        read_quoted(lexer, start);
        return;
    }
    if (take_escape(lexer, false, &character, &letter)) {
        struct lint_token *token = add(lexer, LINT_LITERAL, start);
        token->character = character;
        token->escaped = true;
        return;
    }
    enum lint_token_type type = letter == 'b'            ? LINT_EDGE
                                : letter == 'B'          ? LINT_NOT_EDGE
                                : strchr("AzZG", letter) ? LINT_ANCHOR
                                : strchr("kKC", letter)  ? LINT_OTHER
                                                         : LINT_TYPE;
    add(lexer, type, start)->character = (uint8_t)letter;
}

static void read_class(struct lexer *lexer)
{
    uint32_t start = lexer->at++;
    lexer->at += byte_at(lexer, lexer->at) == '^';
    lexer->at += byte_at(lexer, lexer->at) == ']';
    while (lexer->at < lexer->pattern.size && lexer->pattern.data[lexer->at] != ']') {
        uint32_t character;
        char letter;
        if (sees(lexer, "\\Q")) {
            lexer->failed = true;
            return;
        }
        if (lexer->pattern.data[lexer->at] == '\\') {
            lexer->at++;
            (void)take_escape(lexer, true, &character, &letter);
        } else if (sees(lexer, "[:")) {
            const uint8_t *end = memmem(lexer->pattern.data + lexer->at, lexer->pattern.size - lexer->at, ":]", 2);
            lexer->at = end ? (uint32_t)(end - lexer->pattern.data) + 2 : lexer->at + 1;
        } else {
            lexer->at++;
        }
    }
    lexer->at++;
    add(lexer, LINT_CLASS, start);
}

/* {n}, {n,}, {n,m}: false if this brace is no repeat. */
static bool read_braces(struct lexer *lexer, uint32_t *ret_min, uint32_t *ret_max)
{
    uint32_t at = lexer->at + 1, values[2] = {0, LINT_FOREVER};
    if (!is_digit(byte_at(lexer, at))) {
        return false;
    }
    for (; is_digit(byte_at(lexer, at)); at++) {
        values[0] = values[0] * 10 + byte_at(lexer, at) - '0';
    }
    if (byte_at(lexer, at) == '}') {
        values[1] = values[0];
    } else if (byte_at(lexer, at) != ',') {
        return false;
    } else if (is_digit(byte_at(lexer, ++at))) {
        for (values[1] = 0; is_digit(byte_at(lexer, at)); at++) {
            values[1] = values[1] * 10 + byte_at(lexer, at) - '0';
        }
    }
    if (byte_at(lexer, at) != '}') {
        return false;
    }
    lexer->at = at + 1;
    *ret_min = values[0];
    *ret_max = values[1];
    return true;
}

/* False: what stands here is no repeat. */
static bool read_repeat(struct lexer *lexer)
{
    uint32_t start = lexer->at, min = 0, max = LINT_FOREVER;
    switch (lexer->pattern.data[start]) {
    case '?':
        max = 1;
        break;
    case '*':
        break;
    case '+':
        min = 1;
        break;
    case '{':
        if (!read_braces(lexer, &min, &max)) {
            return false;
        }
        lexer->at--;
        break;
    default:
        return false;
    }
    lexer->at++;
    uint8_t next = byte_at(lexer, lexer->at);
    lexer->at += next == '?' || next == '+';
    struct lint_token *token = add(lexer, LINT_REPEAT, start);
    token->min = min;
    token->max = max;
    return true;
}

/* Behind "(?": letters of options up to ':' or ')'. False if it is something else. */
static bool read_options(struct lexer *lexer, uint32_t start)
{
    struct options options = lexer->options;
    uint32_t at = lexer->at;
    bool on = true;
    if (byte_at(lexer, at) == '^') {
        options = (struct options){0};
        at++;
    }
    for (;; at++) {
        uint8_t byte = byte_at(lexer, at);
        if (byte == ':' || byte == ')') {
            break;
        }
        if (byte == '-') {
            on = false;
        } else if (byte == 'i') {
            options.caseless = on;
        } else if (byte == 's') {
            options.dotall = on;
        } else if (byte == 'x') {
            lexer->failed |= on;
        } else if (byte == 0 || !strchr("mnJUa", byte)) {
            return false;
        }
    }
    lexer->at = at + 1;
    if (lexer->pattern.data[at] == ')') {
        add(lexer, LINT_OPTION, start);
        lexer->options = options;
        return true;
    }
    struct lint_token *token = add(lexer, LINT_OPEN, start);
    token->group = LINT_GROUP_PLAIN;
    lexer->opens[lexer->depth] = lexer->count - 1;
    lexer->saved[lexer->depth++] = lexer->options;
    lexer->options = options;
    return true;
}

static void open_group(struct lexer *lexer, uint32_t start, enum lint_group group, bool negative)
{
    struct lint_token *token = add(lexer, LINT_OPEN, start);
    token->group = group;
    token->negative = negative;
    lexer->opens[lexer->depth] = lexer->count - 1;
    lexer->saved[lexer->depth++] = lexer->options;
}

static void read_group(struct lexer *lexer)
{
    static const struct {
        const char *text;
        enum lint_group group;
        bool negative;
    } kinds[] = {
        {"(?:", LINT_GROUP_PLAIN, false},  {"(?|", LINT_GROUP_OTHER, false}, {"(?>", LINT_GROUP_PLAIN, false},
        {"(?=", LINT_GROUP_AHEAD, false},  {"(?!", LINT_GROUP_AHEAD, true},  {"(?<=", LINT_GROUP_BEHIND, false},
        {"(?<!", LINT_GROUP_BEHIND, true}, {"(?*", LINT_GROUP_AHEAD, false}, {"(?<*", LINT_GROUP_BEHIND, false},
    };
    uint32_t start = lexer->at;
    if (lexer->depth == DEPTH_MAX) {
        lexer->failed = true;
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (sees(lexer, kinds[i].text)) {
            lexer->at += (uint32_t)strlen(kinds[i].text);
            open_group(lexer, start, kinds[i].group, kinds[i].negative);
            return;
        }
    }
    if (sees(lexer, "(?<") || sees(lexer, "(?P<") || sees(lexer, "(?'")) {
        lexer->at += byte_at(lexer, start + 2) == 'P' ? 4 : 3;
        skip_past(lexer, byte_at(lexer, start + 2) == '\'' ? '\'' : '>');
        open_group(lexer, start, LINT_GROUP_PLAIN, false);
        return;
    }
    if (sees(lexer, "(?#")) {
        skip_past(lexer, ')');
        add(lexer, LINT_OTHER, start);
        return;
    }
    if (sees(lexer, "(?")) {
        lexer->at += 2;
        lexer->failed |= !read_options(lexer, start); /* conditionals, calls, callouts */
        return;
    }
    if (sees(lexer, "(*")) {
        lexer->failed = true;
        return;
    }
    lexer->at++;
    open_group(lexer, start, LINT_GROUP_PLAIN, false);
}

static void close_group(struct lexer *lexer)
{
    uint32_t start = lexer->at++;
    if (lexer->depth == 0) {
        lexer->failed = true;
        return;
    }
    lexer->options = lexer->saved[--lexer->depth];
    uint32_t open = lexer->opens[lexer->depth];
    add(lexer, LINT_CLOSE, start)->partner = open;
    lexer->items[lexer->count - 1].group = lexer->items[open].group;
    lexer->items[open].partner = lexer->count - 1;
}

static void read_token(struct lexer *lexer)
{
    uint32_t start = lexer->at;
    switch (lexer->pattern.data[start]) {
    case '\\':
        read_escape(lexer);
        return;
    case '[':
        read_class(lexer);
        return;
    case '(':
        read_group(lexer);
        return;
    case ')':
        close_group(lexer);
        return;
    case '|':
        lexer->at++;
        add(lexer, LINT_BAR, start);
        return;
    case '^':
    case '$':
        lexer->at++;
        add(lexer, LINT_ANCHOR, start)->character = lexer->pattern.data[start];
        return;
    case '.':
        lexer->at++;
        add(lexer, LINT_TYPE, start)->character = '.';
        return;
    default:
        break;
    }
    if (!read_repeat(lexer)) {
        uint32_t character = take_character(lexer);
        add(lexer, LINT_LITERAL, start)->character = character;
    }
}

enum status lint_tokens_read(struct span pattern, struct arena *arena, struct lint_tokens *ret_tokens)
{
    struct lexer *lexer = arena_array(arena, 1, sizeof *lexer);
    if (!lexer) {
        return STATUS_NO_MEMORY;
    }
    lexer->pattern = pattern;
    lexer->options = (struct options){.caseless = true, .dotall = true};
    lexer->items = arena_array(arena, pattern.size + 1, sizeof *lexer->items);
    if (!lexer->items) {
        return STATUS_NO_MEMORY;
    }
    while (lexer->at < pattern.size && !lexer->failed) {
        read_token(lexer);
    }
    if (lexer->failed || lexer->depth > 0 || lexer->at > pattern.size) {
        return STATUS_UNSUPPORTED;
    }
    *ret_tokens = (struct lint_tokens){.items = lexer->items, .count = lexer->count, .pattern = pattern};
    return STATUS_OK;
}

void lint_class_open(struct span pattern, const struct lint_token *token, struct lint_class *ret_class)
{
    uint32_t at = token->offset + 1;
    bool negated = at < pattern.size && pattern.data[at] == '^';
    *ret_class = (struct lint_class){
        .negated = negated, .at = at + negated, .end = token->offset + token->size - 1, .pattern = pattern};
}

/* One character or type of a class. */
static void take_member(struct lexer *lexer, struct lint_member *member)
{
    member->offset = lexer->at;
    member->type = 0;
    if (sees(lexer, "[:")) {
        const uint8_t *end = memmem(lexer->pattern.data + lexer->at, lexer->pattern.size - lexer->at, ":]", 2);
        if (end) {
            lexer->at = (uint32_t)(end - lexer->pattern.data) + 2;
            member->type = ':';
            return;
        }
    }
    if (byte_at(lexer, lexer->at) != '\\') {
        member->first = member->last = take_character(lexer);
        return;
    }
    lexer->at++;
    member->escaped = true;
    if (take_escape(lexer, true, &member->first, &member->type)) {
        member->last = member->first;
        member->type = 0;
    }
}

bool lint_class_next(struct lint_class *class, struct lint_member *ret_member)
{
    struct lexer lexer = {.pattern = span_of(class->pattern.data, class->end), .at = class->at};
    if (class->at >= class->end) {
        return false;
    }
    *ret_member = (struct lint_member){0};
    take_member(&lexer, ret_member);
    if (!ret_member->type && byte_at(&lexer, lexer.at) == '-' && lexer.at + 1 < class->end) {
        struct lexer ahead = {.pattern = lexer.pattern, .at = lexer.at + 1};
        struct lint_member last = {0};
        take_member(&ahead, &last);
        if (!last.type) {
            ret_member->last = last.first;
            lexer.at = ahead.at;
        }
    }
    ret_member->size = lexer.at - ret_member->offset;
    class->at = lexer.at;
    return true;
}
