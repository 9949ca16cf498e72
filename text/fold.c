#include "text/fold.h"

#include <stdlib.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/utf16.h>

#include "text/utf8.h"

struct fold_styled {
    uint32_t code_point;
    char letter;
};

struct fold_look_alike {
    uint32_t code_point;
    uint8_t weak;
    char letters[3];
};

#include "text/fold_table.inc"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

struct fold_tables fold_tables;
uint8_t fold_script_latin;
static const UNormalizer2 *nfkc_casefold; /* ICU's own, lives as long as the program */

/* Scripts in which words are not told apart by spaces: text/word.h. */
static const UScriptCode spaceless_scripts[] = {USCRIPT_HAN, USCRIPT_HIRAGANA, USCRIPT_KATAKANA, USCRIPT_THAI,
                                                USCRIPT_LAO, USCRIPT_KHMER,    USCRIPT_MYANMAR,  USCRIPT_TIBETAN};

static bool is_spaceless(uint32_t code_point)
{
    for (size_t i = 0; i < LENGTH(spaceless_scripts); i++) {
        if (uscript_hasScript((UChar32)code_point, spaceless_scripts[i]))
            return true;
    }
    return false;
}

/* What the character is, apart from how it folds. */
static uint32_t describe(uint32_t code_point)
{
    uint32_t mask = U_GET_GC_MASK((UChar32)code_point);
    uint32_t flags = 0;
    if (mask & U_GC_L_MASK)
        flags |= FOLD_WORD | FOLD_LETTER;
    if (mask & U_GC_M_MASK)
        flags |= FOLD_WORD;
    if (mask & U_GC_N_MASK)
        flags |= FOLD_WORD | FOLD_NUMBER;
    if (code_point == '_')
        flags |= FOLD_WORD;
    if ((flags & FOLD_WORD) && code_point >= 0x80 && is_spaceless(code_point))
        flags |= FOLD_SPACELESS;
    if ((flags & FOLD_WORD) && !(flags & FOLD_SPACELESS) && code_point != '_')
        flags |= FOLD_JOINS;
    if (u_isUWhiteSpace((UChar32)code_point))
        flags |= FOLD_SPACE;
    return flags;
}

static uint8_t script_of(uint32_t code_point)
{
    UErrorCode error = U_ZERO_ERROR;
    UScriptCode script = uscript_getScript((UChar32)code_point, &error);
    if (U_FAILURE(error) || script == USCRIPT_COMMON || script == USCRIPT_INHERITED || script == USCRIPT_UNKNOWN)
        return 0;
    return script > UINT8_MAX ? UINT8_MAX : (uint8_t)script;
}

uint32_t fold_character_rare(uint32_t code_point)
{
    uint32_t flags = describe(code_point);
    if (unorm2_hasBoundaryBefore(nfkc_casefold, (UChar32)code_point))
        flags |= FOLD_BOUNDARY;
    if (u_hasBinaryProperty((UChar32)code_point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
        flags |= FOLD_EMPTY;
    return flags;
}

uint8_t fold_combining_class(uint32_t code_point)
{
    return u_getCombiningClass((UChar32)code_point);
}

uint8_t fold_script_rare(uint32_t code_point)
{
    return u_isalpha((UChar32)code_point) ? script_of(code_point) : 0;
}

/* How the character folds when it stands alone. */
static enum status fold_alone(uint32_t code_point, uint32_t *flags)
{
    UChar in[2], out[4];
    int32_t in_size = 0;
    U16_APPEND_UNSAFE(in, in_size, code_point);
    UErrorCode error = U_ZERO_ERROR;
    UNormalizationCheckResult check = unorm2_quickCheck(nfkc_casefold, in, in_size, &error);
    bool boundary = unorm2_hasBoundaryBefore(nfkc_casefold, (UChar32)code_point);
    if (U_FAILURE(error))
        return STATUS_SYSTEM;
    if (boundary)
        *flags |= FOLD_BOUNDARY;
    if (check == UNORM_YES || check == UNORM_MAYBE) {
        *flags |= FOLD_SIMPLE | code_point;
        if (!boundary && check == UNORM_YES)
            *flags |= FOLD_TAIL;
        return STATUS_OK;
    }
    int32_t out_size = unorm2_normalize(nfkc_casefold, in, in_size, out, (int32_t)LENGTH(out), &error);
    if (error == U_BUFFER_OVERFLOW_ERROR)
        return STATUS_OK; /* to many characters: left to ICU */
    if (U_FAILURE(error))
        return STATUS_SYSTEM;
    UChar32 target = 0;
    int32_t at = 0;
    if (out_size == 0)
        *flags |= FOLD_EMPTY;
    else
        U16_NEXT(out, at, out_size, target);
    if (out_size > 0 && at == out_size && (uint32_t)target < FOLD_TABLE_SIZE && boundary &&
        unorm2_hasBoundaryBefore(nfkc_casefold, target))
        *flags |= FOLD_SIMPLE | (uint32_t)target;
    return STATUS_OK;
}

/* Replaces the target of every character that folds to a styled letter. */
static void apply_styled(void)
{
    for (uint32_t c = 0x80; c < FOLD_TABLE_SIZE; c++) {
        uint32_t flags = fold_tables.characters[c];
        uint32_t target = flags & FOLD_TARGET;
        if (!(flags & FOLD_SIMPLE) || target < 0x80)
            continue;
        size_t low = 0, high = LENGTH(fold_styled);
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (fold_styled[middle].code_point < target)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < LENGTH(fold_styled) && fold_styled[low].code_point == target)
            fold_tables.characters[c] = (flags & ~FOLD_TARGET) | (uint8_t)fold_styled[low].letter;
    }
}

/* White space becomes a space; look-alikes are marked where folding leaves them as they are. */
static void apply_rest(void)
{
    for (uint32_t c = 0; c < FOLD_TABLE_SIZE; c++) {
        uint32_t flags = fold_tables.characters[c];
        if ((flags & FOLD_SIMPLE) && (fold_tables.characters[flags & FOLD_TARGET] & FOLD_SPACE))
            fold_tables.characters[c] = (flags & ~FOLD_TARGET) | ' ';
    }
    for (size_t i = 0; i < LENGTH(fold_look_alikes); i++) {
        uint32_t c = fold_look_alikes[i].code_point;
        uint32_t flags = fold_tables.characters[c];
        if ((flags & FOLD_SIMPLE) && (flags & FOLD_TARGET) == c && (flags & FOLD_WORD))
            fold_tables.characters[c] = flags | FOLD_LOOK_ALIKE | (fold_look_alikes[i].weak ? FOLD_WEAK : 0);
    }
}

/*
 * Characters that begin something new and fold to several characters are folded once, here. What is left to ICU is text
 * with marks that compose, and what is beyond the table.
 */
static enum status expand(struct fold_scratch *scratch, uint32_t code_point, uint32_t *used)
{
    uint8_t bytes[4];
    int32_t size;
    uint32_t count = 0;
    enum status status = fold_segment(scratch, span_of(bytes, utf8_encode(code_point, bytes)), true, &size);
    if (status != STATUS_OK)
        return status;
    if (size > (int32_t)FOLD_MANY_MAX || (uint32_t)size + 1 > FOLD_MANY_TOTAL - *used)
        return STATUS_OK; /* left to ICU */
    uint32_t *many = fold_tables.many + *used;
    for (int32_t at = 0; at < size;) {
        UChar32 c;
        U16_NEXT(scratch->out, at, size, c);
        many[++count] = (uint32_t)c;
    }
    many[0] = count;
    fold_tables.characters[code_point] |= FOLD_MANY | *used;
    *used += count + 1;
    return STATUS_OK;
}

static enum status expand_all(void)
{
    uint32_t used = 0;
    enum status status = STATUS_OK;
    struct fold_scratch scratch;
    fold_scratch_start(&scratch);
    for (uint32_t c = 0; c < FOLD_TABLE_SIZE && status == STATUS_OK; c++) {
        bool simple = (fold_tables.characters[c] & (FOLD_SIMPLE | FOLD_EMPTY)) != 0;
        if (!simple && (fold_tables.characters[c] & FOLD_BOUNDARY) && (c < 0xD800 || c > 0xDFFF))
            status = expand(&scratch, c, &used);
    }
    fold_scratch_end(&scratch);
    return status;
}

/* The bits of a letter's script: see struct fold_quick. */
static uint32_t script_bits(uint32_t code_point)
{
    static const UScriptCode common[] = {USCRIPT_CYRILLIC, USCRIPT_GREEK,   USCRIPT_ARABIC,   USCRIPT_HEBREW,
                                         USCRIPT_ARMENIAN, USCRIPT_HANGUL,  USCRIPT_GEORGIAN, USCRIPT_DEVANAGARI,
                                         USCRIPT_HAN,      USCRIPT_HIRAGANA};
    uint8_t script = fold_tables.scripts[code_point];
    if (script == 0)
        return 0;
    for (unsigned i = 0; i < LENGTH(common); i++) {
        if (script == common[i])
            return 1u << (8 + i);
    }
    return script == fold_script_latin ? 3u << 28 : 3u << 30;
}

static void fill_quick(void)
{
    for (uint32_t c = 0; c < FOLD_TABLE_SIZE; c++) {
        struct fold_quick *quick = &fold_tables.quick[c];
        uint32_t flags = fold_tables.characters[c], target = flags & FOLD_TARGET;
        *quick = (struct fold_quick){.facts = FOLD_QUICK_HARD};
        if (!(flags & FOLD_SIMPLE) || !(flags & FOLD_BOUNDARY))
            continue;
        uint8_t bytes[4] = {0};
        uint32_t size = utf8_encode(target, bytes), of_target = fold_tables.characters[target];
        memcpy(&quick->bytes, bytes, 4);
        quick->facts = size | (of_target & FOLD_SPACE ? FOLD_QUICK_SPACE : 0);
        if (of_target & FOLD_WORD)
            quick->facts |= FOLD_QUICK_WORD | script_bits(target);
        if (of_target & FOLD_LOOK_ALIKE)
            quick->facts |= FOLD_QUICK_LOOK_ALIKE;
    }
}

enum status fold_start(void)
{
    if (nfkc_casefold)
        return STATUS_OK;
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *normalizer = unorm2_getNFKCCasefoldInstance(&error);
    if (U_FAILURE(error))
        return STATUS_SYSTEM;
    nfkc_casefold = normalizer;
    for (uint32_t c = 0; c < FOLD_TABLE_SIZE; c++) {
        uint32_t flags = describe(c);
        enum status status = c >= 0xD800 && c <= 0xDFFF ? STATUS_OK : fold_alone(c, &flags);
        if (status != STATUS_OK) {
            nfkc_casefold = NULL;
            return status;
        }
        fold_tables.characters[c] = flags;
        fold_tables.scripts[c] = flags & FOLD_LETTER ? script_of(c) : 0;
    }
    fold_script_latin = script_of('a');
    apply_styled();
    apply_rest();
    fill_quick();
    enum status status = expand_all();
    if (status != STATUS_OK)
        nfkc_casefold = NULL;
    return status;
}

const char *fold_look_alike(uint32_t code_point)
{
    size_t low = 0, high = LENGTH(fold_look_alikes);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (fold_look_alikes[middle].code_point < code_point)
            low = middle + 1;
        else
            high = middle;
    }
    return low < LENGTH(fold_look_alikes) && fold_look_alikes[low].code_point == code_point
               ? fold_look_alikes[low].letters
               : NULL;
}

char fold_disguise(uint32_t code_point)
{
    size_t low = 0, high = LENGTH(fold_disguises);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (fold_disguises[middle].code_point < code_point)
            low = middle + 1;
        else
            high = middle;
    }
    return low < LENGTH(fold_disguises) && fold_disguises[low].code_point == code_point ? fold_disguises[low].letter
                                                                                        : '\0';
}

char fold_base_letter(uint32_t code_point)
{
    UChar decomposed[8];
    UErrorCode error = U_ZERO_ERROR;
    if (code_point < 0xC0 || !(fold_character(code_point) & FOLD_LETTER))
        return '\0';
    int32_t size = unorm2_getDecomposition(nfkc_casefold, (UChar32)code_point, decomposed, LENGTH(decomposed), &error);
    if (U_FAILURE(error) || size < 2 || decomposed[0] < 'a' || decomposed[0] > 'z')
        return '\0';
    return (char)decomposed[0];
}

void fold_scratch_start(struct fold_scratch *scratch)
{
    scratch->in = scratch->in_fixed;
    scratch->out = scratch->out_fixed;
    scratch->in_capacity = (int32_t)LENGTH(scratch->in_fixed);
    scratch->out_capacity = (int32_t)LENGTH(scratch->out_fixed);
}

void fold_scratch_end(struct fold_scratch *scratch)
{
    if (scratch->in != scratch->in_fixed)
        free(scratch->in);
    if (scratch->out != scratch->out_fixed)
        free(scratch->out);
    fold_scratch_start(scratch);
}

/* Makes room for `size` units; the contents are lost. */
static enum status grow(UChar **units, const UChar *fixed, int32_t *capacity, int32_t size)
{
    if (size <= *capacity)
        return STATUS_OK;
    UChar *larger = malloc((size_t)size * sizeof(UChar));
    if (!larger)
        return STATUS_NO_MEMORY;
    if (*units != fixed)
        free(*units);
    *units = larger;
    *capacity = size;
    return STATUS_OK;
}

/* Normalises `in_size` units of scratch->in. */
static enum status normalise(struct fold_scratch *scratch, int32_t in_size, int32_t *ret_size)
{
    for (;;) {
        UErrorCode error = U_ZERO_ERROR;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): scratch->in stays what it is, whatever is written to scratch->out. */
        int32_t size =
            unorm2_normalize(nfkc_casefold, scratch->in, in_size, scratch->out, scratch->out_capacity, &error);
        if (U_SUCCESS(error)) {
            *ret_size = size;
            return STATUS_OK;
        }
        if (error == U_MEMORY_ALLOCATION_ERROR)
            return STATUS_NO_MEMORY;
        if (error != U_BUFFER_OVERFLOW_ERROR)
            return STATUS_SYSTEM;
        enum status status = grow(&scratch->out, scratch->out_fixed, &scratch->out_capacity, size);
        if (status != STATUS_OK)
            return status;
    }
}

/* Copies scratch->out to scratch->in with styled letters made plain; 0 if there were none. */
static enum status plain(struct fold_scratch *scratch, int32_t size, int32_t *ret_size)
{
    enum status status = grow(&scratch->in, scratch->in_fixed, &scratch->in_capacity, size);
    if (status != STATUS_OK)
        return status;
    bool found = false;
    int32_t written = 0;
    for (int32_t at = 0; at < size;) {
        UChar32 c;
        /* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): normalise wrote all `size` units. */
        U16_NEXT(scratch->out, at, size, c);
        uint32_t flags = fold_character((uint32_t)c);
        if (c >= 0x80 && (flags & FOLD_SIMPLE) && (flags & FOLD_TARGET) < 0x80 && !(flags & FOLD_SPACE)) {
            c = (UChar32)(flags & FOLD_TARGET);
            found = true;
        }
        U16_APPEND_UNSAFE(scratch->in, written, c);
    }
    *ret_size = found ? written : 0;
    return STATUS_OK;
}

enum status fold_segment(struct fold_scratch *scratch, struct span segment, bool styled, int32_t *ret_size)
{
    if (segment.size > INT32_MAX / 4)
        return STATUS_LIMIT;
    /* A byte of UTF-8 never gives more than one unit of UTF-16. */
    enum status status = grow(&scratch->in, scratch->in_fixed, &scratch->in_capacity, (int32_t)segment.size);
    int32_t size = 0;
    if (status != STATUS_OK)
        return status;
    for (size_t at = 0; at < segment.size;) {
        uint32_t c;
        at += utf8_decode(span_of(segment.data + at, segment.size - at), &c);
        if (!(fold_character(c) & FOLD_EMPTY))
            U16_APPEND_UNSAFE(scratch->in, size, c);
    }
    status = normalise(scratch, size, &size);
    if (status != STATUS_OK || !styled) {
        if (status == STATUS_OK)
            *ret_size = size;
        return status;
    }
    int32_t plain_size;
    status = plain(scratch, size, &plain_size);
    if (status == STATUS_OK && plain_size > 0)
        status = normalise(scratch, plain_size, &size);
    if (status == STATUS_OK)
        *ret_size = size;
    return status;
}
