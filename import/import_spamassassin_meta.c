/* Conditions of SpamAssassin's meta rules: Perl's operators over names of rules, each of which counts 1 when it is found. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "import/import_expression.h"
#include "import/import_lines.h"
#include "import/import_spamassassin.h"

#define DEPTH_MAX 200u /* of parentheses, and of meta rules inside meta rules */
#define TERMS_MAX 256u /* of a sum */
#define NUMBER_MAX 1e6

/* A part of a condition: a number, or a sum of things that are there or not. */
struct value {
    bool is_number;
    double number;
    const struct import_expression **terms;
    uint32_t term_count;
    bool counts; /* a term may count more than 1 */
};

struct meta {
    struct import *import;
    struct import_rule *draft;
    struct span rest;
    unsigned depth;
    const char *sort, *why; /* why it cannot be moved; NULL so far */
};

static struct value read_or(struct meta *meta);

static void give_up(struct meta *meta, const char *sort, const char *why)
{
    if (!meta->why) {
        meta->sort = sort;
        meta->why = why;
    }
}

static bool failed(const struct meta *meta)
{
    return meta->why || meta->import->no_memory;
}

static bool take(struct meta *meta, const char *sign)
{
    meta->rest = import_trim(meta->rest);
    if (!import_span_begins(meta->rest, sign)) {
        return false;
    }
    size_t size = strlen(sign);
    meta->rest = span_of(meta->rest.data + size, meta->rest.size - size);
    return true;
}

static bool next_is(struct meta *meta, const char *sign)
{
    meta->rest = import_trim(meta->rest);
    return import_span_begins(meta->rest, sign);
}

static struct value one(struct meta *meta, const struct import_expression *expression)
{
    struct value value = {.terms = arena_array(meta->import->arena, 1, sizeof(struct import_expression *)),
                          .term_count = 1};
    meta->import->no_memory |= !value.terms || (!expression && !meta->why);
    if (value.terms) {
        value.terms[0] = expression;
    }
    return value;
}

static struct value nothing(struct meta *meta)
{
    return one(meta, import_expression_constant(meta->import->arena, false));
}

/* Is it there at all? */
static const struct import_expression *truth(struct meta *meta, struct value value)
{
    struct arena *arena = meta->import->arena;
    if (value.is_number) {
        return import_expression_constant(arena, value.number > 0 || value.number < 0);
    }
    return import_expression_join(arena, IMPORT_OR, value.terms, value.term_count);
}

static bool is_letter(uint8_t c)
{
    return c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static struct value read_name(struct meta *meta);

static struct value add(struct meta *meta, struct value left, struct value right);

/* rules_matching(__A_*): the sum of the rules of such names. */
static struct value read_matching(struct meta *meta)
{
    struct value sum = {0};
    struct span rest = meta->rest;
    const uint8_t *end = rest.size > 0 ? memchr(rest.data, ')', rest.size) : NULL;
    if (!end) {
        give_up(meta, "condition", "a parenthesis of its condition is not closed");
        return nothing(meta);
    }
    struct span pattern = import_trim(span_of(rest.data, (size_t)(end - rest.data)));
    struct import_spamassassin_rule *rule = meta->import->spamassassin->first;
    for (; rule && !failed(meta); rule = rule->next) {
        if (rule->kind != SPAMASSASSIN_UNKNOWN && !rule->visiting && import_span_fits(span_text(rule->name), pattern)) {
            meta->rest = span_text(rule->name);
            struct value found = read_name(meta);
            sum = sum.term_count ? add(meta, sum, found) : found;
        }
    }
    meta->rest = span_of(end + 1, (size_t)(rest.data + rest.size - (end + 1)));
    return sum.term_count ? sum : nothing(meta);
}

static struct value read_name(struct meta *meta)
{
    size_t size = 0;
    while (size < meta->rest.size && (is_letter(meta->rest.data[size]) || is_digit(meta->rest.data[size]))) {
        size++;
    }
    struct span name = span_of(meta->rest.data, size);
    meta->rest = span_of(meta->rest.data + size, meta->rest.size - size);
    if (import_span_is(name, "rules_matching") && take(meta, "(")) {
        return read_matching(meta);
    }
    struct import_spamassassin_rule *rule = import_spamassassin_find(meta->import, name, false);
    const char *sort = NULL, *why = NULL;
    if (!rule || rule->kind == SPAMASSASSIN_UNKNOWN) {
        give_up(
            meta, "part",
            import_print(meta->import, "it needs %s, which is not in these files", import_quote(meta->import, name)));
        return nothing(meta);
    }
    if (rule->has_score && !(rule->score > 0 || rule->score < 0)) {
        give_up(meta, "part",
                import_print(meta->import, "it needs %s (line %u): a score of 0 switched that off", rule->name,
                             rule->place.line));
        return nothing(meta);
    }
    const struct import_expression *part = import_spamassassin_part(meta->import, rule, meta->draft, &sort, &why);
    if (!part) {
        give_up(meta, "part",
                import_print(meta->import, "it needs %s (line %u): %s", rule->name, rule->place.line,
                             why ? why : "out of memory"));
        return nothing(meta);
    }
    rule->used = true;
    struct value value = one(meta, part);
    value.counts = rule->part_counts;
    return value;
}

static struct value read_one(struct meta *meta)
{
    struct value value = {0};
    if (++meta->depth > DEPTH_MAX) {
        give_up(meta, "condition", "its condition is nested too deeply");
        return nothing(meta);
    }
    meta->rest = import_trim(meta->rest);
    uint8_t c = meta->rest.size > 0 ? meta->rest.data[0] : 0;
    if (next_is(meta, "!") && !next_is(meta, "!=")) {
        (void)take(meta, "!");
        value = one(meta, import_expression_not(meta->import->arena, truth(meta, read_one(meta))));
    } else if (take(meta, "(")) {
        value = read_or(meta);
        if (!failed(meta) && !take(meta, ")")) {
            give_up(meta, "condition", "a parenthesis of its condition is not closed");
        }
    } else if (is_digit(c) || c == '.') {
        char *end = NULL;
        const char *text = import_copy(meta->import, meta->rest);
        value = (struct value){.is_number = true, .number = strtod(text, &end)};
        meta->rest = span_of(meta->rest.data + (end - text), meta->rest.size - (size_t)(end - text));
        if (end == text) {
            give_up(meta, "condition", "its condition cannot be read");
        }
    } else if (is_letter(c)) {
        value = read_name(meta);
    } else {
        give_up(meta, "condition",
                c ? import_print(meta->import, "its condition cannot be read at '%s'",
                                 import_quote(meta->import, meta->rest))
                  : "its condition ends too early");
        value = nothing(meta);
    }
    meta->depth--;
    return failed(meta) ? nothing(meta) : value;
}

static struct value read_product(struct meta *meta)
{
    struct value value = read_one(meta);
    while (!failed(meta) && (next_is(meta, "*") || next_is(meta, "/"))) {
        if (!take(meta, "*")) {
            give_up(meta, "arithmetic", "it calculates with its parts");
            break;
        }
        struct value other = read_one(meta);
        const struct import_expression *both[2] = {truth(meta, value), truth(meta, other)};
        if (value.is_number || other.is_number) {
            give_up(meta, "arithmetic", "it gives its parts weights");
            break;
        }
        bool counts = value.counts || other.counts || value.term_count > 1 || other.term_count > 1;
        value = one(meta, import_expression_join(meta->import->arena, IMPORT_AND, both, 2));
        value.counts = counts;
    }
    return value;
}

static struct value add(struct meta *meta, struct value left, struct value right)
{
    uint32_t count = left.term_count + right.term_count;
    if (left.is_number || right.is_number || count > TERMS_MAX) {
        give_up(meta, "arithmetic", "it calculates with its parts");
        return nothing(meta);
    }
    struct value sum = {.terms = arena_array(meta->import->arena, count, sizeof(struct import_expression *)),
                        .term_count = count,
                        .counts = left.counts || right.counts};
    if (!sum.terms) {
        meta->import->no_memory = true;
        return nothing(meta);
    }
    memcpy(sum.terms, left.terms, left.term_count * sizeof(struct import_expression *));
    memcpy(sum.terms + left.term_count, right.terms, right.term_count * sizeof(struct import_expression *));
    return sum;
}

static struct value read_sum(struct meta *meta)
{
    struct value value = read_product(meta);
    while (!failed(meta) && (next_is(meta, "+") || next_is(meta, "-"))) {
        if (!take(meta, "+")) {
            give_up(meta, "arithmetic", "it calculates with its parts");
            break;
        }
        value = add(meta, value, read_product(meta));
    }
    return value;
}

/* At least so many of the terms. */
static const struct import_expression *at_least(struct meta *meta, struct value sum, double wanted)
{
    bool too_many = false;
    if (wanted > 1 && sum.counts) {
        give_up(meta, "arithmetic", "it counts how often a part is found");
        return NULL;
    }
    uint32_t number = wanted <= 0 ? 0 : wanted > NUMBER_MAX ? (uint32_t)NUMBER_MAX : (uint32_t)wanted;
    const struct import_expression *expression =
        import_expression_count(meta->import->arena, number, sum.terms, sum.term_count, &too_many);
    if (too_many) {
        give_up(meta, "arithmetic", "it counts one part twice, or too many combinations");
    } else {
        meta->import->no_memory |= !expression;
    }
    return expression;
}

enum comparison { MORE, LESS, AT_LEAST, AT_MOST, EQUAL, DIFFERENT };

static bool compare_numbers(double left, enum comparison comparison, double right)
{
    bool equal = left >= right && left <= right;
    switch (comparison) {
    case MORE:
        return left > right;
    case LESS:
        return left < right;
    case AT_LEAST:
        return left >= right;
    case AT_MOST:
        return left <= right;
    case EQUAL:
        return equal;
    default:
        return !equal;
    }
}

static struct value compare(struct meta *meta, struct value left, enum comparison comparison, struct value right)
{
    static const enum comparison turned[] = {[MORE] = LESS,        [LESS] = MORE,   [AT_LEAST] = AT_MOST,
                                             [AT_MOST] = AT_LEAST, [EQUAL] = EQUAL, [DIFFERENT] = DIFFERENT};
    struct arena *arena = meta->import->arena;
    if (left.is_number && right.is_number) {
        return one(meta, import_expression_constant(arena, compare_numbers(left.number, comparison, right.number)));
    }
    if (left.is_number) {
        return compare(meta, right, turned[comparison], left);
    }
    if (!right.is_number) {
        give_up(meta, "arithmetic", "it compares how many parts are found");
        return nothing(meta);
    }
    double number = right.number;
    double from = comparison == MORE || comparison == AT_MOST ? floor(number) + 1 : ceil(number);
    if (comparison == EQUAL || comparison == DIFFERENT) {
        const struct import_expression *both[2] = {
            at_least(meta, left, number),
            failed(meta) ? NULL : import_expression_not(arena, at_least(meta, left, number + 1))};
        const struct import_expression *equal = failed(meta) ? NULL
                                                : from > number
                                                    ? import_expression_constant(arena, false) /* 1.5 of them */
                                                    : import_expression_join(arena, IMPORT_AND, both, 2);
        return one(meta, comparison == EQUAL || !equal ? equal : import_expression_not(arena, equal));
    }
    const struct import_expression *enough = at_least(meta, left, from);
    bool below = comparison == LESS || comparison == AT_MOST;
    return one(meta, below && enough ? import_expression_not(arena, enough) : enough);
}

static struct value read_comparison(struct meta *meta)
{
    static const struct {
        const char *sign;
        enum comparison comparison;
    } signs[] = {{">=", AT_LEAST}, {"<=", AT_MOST}, {"==", EQUAL}, {"!=", DIFFERENT}, {">", MORE}, {"<", LESS}};
    struct value value = read_sum(meta);
    for (size_t i = 0; i < sizeof signs / sizeof *signs && !failed(meta); i++) {
        if (take(meta, signs[i].sign)) {
            struct value right = read_sum(meta);
            return failed(meta) ? nothing(meta) : compare(meta, value, signs[i].comparison, right);
        }
    }
    return value;
}

static struct value read_chain(struct meta *meta, const char *sign, enum import_expression_type type,
                               struct value (*read)(struct meta *))
{
    struct value value = read(meta);
    while (!failed(meta) && take(meta, sign)) {
        struct value other = read(meta);
        if (failed(meta)) {
            break;
        }
        const struct import_expression *both[2] = {truth(meta, value), truth(meta, other)};
        /* In Perl `or` gives the first value that is not 0, so it may still count more than 1. */
        bool counts = value.counts || other.counts || value.term_count > 1 || other.term_count > 1;
        value = one(meta, import_expression_join(meta->import->arena, type, both, 2));
        value.counts = counts;
    }
    return failed(meta) ? nothing(meta) : value;
}

static struct value read_and(struct meta *meta)
{
    return read_chain(meta, "&&", IMPORT_AND, read_comparison);
}

static struct value read_or(struct meta *meta)
{
    return read_chain(meta, "||", IMPORT_OR, read_and);
}

const struct import_expression *import_spamassassin_meta(struct import *import, struct import_spamassassin_rule *rule,
                                                         struct import_rule *draft, const char **ret_sort,
                                                         const char **ret_why)
{
    struct meta meta = {.import = import, .draft = draft, .rest = rule->text};
    struct value value = read_or(&meta);
    if (!failed(&meta) && import_trim(meta.rest).size > 0) {
        give_up(&meta, "condition",
                import_print(import, "its condition cannot be read at '%s'", import_quote(import, meta.rest)));
    }
    const struct import_expression *expression = failed(&meta) ? NULL : truth(&meta, value);
    rule->part_counts = value.counts || value.term_count > 1;
    import->no_memory |= !expression && !meta.why;
    *ret_sort = meta.sort;
    *ret_why = meta.why;
    return import->no_memory ? NULL : expression;
}
