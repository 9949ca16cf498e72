/* What is searched of the skeletons of many messages: nothing of nearly all of them, and that must cost next to nothing. */
#include <stdlib.h>
#include <string.h>

#include "text/ascii.h"
#include "text/skeleton.h"
#include "text/skeleton_build.h"
#include "text/skeleton_signs.h"
#include "text/skeleton_units.h"
#include "text/utf8.h"
#include "text/view.h"

#define CAPITAL_TOKEN_MAX 64u
#define FEW_UNITS 256u

void skeleton_want(struct skeleton_wanted *wanted, struct span word)
{
    struct skeleton_beginning beginning = {0};
    uint32_t bit = 0;
    for (size_t i = 0; i < word.size && i < SKELETON_WANTED_LETTERS; i++)
        bit = skeleton_beginning_add(&beginning, word.data[i]);
    wanted->beginnings[bit / 64] |= UINT64_C(1) << bit % 64;
}

static bool is_eligible(const uint8_t *token, size_t size)
{
    unsigned parts = 0;
    for (size_t i = 0; i < size && size <= SKELETON_APART_TOKEN_MAX; i++)
        parts += skeleton_ascii[token[i] & 0x7F].kind != UNIT_OTHER || token[i] >= 0x80;
    return size <= SKELETON_APART_TOKEN_MAX && parts <= 1;
}

/* The tokens around [*start, *end) whose letters may stand apart, as far as there are such. */
static void widen(struct span text, size_t *start, size_t *end)
{
    while (*start > 0) {
        size_t next = skeleton_token_start(text, *start - 1);
        if (!is_eligible(text.data + next, *start - 1 - next))
            break;
        *start = next;
    }
    while (*end < text.size) {
        size_t next = skeleton_token_end(text, *end + 1);
        if (!is_eligible(text.data + *end + 1, next - *end - 1))
            break;
        *end = next;
    }
}

/* The letters with which a word would begin that is written anew: each counts once in a row. */
struct beginning {
    struct skeleton_beginning searched;
    char last;
    bool doubled; /* the first one stood twice */
};

/* Words of two letters are short ones if one of these is doubled. Does `letter` make a short one that is wanted? */
static inline bool is_short_wanted(const struct beginning *beginning, uint8_t letter,
                                   const struct skeleton_wanted *wanted)
{
    struct skeleton_beginning all = beginning->searched;
    if (all.count == 1 && beginning->doubled)
        (void)skeleton_beginning_add(&all, (uint8_t)all.number);
    return all.count == SKELETON_SHORT_LETTERS - 1 && skeleton_begins(&all, letter, wanted);
}

/* One more letter. True: it may be a word that is wanted. */
static inline bool begins_wanted(struct beginning *beginning, char letter, const struct skeleton_wanted *wanted)
{
    char last = beginning->last;
    uint8_t searched = skeleton_searched(letter);
    if (letter == last && letter != SKELETON_EITHER) {
        beginning->doubled |= beginning->searched.count == 1;
        return beginning->searched.count == 2 && is_short_wanted(beginning, searched, wanted);
    }
    beginning->last = letter;
    if ((letter == SKELETON_EITHER && (last == 'i' || last == 'l' || last == SKELETON_EITHER)) ||
        (last == SKELETON_EITHER && (letter == 'i' || letter == 'l')))
        return true; /* whether it is one letter or two is left to the builder */
    return (beginning->doubled && is_short_wanted(beginning, searched, wanted)) ||
           skeleton_begins(&beginning->searched, searched, wanted);
}

/*
 * What stands between punctuation may be a word; and the whole token, if one of its parts is a single letter or there is
 * but one divider in it.
 */
bool skeleton_may_begin(const struct skeleton_wanted *wanted, const uint8_t *token, const uint8_t *message, size_t size)
{
    struct beginning whole = {0}, piece = {0};
    size_t letters = 0, separators = 0, piece_size = 0;
    bool whole_wanted = false, single = false;
    for (size_t i = 0; i < size; i++) {
        char letter = skeleton_ascii[token[i] & 0x7F].letter;
        if (letter == '\0') {
            whole = letters == piece_size ? piece : whole; /* before that the two are the same */
            single |= piece_size == 1;
            piece = (struct beginning){0};
            piece_size = 0;
            separators += letters > 0;
            continue;
        }
        if (message && message[i] == 'I' && i > 0 && message[i - 1] >= 'a' && message[i - 1] <= 'z')
            letter = SKELETON_EITHER;
        whole_wanted |= letters > piece_size && begins_wanted(&whole, letter, wanted);
        letters++;
        piece_size++;
        if (begins_wanted(&piece, letter, wanted))
            return true;
    }
    single |= piece_size == 1;
    return whole_wanted && (single || letters <= SKELETON_DIVIDED_LETTERS_MAX) && separators > 0;
}

/* Tokens with one letter at most: are there enough for a word? */
static bool may_be_apart(struct span tokens)
{
    unsigned letters = 0, plain = 0;
    for (size_t i = 0; i < tokens.size; i++) {
        uint8_t kind = skeleton_ascii[tokens.data[i] & 0x7F].kind;
        letters += kind == UNIT_LETTER || kind == UNIT_LEET;
        plain += kind == UNIT_LETTER;
    }
    return letters >= 3 && plain >= 2;
}

/* What has to be looked at with a sign: its token, or all around it whose letters may stand apart. */
struct region {
    size_t start, end;
    bool apart;
    struct span message, folded; /* the message only where it is aligned */
};

static struct region find_region(const struct skeleton_look *look, size_t sign)
{
    struct span text = look->folded;
    struct region region = {.start = skeleton_token_start(text, sign), .end = skeleton_token_end(text, sign)};
    region.apart = is_eligible(text.data + region.start, region.end - region.start);
    if (region.apart)
        widen(text, &region.start, &region.end);
    region.folded = span_of(text.data + region.start, region.end - region.start);
    if (look->aligned)
        region.message = span_of(look->message.data + region.start, region.folded.size);
    return region;
}

/* Is it worth building the skeleton for it? */
static bool is_wanted(const struct skeleton_look *look, const struct region *region)
{
    struct span tokens = region->folded;
    if (!look->wanted)
        return true;
    if (region->apart && !look->aligned)
        return may_be_apart(tokens);
    if (region->apart ? !may_be_apart(tokens)
                      : skeleton_is_link(tokens) ||
                            !skeleton_may_begin(look->wanted, tokens.data, region->message.data, tokens.size))
        return false;
    return skeleton_is_wanted(region->message, tokens, region->apart, look->wanted, look->room);
}

static bool is_white(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* May a word that is wanted be written anew of the token around a capital I, as sent, which may be an l? */
static bool is_capital_wanted(const struct skeleton_look *look, const uint8_t *capital)
{
    const uint8_t *first = look->message.data, *last = first + look->message.size, *start = capital, *end = capital;
    uint8_t lowered[CAPITAL_TOKEN_MAX];
    while (start > first && !is_white(start[-1]))
        start--;
    while (end < last && !is_white(*end))
        end++;
    size_t size = (size_t)(end - start);
    if (!look->wanted || size > sizeof lowered)
        return !skeleton_is_link(span_of(start, size));
    if (ascii_lower(start, size, lowered) < size)
        return true;
    struct span token = span_of(lowered, size);
    return !skeleton_is_link(token) && skeleton_may_begin(look->wanted, lowered, start, size) &&
           skeleton_is_wanted(span_of(start, size), token, false, look->wanted, look->room);
}

/* A capital I after a small letter: are there words with such that are wanted? */
static bool has_wanted_capital(const struct skeleton_look *look)
{
    if (look->message.size == 0)
        return false;
    const uint8_t *at = look->message.data, *end = at + look->message.size;
    while ((at = memchr(at, 'I', (size_t)(end - at))) != NULL) {
        if (at > look->message.data && at[-1] >= 'a' && at[-1] <= 'z' && is_capital_wanted(look, at))
            return true;
        at++;
    }
    return false;
}

/* A sign that is a divider: are the letters on both sides few enough, and do they begin as a word that is wanted? */
static bool is_divided_wanted(const struct skeleton_look *look, size_t sign)
{
    struct span text = look->folded;
    size_t start = sign, end = sign + 1;
    while (start > 0 && skeleton_ascii[text.data[start - 1] & 0x7F].kind == UNIT_LETTER &&
           sign - start <= SKELETON_DIVIDED_LETTERS_MAX)
        start--;
    while (end < text.size && skeleton_ascii[text.data[end] & 0x7F].kind == UNIT_LETTER &&
           end - start <= SKELETON_DIVIDED_LETTERS_MAX + 1)
        end++;
    if (end - start > SKELETON_DIVIDED_LETTERS_MAX + 1)
        return false;
    struct beginning beginning = {0};
    bool wanted = !look->wanted;
    for (size_t i = start; i < end && !wanted; i++)
        wanted = i != sign && begins_wanted(&beginning, (char)text.data[i], look->wanted);
    return wanted;
}

/*
 * May the skeleton of the message, which is ASCII, have something to search? `sign`: the first one; gives the next. All of
 * the message has to be looked at once there is a sign of a link: signs->link.
 */
static bool is_worth_it(const struct skeleton_look *look, size_t base, struct skeleton_signs *signs, size_t *sign)
{
    while (*sign < base + look->folded.size) {
        if (signs->link)
            return true;
        if (skeleton_is_divider(look->folded.data[*sign - base]) && !is_divided_wanted(look, *sign - base)) {
            *sign = skeleton_signs_next(signs);
            continue;
        }
        struct region region = find_region(look, *sign - base);
        if (is_wanted(look, &region))
            return true;
        skeleton_signs_pass(signs, base + region.end);
        *sign = skeleton_signs_next(signs);
    }
    return false;
}

/*
 * Appends what is searched of a message that is worth it and has no inner capitals: what is not around signs stays as it
 * is. False if that is not enough, as with a sign of a link, which may change all of the message: nothing was appended.
 */
static bool append_around_signs(const struct skeleton_look *look, struct buffer *out, enum status *ret_status)
{
    struct span folded = look->folded;
    struct skeleton_signs signs;
    size_t base = out->size, done = 0;
    enum status status = STATUS_OK;
    skeleton_signs_start(&signs, folded, SKELETON_QUICKEST);
    for (size_t sign; status == STATUS_OK && (sign = skeleton_signs_next(&signs)) != SIZE_MAX;) {
        if (signs.link) {
            out->size = base;
            return false;
        }
        struct region region = find_region(look, sign);
        if (region.apart && !look->aligned && may_be_apart(region.folded)) { /* it matters how wide spaces are */
            out->size = base;
            return false;
        }
        status = buffer_append(out, folded.data + done, region.start - done);
        if (status == STATUS_OK)
            status = skeleton_append_region(region.message, region.folded, region.apart, look->room, out);
        done = region.end;
        skeleton_signs_pass(&signs, done);
    }
    if (status == STATUS_OK)
        status = buffer_append(out, folded.data + done, folded.size - done);
    *ret_status = status;
    return true;
}

/* Appends what is searched of message i, the first sign in which, or later, is *sign: most often nothing. */
static enum status append_message(const struct skeleton_batch *batch, uint32_t i, struct skeleton_signs *signs,
                                  size_t *sign, struct skeleton_room *room, struct buffer *out)
{
    uint8_t facts = batch->facts ? batch->facts[i] : 0;
    size_t start = batch->starts[i], end = batch->starts[i + 1] - 1;
    struct skeleton_look look = {.message = batch->messages[i],
                                 .folded = span_of(batch->folded.data + start, end - start),
                                 .wanted = batch->wanted,
                                 .room = room,
                                 .ascii = true};
    enum status status = STATUS_OK;
    bool capital = facts & VIEW_FACT_INNER_CAPITAL;
    if (!(facts & VIEW_FACT_PLAIN))
        capital = look.ascii = utf8_ascii_prefix(look.message) == look.message.size;
    look.aligned = look.message.size == look.folded.size;
    bool worth = !look.ascii ? skeleton_beyond_ascii(&look, start, signs, sign)
                             : (capital && has_wanted_capital(&look)) || is_worth_it(&look, start, signs, sign);
    if (worth && look.folded.size > 0 &&
        (!look.wanted || !look.ascii || capital || !append_around_signs(&look, out, &status)))
        status = skeleton_append_wanted(&look, out);
    if (*sign <= end) {
        skeleton_signs_skip(signs, end);
        *sign = skeleton_signs_next(signs);
    }
    return status;
}

enum status skeleton_append_batch(const struct skeleton_batch *batch, struct buffer *out, uint32_t *ret_starts)
{
    enum status status = STATUS_OK;
    __attribute__((
        uninitialized)) struct unit few[FEW_UNITS]; /* to clear or allocate them would cost more than most batches */
    struct skeleton_room room = {.units = few, .capacity = FEW_UNITS};
    struct skeleton_signs signs;
    skeleton_signs_start(&signs, batch->folded, SKELETON_QUICKEST);
    size_t sign = skeleton_signs_next(&signs);
    for (uint32_t i = 0; i < batch->count && status == STATUS_OK; i++) {
        ret_starts[i] = (uint32_t)out->size;
        if (sign < batch->starts[i + 1] || !batch->facts || batch->facts[i] != VIEW_FACT_PLAIN)
            status = append_message(batch, i, &signs, &sign, &room, out);
        if (status == STATUS_OK && out->size < out->capacity)
            out->data[out->size++] = '\n';
        else if (status == STATUS_OK)
            status = buffer_append_byte(out, '\n');
    }
    ret_starts[batch->count] = (uint32_t)out->size;
    free(room.grown);
    return status;
}
