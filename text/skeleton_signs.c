/* The cheap question of text/skeleton.h: may a message hold words in disguise? */
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "text/fold.h"
#include "text/skeleton.h"
#include "text/skeleton_units.h"
#include "text/utf8.h"

#define WINDOW 64u /* bytes that are looked at together, one bit each */
#define BEFORE 8u  /* of them, only seen as what stands before others; and so many behind */
#define BEHIND 4u

/* Which bytes of a window are what. */
struct window {
    uint64_t letters, digits, symbols /* @ $ + | */, closing /* ! */, spaces, doubled;
};

typedef void (*window_reader)(const uint8_t *text, struct window *window);

/* `text` has a byte before it and WINDOW bytes. */
static void read_portable(const uint8_t *text, struct window *window)
{
    *window = (struct window){0};
    for (unsigned i = 0; i < WINDOW; i++) {
        uint64_t bit = UINT64_C(1) << i;
        uint8_t byte = text[i];
        window->letters |= byte >= 'a' && byte <= 'z' ? bit : 0;
        window->digits |= byte >= '0' && byte <= '9' ? bit : 0;
        window->symbols |= byte == '@' || byte == '$' || byte == '+' || byte == '|' ? bit : 0;
        window->closing |= byte == '!' ? bit : 0;
        window->spaces |= byte == ' ' ? bit : 0;
        window->doubled |= byte == text[(ptrdiff_t)i - 1] ? bit : 0;
    }
}

#ifdef __SSE2__
static inline uint64_t bits(__m128i bytes, unsigned at)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(bytes) << at;
}

static inline __m128i is(__m128i block, char byte)
{
    return _mm_cmpeq_epi8(block, _mm_set1_epi8(byte));
}

/* Bytes from `first` to `last`: moved so that they are the greatest, signed. */
static inline __m128i within(__m128i block, char first, char last)
{
    return _mm_cmpgt_epi8(_mm_add_epi8(block, _mm_set1_epi8((char)(0x7F - last))),
                          _mm_set1_epi8((char)(0x7F - (last - first) - 1)));
}

static inline void read_vectors(const uint8_t *text, struct window *window)
{
    struct window read = {0};
    for (unsigned at = 0; at < WINDOW; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
        __m128i before = _mm_loadu_si128((const __m128i *)(const void *)(text + at - 1));
        read.letters |= bits(within(block, 'a', 'z'), at);
        read.digits |= bits(within(block, '0', '9'), at);
        read.symbols |= bits(
            _mm_or_si128(_mm_or_si128(is(block, '@'), is(block, '$')), _mm_or_si128(is(block, '+'), is(block, '|'))),
            at);
        read.closing |= bits(is(block, '!'), at);
        read.spaces |= bits(is(block, ' '), at);
        read.doubled |= bits(_mm_cmpeq_epi8(block, before), at);
    }
    *window = read;
}
#define read_window read_vectors
#else
#define read_window read_portable
#endif

static bool is_letter(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z';
}

/* Are the letters at text[-1] and text[0], which are the same, more than plain words have? */
static bool is_doubled_oddly(const uint8_t *text)
{
    return text[-2] == text[0] || skeleton_is_odd_double(text[0], !is_letter(text[-2]), !is_letter(text[1]));
}

/* Which of the bytes that have bits in `among` begin what a link was defanged with, or are an apostrophe in a word? */
static uint64_t link_signs(const uint8_t *text, uint64_t among, uint64_t *ret_apostrophes)
{
    uint64_t found = 0, apostrophes = 0;
    for (; among; among &= among - 1) {
        const uint8_t *at = text + __builtin_ctzll(among);
        bool open = *at == '[' || *at == '(' || *at == '{';
        found |= open && (at[1] == '.' || at[1] == 'd') ? among & -among : 0;
        apostrophes |= *at == '\'' && at[-1] != '\'' && at[1] != '\'' ? among & -among : 0;
    }
    *ret_apostrophes = apostrophes;
    return found;
}

/* Signs at the bytes that `here` has bits of. */
static inline uint64_t find_signs(const uint8_t *text, const struct window *window, uint64_t here)
{
    uint64_t letters = window->letters, strong = window->digits | window->symbols, apostrophes;
    uint64_t parts = letters | strong | window->closing, tight = ~window->spaces;
    uint64_t signs = (strong & (letters << 1 | letters >> 1)) | (window->closing & letters >> 1);
    /* Others may also follow a word, so that they do not keep a letter from being alone. */
    uint64_t solid = letters | window->digits;
    uint64_t alone = parts & ~(solid << 1) & ~(solid >> 1);
    uint64_t near = alone << 2 | alone << 3 | alone << 4;
    uint64_t other = ~(parts | window->spaces);
    signs |= link_signs(text, other, &apostrophes) | (alone & near & (near << 2 | near << 3 | near << 4));
    /* A letter that punctuation parts from others. */
    other &= ~apostrophes;
    signs |= alone & letters &
             ((other >> 1 & (parts >> 2 | (tight >> 2 & parts >> 3))) |
              (other << 1 & (parts << 2 | (tight << 2 & parts << 3))) | (tight >> 1 & other >> 2 & parts >> 3) |
              (tight << 1 & other << 2 & parts << 3));
    signs &= here;
    for (uint64_t doubled = here & window->doubled & letters; doubled; doubled &= doubled - 1) {
        if (is_doubled_oddly(text + __builtin_ctzll(doubled)))
            signs |= doubled & -doubled;
    }
    uint64_t three = here & letters & window->spaces << 1 & letters >> 1 & letters >> 2 & window->spaces >> 3;
    for (; three; three &= three - 1) {
        if (memcmp(text + __builtin_ctzll(three), "dot", 3) == 0)
            signs |= three & -three;
    }
    return signs;
}

/* The first sign of what is ASCII at or after `from`; SIZE_MAX if there is none. */
static inline size_t find_sign(struct span folded, size_t from, window_reader read)
{
    uint8_t room[BEFORE + WINDOW + BEFORE];
    memset(room, ' ', sizeof room);
    const size_t before_max = (size_t)2 * BEFORE; /* before `at`: in the window, and what is read before that */
    for (size_t at = from; at < folded.size; at += WINDOW - BEFORE - BEHIND) {
        size_t before = at < before_max ? at : before_max, left = folded.size - at;
        const uint8_t *text = folded.data + at - BEFORE;
        if (before < before_max || left < WINDOW) {
            size_t size = left < WINDOW ? left : WINDOW;
            memset(room, ' ', sizeof room);
            memcpy(room + before_max - before, folded.data + at - before,
                   before + (size < WINDOW - BEFORE ? size : WINDOW - BEFORE));
            text = room + BEFORE;
        }
        struct window window;
        read(text, &window);
        bool last = left <= WINDOW - BEFORE - BEHIND;
        uint64_t here = ~UINT64_C(0) << BEFORE & (last ? ~UINT64_C(0) : ~UINT64_C(0) >> BEHIND);
        uint64_t signs = find_signs(text, &window, here);
        if (signs)
            return at - BEFORE + (unsigned)__builtin_ctzll(signs);
    }
    return SIZE_MAX;
}

/* A capital I after a small letter may be an l. The first one at or after `from`, or SIZE_MAX. */
static size_t find_inner_capital(struct span message, size_t from)
{
    if (from >= message.size)
        return SIZE_MAX;
    const uint8_t *end = message.data + message.size;
    for (const uint8_t *at = message.data + from; (at = memchr(at, 'I', (size_t)(end - at))) != NULL; at++) {
        if (at > message.data && is_letter(at[-1]))
            return (size_t)(at - message.data);
    }
    return SIZE_MAX;
}

size_t skeleton_sign(struct span message, struct span folded, size_t from)
{
    size_t sign = find_sign(folded, from, read_window);
    size_t capital = message.size == folded.size ? find_inner_capital(message, from) : SIZE_MAX;
    return sign < capital ? sign : capital;
}

bool skeleton_has_inner_capital(struct span message)
{
    return find_inner_capital(message, 0) != SIZE_MAX;
}

static bool has_disguise(struct span message)
{
    for (size_t at = 0; at < message.size;) {
        uint32_t c;
        at += utf8_next(span_of(message.data + at, message.size - at), &c);
        if (c >= 0x80 && fold_disguise(c))
            return true;
    }
    return false;
}

/* Where a look over a text that is not all ASCII is. */
struct look {
    bool latin, alike;              /* there was a letter a-z; a letter of another script that looks so */
    unsigned accents;               /* of the word */
    unsigned letters, singles;      /* of what stands between two spaces; such with one letter in a row */
    unsigned separators;            /* in a row, after a letter */
    bool apostrophe;                /* the last of them is one */
    bool letter_before, far_before; /* before them: a letter; one beyond ASCII */
};

static void look_at_space(struct look *look)
{
    look->singles = look->letters == 1 ? look->singles + 1 : look->letters == 0 ? look->singles : 0;
    look->accents = look->letters = look->separators = 0;
    look->letter_before = look->far_before = false;
}

/* Is there a sign of disguise that the windows do not see? */
static bool look_at(struct look *look, uint32_t c)
{
    char letter;
    enum unit_kind kind = skeleton_kind(c, &letter);
    if (kind == UNIT_SPACE) {
        look_at_space(look);
        return look->singles >= 3;
    }
    if (kind == UNIT_OTHER) {
        bool apostrophe = c == '\'' || c == 0x2018 || c == 0x2019;
        look->separators += look->letter_before;
        look->apostrophe = apostrophe;
        look->far_before |= c >= 0x80;
        look->accents = 0;
        return false;
    }
    bool far = c >= 0x80 && letter != '\0';
    bool one_apostrophe = look->separators == 1 && look->apostrophe; /* "it's" is one piece */
    bool parted = look->separators > 0 && !one_apostrophe && letter != '\0' && (far || look->far_before);
    look->latin |= kind == UNIT_LETTER || kind == UNIT_ACCENT;
    look->alike |= kind == UNIT_ALIKE;
    look->accents += kind == UNIT_ACCENT;
    look->letters += letter != '\0' || kind == UNIT_FOREIGN;
    look->letter_before = letter != '\0';
    look->far_before = far;
    look->separators = 0;
    return parted || kind == UNIT_REGIONAL || kind == UNIT_MARK || look->accents >= 1 || (kind == UNIT_LEET && far) ||
           (look->alike && look->latin);
}

static bool differs_beyond_ascii(struct span folded)
{
    struct look look = {0};
    for (size_t at = 0; at < folded.size;) {
        uint32_t c;
        at += utf8_next(span_of(folded.data + at, folded.size - at), &c);
        if (look_at(&look, c))
            return true;
    }
    return look_at(&look, ' ');
}

static bool differs(struct span message, struct span folded, window_reader read)
{
    if (folded.size == 0)
        return false;
    if (find_sign(folded, 0, read) != SIZE_MAX || find_inner_capital(message, 0) != SIZE_MAX)
        return true;
    if (utf8_ascii_prefix(message) == message.size)
        return false;
    return has_disguise(message) || differs_beyond_ascii(folded);
}

bool skeleton_differs(struct span message, struct span folded)
{
    return differs(message, folded, read_window);
}

bool skeleton_differs_portable(struct span message, struct span folded)
{
    return differs(message, folded, read_portable);
}
