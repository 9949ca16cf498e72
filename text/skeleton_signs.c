#include "text/skeleton_signs.h"

#include <stdbool.h>
#include <string.h>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "text/skeleton_units.h"

#define WINDOW 64u /* bytes that are looked at together, one bit each */
#define AROUND 4u  /* of them, at both ends, only seen as what stands beside others */
#define STEP (WINDOW - 2 * AROUND)

/* Which bytes of a window are what. */
struct window {
    uint64_t letters, strong /* digits @ $ + | */, closing /* ! */, spaces /* and newlines */, quotes /* ' */;
    uint64_t open /* [ ( { */, doubled /* as the byte before */, dees /* d */, dividers /* - _ * ~ */;
    /* Of the doubled ones, letters that are so in no plain word: anywhere, at its beginning, at its end. */
    uint64_t odd, odd_first, odd_last;
};

static inline void note_odd(struct window *window, uint8_t byte, uint64_t bit)
{
    window->odd |= skeleton_is_in(SKELETON_NEVER_DOUBLE, byte) ? bit : 0;
    window->odd_first |= skeleton_is_in(SKELETON_DOUBLE_FIRST, byte) ? 0 : bit;
    window->odd_last |= skeleton_is_in(SKELETON_NOT_LAST, byte) ? bit : 0;
}

/* `text` has a byte before it and WINDOW bytes. */
static inline void read_portable(const uint8_t *text, struct window *window)
{
    *window = (struct window){0};
    for (unsigned i = 0; i < WINDOW; i++) {
        uint64_t bit = UINT64_C(1) << i;
        uint8_t byte = text[i];
        window->letters |= byte >= 'a' && byte <= 'z' ? bit : 0;
        window->strong |=
            (byte >= '0' && byte <= '9') || byte == '@' || byte == '$' || byte == '+' || byte == '|' ? bit : 0;
        window->closing |= byte == '!' ? bit : 0;
        window->spaces |= byte == ' ' || byte == '\n' ? bit : 0;
        window->quotes |= byte == '\'' ? bit : 0;
        window->open |= byte == '(' || byte == '[' || byte == '{' ? bit : 0;
        window->doubled |= byte == text[(ptrdiff_t)i - 1] ? bit : 0;
        window->dees |= byte == 'd' ? bit : 0;
        window->dividers |= skeleton_is_divider(byte) ? bit : 0;
        note_odd(window, byte, bit);
    }
}

#ifdef __SSE2__
typedef __m128i block16;
#define is16(block, byte) _mm_cmpeq_epi8(block, _mm_set1_epi8(byte))
#define or16 _mm_or_si128
/* Bytes from `first` to `last`: moved so that they are the greatest, signed. */
#define within16(block, first, last)                                                                                   \
    _mm_cmpgt_epi8(_mm_add_epi8(block, _mm_set1_epi8((char)(0x7F - (last)))),                                          \
                   _mm_set1_epi8((char)(0x7F - ((last) - (first)) - 1)))
#define bits16(bytes, at) ((uint64_t)(unsigned)_mm_movemask_epi8(bytes) << (at))

static inline void read_sse2(const uint8_t *text, struct window *window)
{
    struct window read = {0};
    for (unsigned at = 0; at < WINDOW; at += 16) {
        block16 block = _mm_loadu_si128((const block16 *)(const void *)(text + at));
        block16 before = _mm_loadu_si128((const block16 *)(const void *)(text + at - 1));
        block16 symbols = or16(or16(is16(block, '@'), is16(block, '$')), or16(is16(block, '+'), is16(block, '|')));
        block16 open = or16(is16(or16(block, _mm_set1_epi8(0x20)), '{'), is16(block, '('));
        read.letters |= bits16(within16(block, 'a', 'z'), at);
        read.strong |= bits16(or16(symbols, within16(block, '0', '9')), at);
        read.closing |= bits16(is16(block, '!'), at);
        read.spaces |= bits16(or16(is16(block, ' '), is16(block, '\n')), at);
        read.quotes |= bits16(is16(block, '\''), at);
        read.open |= bits16(open, at);
        read.doubled |= bits16(_mm_cmpeq_epi8(block, before), at);
        read.dees |= bits16(is16(block, 'd'), at);
        read.dividers |=
            bits16(or16(or16(is16(block, '-'), is16(block, '_')), or16(is16(block, '*'), is16(block, '~'))), at);
    }
    for (uint64_t doubled = read.doubled & read.letters; doubled; doubled &= doubled - 1)
        note_odd(&read, text[__builtin_ctzll(doubled)], doubled & -doubled);
    *window = read;
}

typedef __m256i block32;
#define AVX2 __attribute__((target("avx2")))
#define or32 _mm256_or_si256
#define bits32(bytes, at) ((uint64_t)(unsigned)_mm256_movemask_epi8(bytes) << (at))

/*
 * The letters that are odd where they are doubled, by the lower half of the byte: bits 7, 6 and 5 (odd, odd_first,
 * odd_last) of those that begin with 6, bits 4, 3 and 2 of those with 7.
 */
#define ODD(letter, moved)                                                                                             \
    ((SKELETON_NEVER_DOUBLE >> ((letter) - 'a') & 1 ? 0x80 >> (moved) : 0) |                                           \
     (SKELETON_DOUBLE_FIRST >> ((letter) - 'a') & 1 ? 0 : 0x40 >> (moved)) |                                           \
     (SKELETON_NOT_LAST >> ((letter) - 'a') & 1 ? 0x20 >> (moved) : 0))
#define ODD_BOTH(first, second) ODD(first, 0) | ODD(second, 3)

#define ODD_LETTERS                                                                                                    \
    ODD('p', 3), ODD_BOTH('a', 'q'), ODD_BOTH('b', 'r'), ODD_BOTH('c', 's'), ODD_BOTH('d', 't'), ODD_BOTH('e', 'u'),   \
        ODD_BOTH('f', 'v'), ODD_BOTH('g', 'w'), ODD_BOTH('h', 'x'), ODD_BOTH('i', 'y'), ODD_BOTH('j', 'z'),            \
        ODD('k', 0), ODD('l', 0), ODD('m', 0), ODD('n', 0), ODD('o', 0)

/* What blocks are compared with: in memory, as there are more than registers. */
#define EVERY(byte)                                                                                                    \
    {                                                                                                                  \
        byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte,    \
            byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte, byte                         \
    }
struct operands {
    _Alignas(32) uint8_t at[32], dollar[32], plus[32], bar[32], bang[32], space[32], newline[32], quote[32], dee[32];
    uint8_t hyphen[32], underscore[32], star[32], tilde[32], brace[32], parenthesis[32], small[32], letters_move[32],
        letters_from[32], digits_move[32];
    uint8_t digits_from[32], low[32], moved[32], odd[32];
};

/* A range of bytes is moved so that they are the greatest, signed. */
static const struct operands operands = {
    .at = EVERY('@'),
    .dollar = EVERY('$'),
    .plus = EVERY('+'),
    .bar = EVERY('|'),
    .bang = EVERY('!'),
    .space = EVERY(' '),
    .newline = EVERY('\n'),
    .quote = EVERY('\''),
    .dee = EVERY('d'),
    .hyphen = EVERY('-'),
    .underscore = EVERY('_'),
    .star = EVERY('*'),
    .tilde = EVERY('~'),
    .brace = EVERY('{'),
    .parenthesis = EVERY('('),
    .small = EVERY(0x20),
    .letters_move = EVERY(0x7F - 'z'),
    .letters_from = EVERY(0x7F - 26),
    .digits_move = EVERY(0x7F - '9'),
    .digits_from = EVERY(0x7F - 10),
    .low = EVERY(0x0F),
    .moved = EVERY(0xE0),
    .odd = {ODD_LETTERS, ODD_LETTERS},
};
#define operand(name) _mm256_load_si256((const block32 *)(const void *)of->name)
#define is32(block, name) _mm256_cmpeq_epi8(block, operand(name))

AVX2 static inline void read_avx2(const uint8_t *text, struct window *window)
{
    struct window read = {0};
    const struct operands *of = &operands;
    for (unsigned at = 0; at < WINDOW; at += 32) {
        __asm__("" : "+r"(of)); /* or the compiler makes them anew every time, and keeps more than it has room for */
        block32 block = _mm256_loadu_si256((const block32 *)(const void *)(text + at));
        block32 before = _mm256_loadu_si256((const block32 *)(const void *)(text + at - 1));
        block32 letters = _mm256_cmpgt_epi8(_mm256_add_epi8(block, operand(letters_move)), operand(letters_from));
        block32 digits = _mm256_cmpgt_epi8(_mm256_add_epi8(block, operand(digits_move)), operand(digits_from));
        block32 symbols = or32(or32(is32(block, at), is32(block, dollar)), or32(is32(block, plus), is32(block, bar)));
        block32 open = or32(is32(or32(block, operand(small)), brace), is32(block, parenthesis));
        read.letters |= bits32(letters, at);
        read.strong |= bits32(or32(symbols, digits), at);
        read.closing |= bits32(is32(block, bang), at);
        read.spaces |= bits32(or32(is32(block, space), is32(block, newline)), at);
        read.quotes |= bits32(is32(block, quote), at);
        read.open |= bits32(open, at);
        read.doubled |= bits32(_mm256_cmpeq_epi8(block, before), at);
        read.dees |= bits32(is32(block, dee), at);
        block32 dividers = or32(is32(block, underscore), is32(block, tilde));
        dividers = or32(dividers, or32(is32(block, hyphen), is32(block, star)));
        read.dividers |= bits32(dividers, at);
        /* By both halves of the byte; what is known of those that begin with 7 is moved to where those with 6 have it. */
        block32 odd = _mm256_shuffle_epi8(operand(odd), _mm256_and_si256(block, operand(low)));
        block32 seven = _mm256_slli_epi16(block, 3); /* bit 4 of the byte as its sign */
        odd = _mm256_blendv_epi8(odd, _mm256_and_si256(_mm256_slli_epi16(odd, 3), operand(moved)), seven);
        read.odd |= bits32(odd, at);
        read.odd_first |= bits32(_mm256_slli_epi16(odd, 1), at);
        read.odd_last |= bits32(_mm256_slli_epi16(odd, 2), at);
    }
    *window = read;
}
#endif

/* What links were defanged with: `[.`, `(dot`, ` dot `, `hxxp`. `doubled`: as the byte before. */
static inline uint64_t link_signs(const uint8_t *text, uint64_t open, uint64_t dots, uint64_t doubled)
{
    uint64_t found = 0;
    for (; open; open &= open - 1) {
        const uint8_t *at = text + __builtin_ctzll(open);
        found |= at[1] == '.' || (at[1] == 'd' && at[2] == 'o' && at[3] == 't') ? open & -open : 0;
    }
    for (; dots; dots &= dots - 1) {
        const uint8_t *at = text + __builtin_ctzll(dots);
        found |= at[1] == 'o' && at[2] == 't' ? dots & -dots : 0;
    }
    for (; doubled; doubled &= doubled - 1) {
        const uint8_t *at = text + __builtin_ctzll(doubled);
        found |= at[-2] == 'h' && at[0] == 'x' && at[1] == 'p' ? doubled & -doubled : 0;
    }
    return found;
}

/* Shifted to the right: what stands behind a byte; to the left: what stands before it. */
static inline __attribute__((always_inline)) struct skeleton_found find_signs(const uint8_t *text,
                                                                              const struct window *window)
{
    const uint64_t here = ~UINT64_C(0) >> 2 * AROUND << AROUND;
    uint64_t letters = window->letters, strong = window->strong, solid = letters | strong;
    uint64_t parts = solid | window->closing, spaces = window->spaces, tight = ~spaces;
    uint64_t signs = (strong & (letters << 1 | letters >> 1)) | (window->closing & letters >> 1);
    signs |= window->dividers & letters << 1 & letters >> 1;
    /* Letters that stand alone, near to others; and such that punctuation, but for one apostrophe, parts from more. */
    uint64_t alone = parts & ~(solid << 1) & ~(solid >> 1);
    signs |= alone & (alone << 2 | alone << 3 | alone << 4) & (alone >> 2 | alone >> 3 | alone >> 4);
    uint64_t quotes = window->quotes & parts << 1 & parts >> 1;
    uint64_t other = ~(parts | spaces | quotes);
    signs |= alone & letters & ((other >> 1 & tight >> 2) | (other << 1 & tight << 2));
    uint64_t doubled = window->doubled & letters;
    doubled &=
        doubled << 1 | window->odd | (window->odd_first & ~(letters << 2)) | (window->odd_last & ~(letters >> 1));
    doubled &= here;
    uint64_t dots = window->dees & spaces << 1 & letters >> 1 & letters >> 2 & spaces >> 3;
    uint64_t links = 0;
    if (__builtin_expect((((window->open | dots) & here) | doubled) != 0, 0))
        links = link_signs(text, window->open & here, dots & here, doubled);
    return (struct skeleton_found){.signs = (signs & here) | doubled | links, .links = links};
}

static struct skeleton_found find_portable(const uint8_t *text)
{
    struct window window;
    read_portable(text, &window);
    return find_signs(text, &window);
}

#ifdef __SSE2__
static struct skeleton_found find_sse2(const uint8_t *text)
{
    struct window window;
    read_sse2(text, &window);
    return find_signs(text, &window);
}

AVX2 static struct skeleton_found find_avx2(const uint8_t *text)
{
    struct window window;
    read_avx2(text, &window);
    return find_signs(text, &window);
}
#endif

void skeleton_signs_start(struct skeleton_signs *signs, struct span text, enum skeleton_way way)
{
    *signs = (struct skeleton_signs){.text = text, .find = find_portable};
#ifdef __SSE2__
    if (way == SKELETON_PORTABLE)
        return;
    signs->find = way == SKELETON_QUICKEST && __builtin_cpu_supports("avx2") ? find_avx2 : find_sse2;
#else
    (void)way;
#endif
}

/* At both ends of the text: what is not there counts as white space. */
static __attribute__((noinline)) struct skeleton_found find_at_end(const struct skeleton_signs *signs, size_t at)
{
    uint8_t room[1 + WINDOW];
    memset(room, '\n', sizeof room);
    size_t before = at < AROUND + 1 ? at : AROUND + 1, behind = signs->text.size - at;
    behind = behind < WINDOW - AROUND ? behind : WINDOW - AROUND;
    memcpy(room + 1 + AROUND - before, signs->text.data + at - before, before + behind);
    return signs->find(room + 1);
}

/* Drops what is left before signs->passed. */
static inline void drop_passed(struct skeleton_signs *signs)
{
    ptrdiff_t count = (ptrdiff_t)signs->passed - signs->base;
    if (count > 0)
        signs->left.signs &= count < (ptrdiff_t)WINDOW ? ~UINT64_C(0) << count | signs->left.links : signs->left.links;
}

size_t skeleton_signs_next(struct skeleton_signs *signs)
{
    while (!signs->left.signs) {
        size_t at = signs->at, size = signs->text.size;
        if (at >= size)
            return SIZE_MAX;
        bool inside = at > AROUND && size - at >= WINDOW - AROUND;
        signs->left = inside ? signs->find(signs->text.data + at - AROUND) : find_at_end(signs, at);
        signs->base = (ptrdiff_t)at - (ptrdiff_t)AROUND;
        signs->at = at + STEP;
        drop_passed(signs);
    }
    uint64_t sign = signs->left.signs & -signs->left.signs;
    signs->left.signs ^= sign;
    signs->link = (signs->left.links & sign) != 0;
    signs->left.links &= ~sign;
    return (size_t)(signs->base + __builtin_ctzll(sign));
}

void skeleton_signs_pass(struct skeleton_signs *signs, size_t to)
{
    signs->passed = to;
    drop_passed(signs);
}

void skeleton_signs_skip(struct skeleton_signs *signs, size_t to)
{
    if (to >= signs->at) {
        signs->at = to;
        signs->left = (struct skeleton_found){0};
    } else if ((ptrdiff_t)to > signs->base) {
        signs->left.links &= ~UINT64_C(0) << ((ptrdiff_t)to - signs->base);
        signs->left.signs &= ~UINT64_C(0) << ((ptrdiff_t)to - signs->base);
    }
}
