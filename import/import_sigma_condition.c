/* Conditions of Sigma-like rules: names of selections with and, or, not, parentheses, `1 of name*` and `all of them`. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import/import_expression.h"
#include "import/import_lines.h"
#include "import/import_sigma.h"
#include "import/import_yaml.h"

#define DEPTH_MAX 40u
#define SELECTIONS_MAX 250u

struct reader {
    struct import_sigma *sigma;
    struct span rest;
    unsigned depth;
};

static const struct import_expression *read_or(struct reader *reader);

static bool failed(const struct reader *reader)
{
    return reader->sigma->why || reader->sigma->import->no_memory;
}

static struct span peek(struct reader *reader)
{
    size_t size = 0;
    reader->rest = import_trim(reader->rest);
    if (reader->rest.size > 0 && strchr("()|", reader->rest.data[0])) {
        return span_of(reader->rest.data, 1);
    }
    while (size < reader->rest.size && !strchr(" \t\r\n()|", reader->rest.data[size])) {
        size++;
    }
    return span_of(reader->rest.data, size);
}

static struct span take(struct reader *reader)
{
    struct span word = peek(reader);
    reader->rest = span_of(reader->rest.data + word.size, reader->rest.size - word.size);
    return word;
}

static bool is(struct span word, const char *text)
{
    return word.size == strlen(text) && strncasecmp((const char *)word.data, text, word.size) == 0;
}

static bool is_selection(const struct yaml *item)
{
    return !import_yaml_is(item->key, "condition") && !import_yaml_is(item->key, "timeframe");
}

/* So many of the selections that fit; 0: all of them. */
static const struct import_expression *read_of(struct reader *reader, uint32_t wanted)
{
    struct import_sigma *sigma = reader->sigma;
    struct arena *arena = sigma->import->arena;
    struct span pattern = take(reader);
    const struct import_expression **items = arena_array(arena, SELECTIONS_MAX, sizeof(struct import_expression *));
    uint32_t count = 0;
    bool too_many = false;
    if (!items) {
        sigma->import->no_memory = true;
        return NULL;
    }
    for (const struct yaml *item = sigma->detection->first; item && !failed(reader); item = item->next) {
        struct span name = import_yaml_text(item->key);
        bool meant = is(pattern, "them") ? !import_span_begins(name, "_") : import_span_fits(name, pattern);
        if (meant && is_selection(item) && count == SELECTIONS_MAX) {
            import_sigma_give_up(sigma, "large-rule", "its condition names too many selections");
        } else if (meant && is_selection(item)) {
            items[count++] = import_sigma_selection(sigma, item);
        }
    }
    if (failed(reader)) {
        return NULL;
    }
    if (count == 0) {
        import_sigma_give_up(sigma, "condition",
                             import_print(sigma->import, "its condition names '%s', and there is no such selection",
                                          import_quote(sigma->import, pattern)));
        return NULL;
    }
    const struct import_expression *expression =
        import_expression_count(arena, wanted ? wanted : count, items, count, &too_many);
    if (too_many) {
        import_sigma_give_up(sigma, "condition", "its condition counts too many combinations");
    }
    return expression;
}

static const struct import_expression *read_word(struct reader *reader)
{
    struct import_sigma *sigma = reader->sigma;
    struct span word = take(reader);
    char *end = NULL;
    const char *text = import_copy(sigma->import, word);
    long number = strtol(text, &end, 10);
    bool counts = is(word, "all") || is(word, "any") || (word.size > 0 && *end == '\0' && number > 0 && number < 1000);
    if (counts && is(peek(reader), "of")) {
        (void)take(reader);
        return read_of(reader, is(word, "all") ? 0 : is(word, "any") ? 1 : (uint32_t)number);
    }
    for (const struct yaml *item = sigma->detection->first; item; item = item->next) {
        if (is_selection(item) && span_equal(import_yaml_text(item->key), word)) {
            return import_sigma_selection(sigma, item);
        }
    }
    import_sigma_give_up(sigma, "condition",
                         word.size == 0
                             ? "its condition ends too early"
                             : import_print(sigma->import, "its condition names '%s', and there is no such selection",
                                            import_quote(sigma->import, word)));
    return NULL;
}

static const struct import_expression *read_one(struct reader *reader)
{
    struct import_sigma *sigma = reader->sigma;
    const struct import_expression *expression = NULL;
    if (++reader->depth > DEPTH_MAX) {
        import_sigma_give_up(sigma, "condition", "its condition is nested too deeply");
        return NULL;
    }
    struct span word = peek(reader);
    if (is(word, "not")) {
        (void)take(reader);
        sigma->negations++;
        expression = import_expression_not(sigma->import->arena, read_one(reader));
        sigma->negations--;
    } else if (is(word, "(")) {
        (void)take(reader);
        expression = read_or(reader);
        if (!failed(reader) && !is(take(reader), ")")) {
            import_sigma_give_up(sigma, "condition", "a parenthesis of its condition is not closed");
        }
    } else {
        expression = read_word(reader);
    }
    reader->depth--;
    return failed(reader) ? NULL : expression;
}

static const struct import_expression *read_chain(struct reader *reader, const char *word,
                                                  enum import_expression_type type,
                                                  const struct import_expression *(*read)(struct reader *))
{
    const struct import_expression *both[2] = {read(reader), NULL};
    while (!failed(reader) && is(peek(reader), word)) {
        (void)take(reader);
        both[1] = read(reader);
        both[0] = failed(reader) ? NULL : import_expression_join(reader->sigma->import->arena, type, both, 2);
    }
    return failed(reader) ? NULL : both[0];
}

static const struct import_expression *read_and(struct reader *reader)
{
    return read_chain(reader, "and", IMPORT_AND, read_one);
}

static const struct import_expression *read_or(struct reader *reader)
{
    return read_chain(reader, "or", IMPORT_OR, read_and);
}

const struct import_expression *import_sigma_condition(struct import_sigma *sigma, struct span text)
{
    struct reader reader = {.sigma = sigma, .rest = text};
    const struct import_expression *expression = read_or(&reader);
    struct span rest = peek(&reader);
    if (!failed(&reader) && rest.size > 0) {
        import_sigma_give_up(sigma, "condition",
                             is(rest, "|") ? "it counts messages (an aggregation)"
                                           : import_print(sigma->import, "its condition cannot be read at '%s'",
                                                          import_quote(sigma->import, reader.rest)));
    }
    sigma->import->no_memory |= !expression && !sigma->why;
    return failed(&reader) ? NULL : expression;
}
