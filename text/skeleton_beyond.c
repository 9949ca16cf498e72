/* Messages that are not all ASCII: may their skeletons have something to search? */
#include <string.h>

#include "text/skeleton_build.h"
#include "text/skeleton_units.h"
#include "text/utf8.h"

/* Where the next byte that is no ASCII stands, at or after `from`. */
static size_t next_beyond(struct span text, size_t from)
{
    return from + utf8_ascii_prefix(span_of(text.data + from, text.size - from));
}

/* The character of a folded view, which is well-formed, at `at`. Returns how many bytes it takes. */
static inline uint32_t next_folded(const uint8_t *at, uint32_t *ret_code_point)
{
    uint32_t first = at[0];
    if (first < 0x80) {
        *ret_code_point = first;
        return 1;
    }
    if (first < 0xE0) {
        *ret_code_point = (first & 0x1F) << 6 | (at[1] & 0x3Fu);
        return 2;
    }
    if (first < 0xF0) {
        *ret_code_point = (first & 0x0F) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
        return 3;
    }
    *ret_code_point = (first & 0x07) << 18 | (at[1] & 0x3Fu) << 12 | (at[2] & 0x3Fu) << 6 | (at[3] & 0x3Fu);
    return 4;
}

/* What is seen of a token, character by character. */
struct token {
    bool regional, mark, foreign, separated;
    bool far_leet, alike;
    unsigned characters, letters; /* without marks; of these those that are or imitate a letter, and foreign ones */
    unsigned plain, accents;      /* of the letters those that are no digits or symbols; with accents */
    unsigned pieces, singles;     /* of letters between punctuation; of one letter */
};

/* The letters in a row so far. */
struct piece {
    unsigned letters;
    bool apostrophe; /* one stands behind them */
};

static void end_piece(struct token *token, struct piece *piece)
{
    token->pieces += piece->letters > 0;
    token->singles += piece->letters == 1;
    *piece = (struct piece){0};
}

static inline void look_at(struct token *token, struct piece *piece, uint32_t c)
{
    struct skeleton_about about = skeleton_about(c);
    token->characters += about.kind != UNIT_MARK;
    if (about.kind == UNIT_OTHER) {
        bool apostrophe = (c == '\'' || c == 0x2018 || c == 0x2019) && !piece->apostrophe && piece->letters > 0;
        token->separated = true;
        if (apostrophe)
            piece->apostrophe = true; /* "it's" is one piece */
        else
            end_piece(token, piece);
        return;
    }
    piece->apostrophe = false;
    token->mark |= about.kind == UNIT_MARK;
    token->regional |= about.kind == UNIT_REGIONAL;
    token->foreign |= about.kind == UNIT_FOREIGN;
    token->alike |= about.kind == UNIT_ALIKE;
    token->accents += about.kind == UNIT_ACCENT;
    token->far_leet |= about.kind == UNIT_LEET && c >= 0x80;
    bool letter = about.letter != '\0';
    token->letters += letter || about.kind == UNIT_FOREIGN;
    token->plain += letter && about.kind != UNIT_LEET;
    piece->letters += letter;
}

static struct token look_at_token(struct span text)
{
    struct token token = {0};
    struct piece piece = {0};
    for (size_t at = 0; at < text.size;) {
        uint32_t c;
        at += next_folded(text.data + at, &c);
        look_at(&token, &piece, c);
    }
    end_piece(&token, &piece);
    return token;
}

#define KIND(kind) (1u << (kind))

/*
 * Is it plain at a glance: one piece that has letters of no disguise, or letters of which few have accents, and more than
 * one of them? Most tokens are.
 */
static bool is_plain_beyond(struct span text)
{
    uint32_t kinds = 0;
    unsigned characters = 0, accents = 0;
    for (size_t at = 0; at < text.size; characters++) {
        uint32_t c;
        at += next_folded(text.data + at, &c);
        uint8_t kind = skeleton_about(c).kind;
        kinds |= KIND(kind);
        accents += kind == UNIT_ACCENT;
    }
    if (kinds & KIND(UNIT_OTHER))
        return false;
    return (kinds & KIND(UNIT_FOREIGN)) ||
           (!(kinds & ~(KIND(UNIT_LETTER) | KIND(UNIT_ACCENT))) && characters >= 2 && 2 * accents < characters);
}

/* May something in the token, which is not all ASCII, be written anew? */
static bool shows_sign(const struct token *token, bool latin)
{
    if (token->foreign && !token->separated)
        return false; /* one piece, and no word in disguise */
    return token->regional || token->mark || (token->far_leet && token->plain > 0) || (token->alike && latin) ||
           (token->accents >= 2 && (token->separated || 2 * token->accents >= token->letters)) ||
           (token->pieces >= 2 && token->singles > 0);
}

/* Its letter, if that is all it has besides some punctuation, may belong to a word whose letters stand apart. */
static bool is_eligible(const struct token *token)
{
    return !token->foreign && token->characters <= SKELETON_APART_TOKEN_MAX && token->letters <= 1;
}

/* The same at a glance, for most neighbours of such a token. */
static bool may_be_eligible(struct span text)
{
    size_t parts = 0;
    if (text.size > (size_t)4 * SKELETON_APART_TOKEN_MAX)
        return next_beyond(text, 0) < text.size; /* there may be any number of marks */
    for (size_t i = 0; i < text.size; i++)
        parts += text.data[i] >= 'a' && text.data[i] <= 'z';
    return parts <= 1;
}

/* Tokens of one letter or none around [start, end), which is such a token: have they letters enough for a word? */
static bool may_be_apart(struct span text, size_t start, size_t end)
{
    unsigned letters = 0;
    for (size_t last = end, first = start; letters < 3;) {
        struct span here = span_of(text.data + first, last - first);
        struct token token = {.foreign = !may_be_eligible(here)};
        if (!token.foreign)
            token = look_at_token(here);
        if (!is_eligible(&token))
            break;
        letters += token.letters;
        if (first == 0)
            break;
        last = first - 1;
        first = skeleton_token_start(text, last);
    }
    for (size_t next = end; letters < 3 && next < text.size;) {
        size_t next_end = skeleton_token_end(text, next + 1);
        struct span here = span_of(text.data + next + 1, next_end - next - 1);
        struct token token = {.foreign = !may_be_eligible(here)};
        if (!token.foreign)
            token = look_at_token(here);
        if (!is_eligible(&token))
            break;
        letters += token.letters;
        next = next_end;
    }
    return letters >= 3;
}

static bool has_latin_word(struct span folded)
{
    for (size_t i = 1; i < folded.size; i++) {
        uint8_t before = folded.data[i - 1], byte = folded.data[i];
        if (before >= 'a' && before <= 'z' && byte >= 'a' && byte <= 'z')
            return true;
    }
    return false;
}

/* Characters that as sent are not what the folded view makes of them: it takes a map to find them. */
static bool needs_map(struct span message)
{
    for (size_t at = next_beyond(message, 0); at < message.size;) {
        uint32_t c, first = message.data[at];
        if (first < 0x80) {
            bool more = at + 1 < message.size && message.data[at + 1] < 0x80; /* most often a word of ASCII, or more */
            at = more ? next_beyond(message, at + 2) : at + 1;
            continue;
        }
        if (first >= 0xC2 && first < 0xE0 && message.size - at >= 2 && (message.data[at + 1] & 0xC0) == 0x80) {
            c = (first & 0x1F) << 6 | (message.data[at + 1] & 0x3Fu);
            at += 2;
        } else {
            at += utf8_next(span_of(message.data + at, message.size - at), &c);
        }
        if (skeleton_about(c).disguise)
            return true;
    }
    const uint8_t *at = message.data, *end = at + message.size;
    while ((at = memchr(at, 'I', (size_t)(end - at))) != NULL) {
        if (at > message.data && at[-1] >= 'a' && at[-1] <= 'z')
            return true;
        at++;
    }
    return false;
}

/* Whether the message has words in Latin letters: asked once, where it matters. */
struct latin {
    bool known, found;
};

/* Is it worth building the skeleton for the token [start, end)? `sign`: one of ASCII was seen in it. */
static bool is_worth_it(const struct skeleton_look *look, size_t start, size_t end, bool sign, struct latin *latin)
{
    struct span text = span_of(look->folded.data + start, end - start);
    if (!sign && is_plain_beyond(text))
        return false;
    struct token token = look_at_token(text);
    if (token.alike && !latin->known)
        *latin = (struct latin){.known = true, .found = has_latin_word(look->folded)};
    if (is_eligible(&token) && may_be_apart(look->folded, start, end))
        return true;
    if (!sign && !shows_sign(&token, latin->found))
        return false;
    if (!look->wanted)
        return true;
    if (next_beyond(text, 0) < text.size)
        return skeleton_is_wanted_beyond(text, latin->found, look->wanted, look->room);
    return !skeleton_is_link(text) && skeleton_may_begin(look->wanted, text.data, NULL, text.size) &&
           skeleton_is_wanted(span_of(NULL, 0), text, false, look->wanted, look->room);
}

bool skeleton_beyond_ascii(struct skeleton_look *look, size_t base, struct skeleton_signs *signs, size_t *sign)
{
    struct span folded = look->folded;
    look->bare = !needs_map(look->message);
    if (!look->bare)
        return true;
    struct latin latin = {0};
    size_t beyond = next_beyond(folded, 0);
    while (beyond < folded.size || *sign < base + folded.size) {
        bool signed_first = *sign < base + folded.size && *sign - base < beyond;
        if (signed_first && signs->link)
            return true;
        size_t at = signed_first ? *sign - base : beyond;
        size_t start = skeleton_token_start(folded, at), end = skeleton_token_end(folded, at);
        bool signed_here = *sign >= base + start && *sign < base + end;
        if ((signed_here && signs->link) || is_worth_it(look, start, end, signed_here, &latin))
            return true;
        if (signed_here) {
            skeleton_signs_pass(signs, base + end);
            *sign = skeleton_signs_next(signs);
        }
        if (beyond < end)
            beyond = next_beyond(folded, end);
    }
    return false;
}
