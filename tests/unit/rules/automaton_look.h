/* Texts as automata look at them, and what PCRE2 says of them: for the tests of automata. */
#ifndef TESTS_UNIT_RULES_AUTOMATON_LOOK_H
#define TESTS_UNIT_RULES_AUTOMATON_LOOK_H

#include <stdlib.h>
#include <string.h>

#include "rules/automaton.h"
#include "rules/regex.h"
#include "tests/support/cmocka_all.h"

static struct regex_scratch *scratch;

static inline int start(void **state)
{
    (void)state;
    return view_start() == STATUS_OK && regex_scratch_new(&scratch) == STATUS_OK ? 0 : -1;
}

static inline int stop(void **state)
{
    (void)state;
    regex_scratch_free(&scratch);
    return 0;
}

/*
 * A text as it is looked at, in memory that ends where automata must stop reading: a sanitizer sees one byte more. What
 * stands behind the newline must not matter, so it goes on as a text would.
 */
static inline struct span text_make(const void *bytes, size_t size)
{
    uint8_t *copy = malloc(size + 1 + AUTOMATON_BLOCK);
    assert_non_null(copy);
    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    copy[size] = '\n';
    for (int i = 0; i < AUTOMATON_BLOCK; i++) {
        copy[size + 1 + (size_t)i] = (uint8_t) "abcab \nz"[i];
    }
    return span_of(copy, size);
}

static inline void text_free(struct span text)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): only to shed the const that spans have; text_make made it. */
    free((void *)(uintptr_t)text.data);
}

static inline struct automaton *make(const char *pattern, enum view view, unsigned form)
{
    struct span span = span_text(pattern);
    struct automaton *automaton = NULL;
    assert_int_equal(automaton_new(&span, 1, view, form, &automaton), STATUS_OK);
    return automaton;
}

static inline automaton_answer look_once(struct automaton *automaton, struct span text)
{
    uint32_t which = 0;
    automaton_answer answer = 77;
    automaton_look(automaton, &text, &which, 1, &answer);
    return answer;
}

static inline automaton_answer look_at(struct automaton *automaton, struct span text)
{
    automaton_answer answer = look_once(automaton, text), alone = 77;
    automaton_look_each(&automaton, 1, text, &alone);
    assert_int_equal(answer, alone);
    return answer;
}

static inline bool pcre_matches(const char *pattern, struct span text)
{
    struct regex *regex = NULL;
    uint32_t from, to;
    if (regex_compile(span_text(pattern), NULL, &regex) != STATUS_OK) {
        print_error("/%s/ is refused\n", pattern);
        fail();
    }
    enum status status = regex_match(regex, scratch, text, 0, &from, &to);
    regex_free(&regex);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK;
}

#endif
