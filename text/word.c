#include "text/word.h"

#include "text/fold.h"
#include "text/utf8.h"

bool word_is_character(uint32_t code_point)
{
    return (fold_character(code_point) & FOLD_WORD) != 0;
}

bool word_is_spaceless(uint32_t code_point)
{
    return (fold_character(code_point) & FOLD_SPACELESS) != 0;
}

static bool joins(uint32_t code_point)
{
    return (fold_character(code_point) & (FOLD_WORD | FOLD_SPACELESS)) == FOLD_WORD;
}

bool word_is_edge(struct span text, size_t offset)
{
    if (offset == 0 || offset >= text.size)
        return true;
    uint32_t before, after;
    utf8_decode_before(text, offset, &before);
    if (!joins(before))
        return true;
    utf8_decode(span_of(text.data + offset, text.size - offset), &after);
    return !joins(after);
}
