#include "rules/condition.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/findings.h"

enum token_type {
    TOKEN_END,
    TOKEN_NAME, /* also keywords that are spelled wrong */
    TOKEN_PREFIX,
    TOKEN_STAR,
    TOKEN_NUMBER,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_NOT,
    TOKEN_ANY,
    TOKEN_ALL,
    TOKEN_OF,
    TOKEN_THEM,
    TOKEN_STRANGE,
};

struct token {
    enum token_type type;
    uint32_t start, size;
};

struct parser {
    const char *text;
    uint32_t position; /* after `token` */
    struct token token;
    uint32_t depth;
    const char *const *names;
    uint32_t name_count;
    struct arena *arena;
    struct condition_fault fault;
};

static const struct keyword {
    const char *text;
    enum token_type type;
} keywords[] = {
    {"and", TOKEN_AND}, {"or", TOKEN_OR}, {"not", TOKEN_NOT},   {"any", TOKEN_ANY},
    {"all", TOKEN_ALL}, {"of", TOKEN_OF}, {"them", TOKEN_THEM},
};
#define KEYWORD_COUNT (sizeof keywords / sizeof keywords[0])

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_part(char c)
{
    return is_name_start(c) || is_digit(c) || c == '-';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool condition_is_reserved(const char *text)
{
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        if (strcasecmp(text, keywords[i].text) == 0) {
            return true;
        }
    }
    return strcasecmp(text, "none") == 0;
}

bool condition_is_name(const char *text)
{
    if (!is_name_start(text[0]) || condition_is_reserved(text)) {
        return false;
    }
    for (const char *c = text; *c != '\0'; c++) {
        if (!is_name_part(*c)) {
            return false;
        }
    }
    return true;
}

static __attribute__((format(printf, 4, 5))) enum status fail(struct parser *parser, uint32_t offset,
                                                              const char *remedy, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(parser->fault.text, sizeof parser->fault.text, format, arguments);
    va_end(arguments);
    snprintf(parser->fault.remedy, sizeof parser->fault.remedy, "%s", remedy ? remedy : "");
    parser->fault.offset = offset;
    return STATUS_INVALID;
}

/* What stands at the token, for a message: never long. */
static const char *token_words(const struct parser *parser, char words[48])
{
    const struct token *token = &parser->token;
    if (token->type == TOKEN_END) {
        return "the end";
    }
    int size = token->size > 32 ? 32 : (int)token->size;
    snprintf(words, 48, "'%.*s%s'", size, parser->text + token->start, token->size > 32 ? "..." : "");
    return words;
}

static bool token_is(const struct parser *parser, const char *word)
{
    return parser->token.size == strlen(word) &&
           strncasecmp(parser->text + parser->token.start, word, parser->token.size) == 0;
}

static void token_classify_word(struct parser *parser)
{
    const char *start = parser->text + parser->token.start;
    parser->token.type = TOKEN_NAME;
    for (size_t i = 0; i < KEYWORD_COUNT; i++) {
        if (parser->token.size == strlen(keywords[i].text) &&
            memcmp(start, keywords[i].text, parser->token.size) == 0) {
            parser->token.type = keywords[i].type;
        }
    }
    if (start[parser->token.size] == '*' && parser->token.type == TOKEN_NAME) {
        parser->token.type = TOKEN_PREFIX;
        parser->token.size++;
    }
}

/* Reads the next token. Never fails: what is not part of the grammar becomes TOKEN_STRANGE, one character long. */
static void advance(struct parser *parser)
{
    const char *text = parser->text;
    uint32_t position = parser->position;
    while (is_space(text[position])) {
        position++;
    }
    uint32_t end = position;
    parser->token = (struct token){.type = TOKEN_END, .start = position};
    if (is_name_start(text[position])) {
        while (is_name_part(text[end])) {
            end++;
        }
        parser->token.size = end - position;
        token_classify_word(parser);
        end = position + parser->token.size;
    } else if (is_digit(text[position])) {
        while (is_name_part(text[end])) {
            end++;
        }
        parser->token.type = strspn(text + position, "0123456789") == end - position ? TOKEN_NUMBER : TOKEN_STRANGE;
    } else if (text[position] != '\0') {
        static const char signs[] = "(),*";
        static const enum token_type types[] = {TOKEN_OPEN, TOKEN_CLOSE, TOKEN_COMMA, TOKEN_STAR};
        const char *sign = strchr(signs, text[position]);
        parser->token.type = sign ? types[sign - signs] : TOKEN_STRANGE;
        end++;
        while (((unsigned char)text[position] & 0x80u) && ((unsigned char)text[end] & 0xC0u) == 0x80u) {
            end++;
        }
    }
    parser->token.size = end - position;
    parser->position = end;
}

/* Signs and spellings of other languages that mean something here. NULL: nothing to say. */
static const char *foreign_remedy(const struct parser *parser)
{
    char c = parser->text[parser->token.start];
    if (parser->token.type == TOKEN_NAME) {
        for (size_t i = 0; i < KEYWORD_COUNT; i++) {
            static const char *const remedies[KEYWORD_COUNT] = {
                "write 'and' in lower case",  "write 'or' in lower case",  "write 'not' in lower case",
                "write 'any' in lower case",  "write 'all' in lower case", "write 'of' in lower case",
                "write 'them' in lower case",
            };
            if (token_is(parser, keywords[i].text)) {
                return remedies[i];
            }
        }
        return token_is(parser, "none") ? "write 'not any of ...'" : NULL;
    }
    switch (parser->token.type == TOKEN_STRANGE ? c : '\0') {
    case '&':
        return "write 'and'";
    case '|':
        return "write 'or'";
    case '!':
    case '~':
        return "write 'not'";
    case '$':
    case '#':
        return "write the pattern's name alone";
    case '\'':
    case '"':
        return "write the pattern's name without quotes";
    case '[':
    case ']':
    case '{':
    case '}':
        return "write parentheses";
    default:
        return NULL;
    }
}

static enum status fail_expected(struct parser *parser, const char *expected)
{
    char words[48];
    return fail(parser, parser->token.start, foreign_remedy(parser), "expected %s, found %s", expected,
                token_words(parser, words));
}

static struct condition *node_new(struct parser *parser, enum condition_type type)
{
    struct condition *node = arena_array(parser->arena, 1, sizeof *node);
    if (node) {
        node->type = type;
    }
    return node;
}

/* The index of the name at the token. */
static enum status find_name(struct parser *parser, uint32_t *ret_index)
{
    const char *start = parser->text + parser->token.start;
    for (uint32_t i = 0; i < parser->name_count; i++) {
        if (strlen(parser->names[i]) == parser->token.size &&
            memcmp(parser->names[i], start, parser->token.size) == 0) {
            *ret_index = i;
            return STATUS_OK;
        }
    }
    char words[48];
    const char *foreign = foreign_remedy(parser);
    if (foreign) {
        return fail(parser, parser->token.start, foreign, "there is no pattern %s", token_words(parser, words));
    }
    char remedy[sizeof parser->fault.remedy] = "";
    char *word = arena_copy(parser->arena, span_of(start, parser->token.size));
    const char **list = arena_array(parser->arena, (size_t)parser->name_count + 1, sizeof *list);
    if (!word || !list) {
        return STATUS_NO_MEMORY;
    }
    memcpy(list, parser->names, parser->name_count * sizeof *list);
    const char *nearest = findings_nearest(word, list);
    if (nearest) {
        snprintf(remedy, sizeof remedy, "did you mean '%s'?", nearest);
    } else if (parser->name_count <= 4) {
        size_t used = (size_t)snprintf(remedy, sizeof remedy, "the patterns are: ");
        for (uint32_t i = 0; i < parser->name_count && used < sizeof remedy; i++) {
            used += (size_t)snprintf(remedy + used, sizeof remedy - used, "%s%s", i ? ", " : "", parser->names[i]);
        }
    }
    return fail(parser, parser->token.start, remedy, "there is no pattern %s", token_words(parser, words));
}

/* Marks what one selector stands for. */
static enum status parse_selector(struct parser *parser, bool *selected)
{
    if (parser->token.type == TOKEN_NAME) {
        uint32_t index;
        enum status status = find_name(parser, &index);
        if (status != STATUS_OK) {
            return status;
        }
        selected[index] = true;
    } else if (parser->token.type == TOKEN_PREFIX) {
        bool found = false;
        for (uint32_t i = 0; i < parser->name_count; i++) {
            if (strncmp(parser->names[i], parser->text + parser->token.start, parser->token.size - 1) == 0) {
                selected[i] = true;
                found = true;
            }
        }
        if (!found) {
            char words[48];
            return fail(parser, parser->token.start, NULL, "no pattern's name begins as %s says",
                        token_words(parser, words));
        }
    } else if (parser->token.type == TOKEN_STAR) {
        memset(selected, true, parser->name_count);
    } else {
        return fail_expected(parser, "a pattern's name, a prefix like 'ask*', or '*'");
    }
    advance(parser);
    return STATUS_OK;
}

static enum status parse_set(struct parser *parser, bool *selected)
{
    if (parser->token.type == TOKEN_THEM) {
        memset(selected, true, parser->name_count);
        advance(parser);
        return STATUS_OK;
    }
    if (parser->token.type == TOKEN_NAME || parser->token.type == TOKEN_PREFIX) {
        char words[48];
        char remedy[80];
        const char *foreign = foreign_remedy(parser);
        snprintf(remedy, sizeof remedy, "write names in parentheses: (%.*s)",
                 parser->token.size > 40 ? 0 : (int)parser->token.size, parser->text + parser->token.start);
        return fail(parser, parser->token.start, foreign ? foreign : remedy,
                    "expected 'them' or names in parentheses, found %s", token_words(parser, words));
    }
    if (parser->token.type != TOKEN_OPEN) {
        return fail_expected(parser, "'them' or names in parentheses");
    }
    uint32_t open = parser->token.start;
    do {
        advance(parser);
        enum status status = parse_selector(parser, selected);
        if (status != STATUS_OK) {
            return status;
        }
    } while (parser->token.type == TOKEN_COMMA);
    if (parser->token.type == TOKEN_END) {
        return fail(parser, open, "add a ')'", "this parenthesis is never closed");
    }
    if (parser->token.type != TOKEN_CLOSE) {
        return fail_expected(parser, "',' or ')'");
    }
    advance(parser);
    return STATUS_OK;
}

/* at_least: 0 stands for all. */
static enum status count_node(struct parser *parser, uint64_t at_least, const struct token *count, const bool *selected,
                              const struct condition **ret_condition)
{
    uint32_t *patterns = arena_array(parser->arena, parser->name_count, sizeof *patterns);
    struct condition *node = node_new(parser, CONDITION_COUNT);
    if (!patterns || !node) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < parser->name_count; i++) {
        if (selected[i]) {
            patterns[node->pattern_count++] = i;
        }
    }
    if (at_least > node->pattern_count) {
        char remedy[80];
        snprintf(remedy, sizeof remedy, "write a number from 1 to %u, or 'all of'", node->pattern_count);
        return fail(parser, count->start, remedy,
                    "this can never hold: it asks for more patterns than the %u there are", node->pattern_count);
    }
    node->patterns = patterns;
    node->at_least = at_least == 0 ? node->pattern_count : (uint32_t)at_least;
    *ret_condition = node;
    return STATUS_OK;
}

static enum status parse_count(struct parser *parser, const struct condition **ret_condition)
{
    struct token count = parser->token;
    uint64_t at_least = 1;
    if (count.type == TOKEN_ALL) {
        at_least = 0;
    } else if (count.type == TOKEN_NUMBER) {
        at_least = count.size > 9 ? UINT32_MAX : strtoul(parser->text + count.start, NULL, 10);
        if (at_least == 0) {
            return fail(parser, count.start, "for none of them write 'not any of ...'", "0 of a set always holds");
        }
    }
    advance(parser);
    if (parser->token.type != TOKEN_OF) {
        return fail_expected(parser, count.type == TOKEN_NUMBER ? "'of' after the number"
                                     : count.type == TOKEN_ANY  ? "'of' after 'any'"
                                                                : "'of' after 'all'");
    }
    advance(parser);
    bool *selected = arena_array(parser->arena, parser->name_count, sizeof *selected);
    if (!selected) {
        return STATUS_NO_MEMORY;
    }
    enum status status = parse_set(parser, selected);
    return status == STATUS_OK ? count_node(parser, at_least, &count, selected, ret_condition) : status;
}

static enum status parse_expression(struct parser *parser, const struct condition **ret_condition);
static enum status parse_factor(struct parser *parser, const struct condition **ret_condition);

static enum status parse_not(struct parser *parser, const struct condition **ret_condition)
{
    struct condition *node = node_new(parser, CONDITION_NOT);
    if (!node) {
        return STATUS_NO_MEMORY;
    }
    advance(parser);
    enum status status = parse_factor(parser, &node->left);
    if (status == STATUS_OK) {
        *ret_condition = node;
    }
    return status;
}

static enum status parse_parenthesis(struct parser *parser, const struct condition **ret_condition)
{
    uint32_t open = parser->token.start;
    advance(parser);
    enum status status = parse_expression(parser, ret_condition);
    if (status != STATUS_OK) {
        return status;
    }
    if (parser->token.type == TOKEN_END) {
        return fail(parser, open, "add a ')'", "this parenthesis is never closed");
    }
    if (parser->token.type == TOKEN_COMMA) {
        return fail(parser, parser->token.start, "write 'any of (a, b)', or 'and' or 'or' between them",
                    "a list of names needs a count before it");
    }
    if (parser->token.type != TOKEN_CLOSE) {
        return fail_expected(parser, "'and', 'or' or ')'");
    }
    advance(parser);
    return STATUS_OK;
}

static enum status parse_name(struct parser *parser, const struct condition **ret_condition)
{
    struct condition *node = node_new(parser, CONDITION_PATTERN);
    if (!node) {
        return STATUS_NO_MEMORY;
    }
    enum status status = find_name(parser, &node->pattern);
    if (status == STATUS_OK) {
        advance(parser);
        *ret_condition = node;
    }
    return status;
}

static enum status parse_factor(struct parser *parser, const struct condition **ret_condition)
{
    if (parser->depth == CONDITION_DEPTH_MAX) {
        return fail(parser, parser->token.start, "write it flatter, or split the rule",
                    "parentheses and 'not' stand more than %d deep inside each other", CONDITION_DEPTH_MAX);
    }
    enum status status;
    parser->depth++;
    switch (parser->token.type) {
    case TOKEN_NOT:
        status = parse_not(parser, ret_condition);
        break;
    case TOKEN_OPEN:
        status = parse_parenthesis(parser, ret_condition);
        break;
    case TOKEN_ANY:
    case TOKEN_ALL:
    case TOKEN_NUMBER:
        status = parse_count(parser, ret_condition);
        break;
    case TOKEN_NAME:
        status = parse_name(parser, ret_condition);
        break;
    case TOKEN_PREFIX:
        status = fail(parser, parser->token.start, "write 'any of (...*)' or 'all of (...*)'",
                      "a prefix needs a count before it");
        break;
    case TOKEN_THEM:
        status =
            fail(parser, parser->token.start, "write 'any of them' or 'all of them'", "'them' needs a count before it");
        break;
    default:
        status = fail_expected(parser, "a pattern's name, 'not', 'any of', 'all of', a number or '('");
        break;
    }
    parser->depth--;
    return status;
}

/* Joins operands [0, count) as a balanced tree. */
static const struct condition *join(struct parser *parser, enum condition_type type,
                                    const struct condition *const *operands, uint32_t count)
{
    if (count == 1) {
        return operands[0];
    }
    struct condition *node = node_new(parser, type);
    if (!node) {
        return NULL;
    }
    node->left = join(parser, type, operands, count / 2);
    node->right = join(parser, type, operands + count / 2, count - count / 2);
    return node->left && node->right ? node : NULL;
}

/* One or more of what `parse` reads, with `separator` between. */
static enum status parse_chain(struct parser *parser, enum condition_type type, enum token_type separator,
                               enum status (*parse)(struct parser *, const struct condition **),
                               const struct condition **ret_condition)
{
    const struct condition **operands = NULL;
    uint32_t count = 0;
    uint32_t capacity = 0;
    enum status status;
    for (;;) {
        if (count == capacity) {
            uint32_t grown = capacity ? capacity * 2 : 4;
            const struct condition **larger = arena_array(parser->arena, grown, sizeof(const struct condition *));
            if (!larger) {
                return STATUS_NO_MEMORY;
            }
            if (count) {
                memcpy(larger, operands, count * sizeof(const struct condition *));
            }
            operands = larger;
            capacity = grown;
        }
        status = parse(parser, &operands[count]);
        if (status != STATUS_OK) {
            return status;
        }
        count++;
        if (parser->token.type != separator) {
            break;
        }
        advance(parser);
    }
    const struct condition *joined = join(parser, type, operands, count);
    if (!joined) {
        return STATUS_NO_MEMORY;
    }
    *ret_condition = joined;
    return STATUS_OK;
}

static enum status parse_conjunction(struct parser *parser, const struct condition **ret_condition)
{
    return parse_chain(parser, CONDITION_AND, TOKEN_AND, parse_factor, ret_condition);
}

static enum status parse_expression(struct parser *parser, const struct condition **ret_condition)
{
    return parse_chain(parser, CONDITION_OR, TOKEN_OR, parse_conjunction, ret_condition);
}

static enum status parse_whole(struct parser *parser, const struct condition **ret_condition)
{
    if (strlen(parser->text) > CONDITION_SIZE_MAX) {
        return fail(parser, 0, "split the rule", "the condition is over %u bytes", CONDITION_SIZE_MAX);
    }
    advance(parser);
    if (parser->token.type == TOKEN_END) {
        return fail(parser, 0, "leave `condition` out for 'any of them'", "the condition is empty");
    }
    enum status status = parse_expression(parser, ret_condition);
    if (status != STATUS_OK) {
        return status;
    }
    if (parser->token.type == TOKEN_CLOSE) {
        return fail(parser, parser->token.start, "remove it", "this ')' closes nothing");
    }
    if (parser->token.type == TOKEN_COMMA) {
        return fail(parser, parser->token.start, "write 'and' or 'or', or 'any of (a, b)'",
                    "expected 'and', 'or' or the end, found ','");
    }
    return parser->token.type == TOKEN_END ? STATUS_OK : fail_expected(parser, "'and', 'or' or the end");
}

enum status condition_parse(const char *text, const char *const *names, uint32_t name_count, struct arena *arena,
                            struct condition_fault *ret_fault, const struct condition **ret_condition)
{
    struct parser parser = {.text = text, .names = names, .name_count = name_count, .arena = arena};
    const struct condition *condition = NULL;
    enum status status = parse_whole(&parser, &condition);
    if (status == STATUS_OK) {
        *ret_condition = condition;
    } else if (status == STATUS_INVALID) {
        *ret_fault = parser.fault;
    }
    return status;
}

static enum truth evaluate_count(const struct condition *condition, const enum truth *values)
{
    uint32_t sure = 0;
    uint32_t possible = 0;
    for (uint32_t i = 0; i < condition->pattern_count; i++) {
        enum truth value = values[condition->patterns[i]];
        sure += value == TRUTH_TRUE;
        possible += value != TRUTH_FALSE;
    }
    return sure >= condition->at_least ? TRUTH_TRUE : possible >= condition->at_least ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

enum truth condition_evaluate(const struct condition *condition, const enum truth *values)
{
    enum truth left;
    enum truth right;
    switch (condition->type) {
    case CONDITION_PATTERN:
        return values[condition->pattern];
    case CONDITION_NOT:
        left = condition_evaluate(condition->left, values);
        return left == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : left == TRUTH_TRUE ? TRUTH_FALSE : TRUTH_TRUE;
    case CONDITION_AND:
        left = condition_evaluate(condition->left, values);
        if (left == TRUTH_FALSE) {
            return TRUTH_FALSE;
        }
        right = condition_evaluate(condition->right, values);
        return left < right ? left : right;
    case CONDITION_OR:
        left = condition_evaluate(condition->left, values);
        if (left == TRUTH_TRUE) {
            return TRUTH_TRUE;
        }
        right = condition_evaluate(condition->right, values);
        return left > right ? left : right;
    case CONDITION_COUNT:
        return evaluate_count(condition, values);
    }
    abort();
}

bool condition_uses(const struct condition *condition, uint32_t pattern)
{
    switch (condition->type) {
    case CONDITION_PATTERN:
        return condition->pattern == pattern;
    case CONDITION_NOT:
        return condition_uses(condition->left, pattern);
    case CONDITION_AND:
    case CONDITION_OR:
        return condition_uses(condition->left, pattern) || condition_uses(condition->right, pattern);
    case CONDITION_COUNT:
        for (uint32_t i = 0; i < condition->pattern_count; i++) {
            if (condition->patterns[i] == pattern) {
                return true;
            }
        }
        return false;
    }
    abort();
}
