/*
 * What the parts of the regex tree's reader share: regex_tree.c (alternatives and repeats), regex_group.c (what follows
 * an opening parenthesis), regex_escape.c (what follows a backslash) and regex_class.c (what stands in brackets).
 *
 * Reading functions return NULL after they have set `status`; `at` is then of no use any more.
 */
#ifndef RULES_REGEX_READER_H
#define RULES_REGEX_READER_H

#include "rules/regex_set.h"
#include "rules/regex_tree.h"

struct regex_options {
    bool caseless, dotall, extended, extended_more;
};

struct regex_reader {
    const uint8_t *at, *end;
    struct arena *arena;
    struct regex_options options;
    bool quoted; /* between \Q and \E */
    bool loose;  /* something was read for which the tree allows more than PCRE2 does */
    uint32_t depth;
    uint32_t node_count;
    uint32_t group_count; /* groups opened so far: at least as many as captures */
    enum status status;
    struct regex_set_builder set;
};

struct regex_node *regex_reader_node(struct regex_reader *reader, enum regex_node_type type);
/* The same for what the tree can only say more loosely. */
struct regex_node *regex_reader_loose(struct regex_reader *reader, enum regex_node_type type);
/* To be called when the children of a sequence, a choice or a repeat are complete: sets `empty` and `empty_freely`. */
void regex_reader_close(struct regex_node *node);
/* NODE_CHARACTERS of what reader->set holds. */
struct regex_node *regex_reader_set_node(struct regex_reader *reader);
struct regex_node *regex_reader_literal(struct regex_reader *reader, uint32_t character);
struct regex_node *regex_reader_fail(struct regex_reader *reader, enum status status);

/* The bytes `text` stand at `at`. */
bool regex_reader_sees(const struct regex_reader *reader, const char *text);
/* Takes the character at `at`, of valid UTF-8; `at` must not be at the end. */
uint32_t regex_reader_take(struct regex_reader *reader);
/* Moves behind the next `byte`; false if there is none. */
bool regex_reader_skip_past(struct regex_reader *reader, uint8_t byte);

/* The alternatives up to a closing parenthesis, which is left, or the end; ret_count may be NULL. */
struct regex_node *regex_reader_choice(struct regex_reader *reader, uint32_t *ret_count);
/* `at` stands behind the opening parenthesis. */
struct regex_node *regex_reader_group(struct regex_reader *reader);
/* `at` stands behind the backslash. */
struct regex_node *regex_reader_escape(struct regex_reader *reader);
/* `at` stands behind the opening bracket. */
struct regex_node *regex_reader_class(struct regex_reader *reader);

/*
 * Behind a backslash, here or in a class: a character (true, ret_character), or else a type such as \d (false,
 * ret_letter, `at` behind the letter). '1' to '9' outside a class, where they may be references, are left to the
 * caller. An unknown escape sets `status`.
 */
bool regex_reader_escaped(struct regex_reader *reader, bool in_class, uint32_t *ret_character, char *ret_letter);
/* Behind \p or \P: adds the property to the set. */
void regex_reader_property(struct regex_reader *reader, bool in_class);

#endif
