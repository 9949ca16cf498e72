#include "text/skeleton.h"

#include <stdlib.h>
#include <string.h>

#include "text/skeleton_units.h"
#include "text/utf8.h"
#include "text/view_fold.h"
#include "text/view_map.h"

#define PIECE_UNITS_MAX 64 /* longer ones are no words */
#define WORD_LETTERS_MIN 3
#define APART_TOKEN_MAX 4    /* characters, but for marks, of a letter that stands apart with its punctuation */
#define APART_DISTANCE_MAX 4 /* from such a letter to the next, in characters: skeleton_signs.c sees no further */
#define SEPARATORS_MAX 2     /* between two letters of one word */

/* A skeleton on its way. */
struct builder {
    enum skeleton_form form;
    struct span folded;
    const struct unit *units;
    size_t count;
    struct buffer *out;
    size_t base;
    struct view_map *map;
    bool latin;    /* the text has words in Latin letters */
    bool refanged; /* some units are not what stands in the folded view */
    bool changed;  /* something was written that is not in the folded view */
};

/* A letter that is to be written: more of the same may follow. */
struct pending {
    char letter, last; /* 0: none; `last` is the one before it */
    uint32_t raw_start, raw_end;
};

static enum status put(struct builder *builder, const void *bytes, size_t size, uint32_t raw_start, uint32_t raw_end)
{
    uint32_t start = (uint32_t)(builder->out->size - builder->base);
    enum status status = buffer_append(builder->out, bytes, size);
    if (status == STATUS_OK && builder->map)
        status = view_map_add(builder->map, start, raw_start, raw_end, raw_end - raw_start == size);
    return status;
}

/* As they stand in the folded view. */
static enum status put_units(struct builder *builder, size_t from, size_t to)
{
    enum status status = STATUS_OK;
    if (!builder->map && !builder->refanged && to > from) {
        uint32_t start = builder->units[from].start;
        return buffer_append(builder->out, builder->folded.data + start, builder->units[to - 1].end - start);
    }
    for (size_t i = from; i < to && status == STATUS_OK; i++) {
        const struct unit *unit = &builder->units[i];
        if (unit->put)
            status = put(builder, &unit->put, 1, unit->raw_start, unit->raw_end);
        else
            status = put(builder, builder->folded.data + unit->start, unit->end - unit->start, unit->raw_start,
                         unit->raw_end);
    }
    return status;
}

static uint8_t searched(char letter)
{
    return (uint8_t)(letter == 'l' || letter == SKELETON_EITHER ? 'I' : letter - 'a' + 'A');
}

static enum status put_pending(struct builder *builder, struct pending *pending)
{
    if (!pending->letter)
        return STATUS_OK;
    uint8_t byte = searched(pending->letter);
    if (builder->form == SKELETON_VIEW) {
        bool vowel = pending->last != '\0' && strchr("aeiou", pending->last) != NULL;
        byte = (uint8_t)(pending->letter != SKELETON_EITHER ? pending->letter : vowel ? 'l' : 'i');
    }
    pending->last = pending->letter;
    pending->letter = '\0';
    return put(builder, &byte, 1, pending->raw_start, pending->raw_end);
}

/*
 * A letter that may be i or l, after and before these letters: what tells is that there is no double i, and that a double
 * l stands before a vowel or at the end.
 */
static char resolve(char before, char after)
{
    bool vowel = after == '\0' || strchr("aeouy", after) != NULL;
    return before == 'i' ? 'l' : before == 'l' ? (vowel ? 'l' : 'i') : SKELETON_EITHER;
}

static char next_letter(const struct builder *builder, size_t at, size_t to)
{
    while (at < to && builder->units[at].letter == '\0')
        at++;
    return at < to ? builder->units[at].letter : '\0';
}

/* Writes the letters of units [from, to) as one word, repeated ones once. */
static enum status put_word(struct builder *builder, size_t from, size_t to)
{
    struct pending pending = {0};
    enum status status = STATUS_OK;
    builder->changed = true;
    for (size_t i = from; i < to && status == STATUS_OK; i++) {
        const struct unit *unit = &builder->units[i];
        if (unit->letter == '\0' && unit->kind != UNIT_MARK)
            continue;
        char letter = unit->letter;
        if (letter == SKELETON_EITHER && letter != pending.letter)
            letter = resolve(pending.letter, next_letter(builder, i + 1, to));
        if (letter == '\0' || letter == pending.letter) {
            pending.raw_end = unit->raw_end > pending.raw_end ? unit->raw_end : pending.raw_end;
            continue;
        }
        status = put_pending(builder, &pending);
        pending.letter = letter;
        pending.raw_start = unit->raw_start;
        pending.raw_end = unit->raw_end;
    }
    return status == STATUS_OK ? put_pending(builder, &pending) : status;
}

static bool is_part(const struct unit *unit)
{
    return unit->kind != UNIT_SPACE && unit->kind != UNIT_OTHER;
}

/* Is the last one of units [from, end) closing punctuation rather than a letter? `++` praises on IRC. */
static bool closes(const struct builder *builder, size_t from, size_t end)
{
    uint8_t last = builder->units[end - 1].ascii;
    bool more = (end < builder->count && builder->units[end].ascii == '+') ||
                (end - from >= 2 && builder->units[end - 2].ascii == '+');
    return last == '!' || (last == '+' && more);
}

static bool is_digit(const struct unit *unit)
{
    return unit->ascii >= '0' && unit->ascii <= '9';
}

/* Are there letters in a row that nobody writes in plain words? */
static bool is_stretched(const struct unit *units, size_t count)
{
    size_t run = 1;
    for (size_t i = 1; i < count; i++) {
        bool same =
            units[i].kind == UNIT_LETTER && units[i - 1].kind == UNIT_LETTER && units[i].letter == units[i - 1].letter;
        run = same ? run + 1 : 1;
        char letter = units[i].letter;
        bool first = i == 1, last = i + 1 == count;
        if (run >= 3 || (run == 2 && skeleton_is_odd_double((uint8_t)letter, first, last)))
            return true;
    }
    return false;
}

/* Is there a digit or symbol beside a letter, where it may stand for one? */
static bool has_leet(const struct unit *units, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool before = i > 0 && units[i - 1].kind == UNIT_LETTER,
             after = i + 1 < count && units[i + 1].kind == UNIT_LETTER;
        if (units[i].kind == UNIT_LEET && (after || (before && units[i].ascii != '!')))
            return true;
    }
    return false;
}

/* Does the piece, all of it parts of words, show a sign of disguise in itself? */
static bool is_disguised(const struct builder *builder, const struct unit *units, size_t count)
{
    size_t kinds[UNIT_OTHER + 1] = {0}, head = 0, tail = 0;
    for (size_t i = 0; i < count; i++)
        kinds[units[i].kind]++;
    while (head < count && is_digit(&units[head]))
        head++;
    while (tail < count && is_digit(&units[count - 1 - tail]))
        tail++;
    size_t letters = kinds[UNIT_LETTER] + kinds[UNIT_ALIKE] + kinds[UNIT_ACCENT] + kinds[UNIT_DISGUISE];
    if (count > PIECE_UNITS_MAX || kinds[UNIT_FOREIGN] > 0)
        return false;
    if (kinds[UNIT_REGIONAL] >= WORD_LETTERS_MIN)
        return true;
    if (letters + kinds[UNIT_LEET] < WORD_LETTERS_MIN || letters == 0)
        return false;
    if (has_leet(units, count) && (head < 2 || (head == 2 && kinds[UNIT_LEET] > head)) && tail < 4 &&
        (letters >= 2 || count >= 4))
        return true;
    if ((kinds[UNIT_ALIKE] > 0 && builder->latin) || kinds[UNIT_MARK] > 0)
        return true;
    if (kinds[UNIT_ACCENT] >= 2 && 2 * kinds[UNIT_ACCENT] >= letters)
        return true;
    return (kinds[UNIT_DISGUISE] > 0 && kinds[UNIT_DISGUISE] < letters) || is_stretched(units, count);
}

/* Is it a word whose letters stand apart: `s.c.a.m`, `k.ill`? [from, to) begins and ends with a part of a word. */
static bool is_parted(const struct unit *units, size_t count)
{
    size_t pieces = 0, singles = 0, letters = 0, parts = 0, separators = 0;
    for (size_t i = 0, size = 0, plain = 0; i <= count; i++) {
        if (i + 1 < count && units[i].ascii == '\'' && separators == 0 && is_part(&units[i + 1]))
            continue; /* "it's" is one piece */
        if (i < count && is_part(&units[i])) {
            if (units[i].kind == UNIT_FOREIGN)
                return false;
            size += units[i].letter != '\0';
            plain += units[i].letter != '\0' && units[i].kind != UNIT_LEET;
            separators = 0;
            continue;
        }
        pieces += size > 0;
        singles += size == 1 && plain == 1;
        parts += size;
        letters += plain;
        size = plain = 0;
        if (i < count && ++separators > SEPARATORS_MAX)
            return false;
    }
    return pieces >= 2 && singles >= 1 && parts >= WORD_LETTERS_MIN && letters >= 2 && count <= PIECE_UNITS_MAX;
}

static bool is_link(const struct unit *units, size_t count)
{
    static const char scheme[] = "://", host[] = "www.";
    for (size_t i = 0; i < count; i++) {
        if (units[i].put)
            return true;
        size_t same = 0;
        while (same < 3 && i + same < count && units[i + same].ascii == (uint8_t)scheme[same])
            same++;
        if (same == 3)
            return true;
    }
    for (size_t i = 0; i < 4; i++) {
        if (i >= count || units[i].ascii != (uint8_t)host[i])
            return false;
    }
    return true;
}

/* The pieces of [from, to), each by itself. */
static enum status put_pieces(struct builder *builder, size_t from, size_t to)
{
    enum status status = STATUS_OK;
    for (size_t at = from; at < to && status == STATUS_OK;) {
        size_t end = at;
        while (end < to && is_part(&builder->units[end]))
            end++;
        size_t word = end;
        while (word > at && closes(builder, at, word))
            word--;
        if (word > at && is_disguised(builder, builder->units + at, word - at))
            status = put_word(builder, at, word);
        else
            word = at;
        end = end > at ? end : at + 1;
        if (status == STATUS_OK)
            status = put_units(builder, word, end);
        at = end;
    }
    return status;
}

/* What stands between two spaces. */
static enum status put_token(struct builder *builder, size_t from, size_t to)
{
    const struct unit *units = builder->units;
    if (is_link(units + from, to - from)) {
        for (size_t i = from; i < to; i++)
            builder->changed |= units[i].put != '\0';
        return put_units(builder, from, to);
    }
    size_t start = from, end = to;
    while (start < to && !is_part(&units[start]))
        start++;
    while (end > start && (!is_part(&units[end - 1]) || closes(builder, start, end)))
        end--;
    if (end <= start || !is_parted(units + start, end - start))
        return put_pieces(builder, from, to);
    enum status status = put_units(builder, from, start);
    if (status == STATUS_OK)
        status = put_word(builder, start, end);
    return status == STATUS_OK ? put_units(builder, end, to) : status;
}

/* ---- Letters apart: `s c a m`. ---- */

struct apart {
    size_t first, last; /* units: the letters at both ends */
    size_t end;         /* of its last token */
    size_t letters, plain;
};

static size_t token_end(const struct builder *builder, size_t at)
{
    while (at < builder->count && builder->units[at].kind != UNIT_SPACE)
        at++;
    return at;
}

/* The only letter of the token; SIZE_MAX if it has more, or none and *ret_empty. */
static size_t only_letter(const struct builder *builder, size_t from, size_t to, bool *ret_empty)
{
    size_t found = SIZE_MAX, characters = 0;
    *ret_empty = true;
    for (size_t i = from; i < to; i++) {
        const struct unit *unit = &builder->units[i];
        if (unit->kind != UNIT_MARK && ++characters > APART_TOKEN_MAX)
            return SIZE_MAX;
        if (!is_part(unit) || (unit->kind == UNIT_MARK && found != SIZE_MAX))
            continue;
        *ret_empty = false;
        if (unit->letter == '\0' || found != SIZE_MAX || (i > from && (unit->ascii == '!' || unit->ascii == '+')))
            return SIZE_MAX;
        found = i;
    }
    return found;
}

static uint32_t gap_after(const struct builder *builder, size_t end)
{
    return end < builder->count ? builder->units[end].raw_end - builder->units[end].raw_start : UINT32_MAX;
}

/*
 * The letters that stand apart from `from` on, where a token begins. Spaces that are wider than the first one end the
 * word.
 */
static struct apart find_apart(const struct builder *builder, size_t from)
{
    struct apart apart = {.end = from};
    uint32_t gap = 0;
    for (size_t at = from; at < builder->count;) {
        size_t end = token_end(builder, at);
        bool empty;
        size_t letter = only_letter(builder, at, end, &empty);
        if (letter == SIZE_MAX && !(empty && apart.letters > 0 && end > at && end - at <= SEPARATORS_MAX))
            break;
        if (letter != SIZE_MAX && apart.letters > 0 && letter - apart.last > APART_DISTANCE_MAX)
            break;
        if (letter != SIZE_MAX) {
            apart.first = apart.letters ? apart.first : letter;
            apart.last = letter;
            apart.end = end;
            apart.letters++;
            apart.plain += builder->units[letter].kind != UNIT_LEET;
        }
        if (end >= builder->count || (gap && gap_after(builder, end) > gap))
            break;
        gap = gap ? gap : gap_after(builder, end);
        at = end + 1;
    }
    return apart;
}

/* Writes it as one word; if it begins with a word of one letter, then also without that: `a s c a m`. */
static enum status put_apart(struct builder *builder, size_t from, const struct apart *apart)
{
    const struct unit *first = &builder->units[apart->first];
    size_t rest = apart->first + 1, after = apart->last + 1;
    while (after < apart->end && builder->units[after].kind == UNIT_MARK)
        after++;
    enum status status = put_units(builder, from, apart->first);
    if (status == STATUS_OK)
        status = put_word(builder, apart->first, after);
    if (status == STATUS_OK && apart->letters > WORD_LETTERS_MIN && first->kind == UNIT_LETTER &&
        strchr("aiu", first->letter)) {
        const uint8_t again[3] = {' ', (uint8_t)first->letter, ' '};
        status = put(builder, again, sizeof again, first->raw_start, first->raw_end);
        if (status == STATUS_OK)
            status = put_word(builder, rest, after);
    }
    return status == STATUS_OK ? put_units(builder, after, apart->end) : status;
}

static enum status put_all(struct builder *builder)
{
    enum status status = STATUS_OK;
    for (size_t at = 0; at < builder->count && status == STATUS_OK;) {
        size_t end = token_end(builder, at);
        struct apart apart = find_apart(builder, at);
        if (apart.letters >= WORD_LETTERS_MIN && apart.plain >= 2 && apart.letters <= PIECE_UNITS_MAX) {
            status = put_apart(builder, at, &apart);
            end = apart.end;
        } else
            status = put_token(builder, at, end);
        at = end;
        if (status == STATUS_OK && at < builder->count) { /* the space */
            status = put_units(builder, at, at + 1);
            at++;
        }
    }
    return status;
}

static bool has_latin_word(const struct unit *units, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (units[i].kind == UNIT_LETTER && units[i - 1].kind == UNIT_LETTER)
            return true;
    }
    return false;
}

static enum status build(struct builder *builder, struct span message, const struct view_map *folded_map)
{
    struct unit *units;
    enum status status = skeleton_units(message, builder->folded, folded_map, &units, &builder->count);
    if (status != STATUS_OK)
        return status;
    bool changed = false;
    builder->count = skeleton_refang(units, builder->count, &changed);
    builder->changed = builder->refanged = changed;
    builder->units = units;
    builder->latin = has_latin_word(units, builder->count);
    status = put_all(builder);
    free(units);
    return status;
}

/* Where the token begins that ends at `end`, and where the one ends that begins at `start`. */
static size_t token_start_before(struct span text, size_t end)
{
    const uint8_t *space = end > 0 ? memrchr(text.data, ' ', end) : NULL;
    return space ? (size_t)(space - text.data) + 1 : 0;
}

static size_t token_end_after(struct span text, size_t start)
{
    const uint8_t *space = start < text.size ? memchr(text.data + start, ' ', text.size - start) : NULL;
    return space ? (size_t)(space - text.data) : text.size;
}

/* The tokens around a sign that have to be looked at with it: short ones in a row, and one more on both sides. */
static void widen(struct span text, size_t sign, size_t from, size_t *ret_start, size_t *ret_end)
{
    size_t start = token_start_before(text, sign), end = token_end_after(text, sign);
    for (size_t next, size = 0; start > from && size <= APART_TOKEN_MAX; start = next) {
        next = token_start_before(text, start - 1);
        size = start - 1 - next;
    }
    for (size_t next, size = 0; end < text.size && size <= APART_TOKEN_MAX; end = next) {
        next = token_end_after(text, end + 1);
        size = next - end - 1;
    }
    *ret_start = start > from ? start : from;
    *ret_end = end;
}

/* The same as build, of plain ASCII and without a map: only what is around signs has to be looked at. */
static enum status build_around_signs(struct builder *builder, struct span message)
{
    struct span folded = builder->folded;
    enum status status = STATUS_OK;
    size_t done = 0;
    uint32_t raw = 0; /* where in the message the region begins */
    for (size_t sign; status == STATUS_OK && (sign = skeleton_sign(message, folded, done)) != SIZE_MAX;) {
        size_t start, end;
        widen(folded, sign, done, &start, &end);
        status = buffer_append(builder->out, folded.data + done, start - done);
        struct builder part = *builder;
        part.folded = span_of(folded.data + start, end - start);
        for (size_t at = done; at < start; at++)
            raw = skeleton_ascii_end(message, raw);
        if (status == STATUS_OK)
            status = build(&part, span_of(message.data + raw, message.size - raw), NULL);
        for (size_t at = start; at < end; at++)
            raw = skeleton_ascii_end(message, raw);
        builder->changed |= part.changed;
        done = end;
    }
    return status == STATUS_OK ? buffer_append(builder->out, folded.data + done, folded.size - done) : status;
}

/* Needs the map from the folded view to the message, and so folds again. */
static enum status build_with_map(struct builder *builder, struct span message)
{
    struct buffer folded = BUFFER_INIT(UINT32_MAX);
    struct view_map map = {0};
    enum status status = view_append(VIEW_FOLDED, message, &folded, &map);
    builder->folded = buffer_span(&folded);
    if (status == STATUS_OK)
        status = build(builder, message, &map);
    view_map_free(&map);
    buffer_free(&folded);
    return status;
}

enum status skeleton_append_searched(struct span message, struct span folded, struct buffer *out)
{
    struct builder builder = {.form = SKELETON_SEARCHED_IF_DIFFERENT, .out = out, .base = out->size, .folded = folded};
    bool ascii = utf8_ascii_prefix(message) == message.size &&
                 (message.size == folded.size || !skeleton_has_inner_capital(message));
    enum status status = ascii ? build_around_signs(&builder, message) : build_with_map(&builder, message);
    if (status != STATUS_OK || !builder.changed)
        out->size = builder.base;
    return status;
}

enum status skeleton_append(enum skeleton_form form, struct span message, struct buffer *out, struct view_map *map)
{
    struct builder builder = {.form = form, .out = out, .base = out->size, .map = map};
    if (map) {
        map->count = 0;
        map->view_size = 0;
        map->raw_size = (uint32_t)message.size;
    }
    enum status status = build_with_map(&builder, message);
    if (status != STATUS_OK || (form == SKELETON_SEARCHED_IF_DIFFERENT && !builder.changed))
        out->size = builder.base;
    if (map)
        map->view_size = (uint32_t)(out->size - builder.base);
    return status;
}

size_t skeleton_word(struct span word, uint8_t *to)
{
    size_t size = 0;
    for (size_t i = 0; i < word.size; i++) {
        char letter = (char)word.data[i];
        if (letter < 'a' || letter > 'z')
            return 0;
        if (i == 0 || word.data[i] != word.data[i - 1])
            to[size++] = searched(letter);
    }
    return size >= WORD_LETTERS_MIN ? size : 0;
}
