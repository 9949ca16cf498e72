/*
 * Where words end, as `words` patterns and domain lists see it.
 *
 * A word character is a letter, a mark, a number or an underscore ([\p{L}\p{M}\p{N}_]). Scripts that are written
 * without spaces (Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar, Tibetan) have no word edges that a scanner can
 * see: next to a character of such a script there is always an edge.
 */
#ifndef TEXT_WORD_H
#define TEXT_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* Of ASCII. */
static inline bool word_is_letter_or_digit(uint8_t byte)
{
    uint8_t small = byte | 0x20;
    return (small >= 'a' && small <= 'z') || (byte >= '0' && byte <= '9');
}

/* Needs view_start. */
bool word_is_character(uint32_t code_point);
bool word_is_spaceless(uint32_t code_point);

/*
 * Is there an edge at `offset` of valid UTF-8 text: its start, its end, a place between two characters that are not
 * both word characters, or one beside a spaceless script?
 */
bool word_is_edge(struct span text, size_t offset);

/* The same as a PCRE2 expression (UTF, UCP) of a character that joins a word: for reference regexes. */
#define WORD_JOINS                                                                                                     \
    "(?![\\p{Han}\\p{Hiragana}\\p{Katakana}\\p{Thai}\\p{Lao}\\p{Khmer}\\p{Myanmar}\\p{Tibetan}])[\\p{L}\\p{M}\\p{N}_]"

#endif
