#include "text/skeleton.h"

#include <stdlib.h>
#include <string.h>

#include "text/skeleton_build.h"
#include "text/skeleton_units.h"
#include "text/utf8.h"
#include "text/view_fold.h"
#include "text/view_map.h"

#define PIECE_UNITS_MAX 64 /* longer ones are no words */
#define WORD_LETTERS_MIN 3
#define SEPARATORS_MAX 2 /* between two letters of one word */

/* A skeleton on its way. */
struct builder {
    enum skeleton_form form;
    struct span folded;
    const struct unit *units;
    size_t count;
    struct buffer *out;
    size_t base;
    struct view_map *map;
    bool latin;                           /* the text has words in Latin letters */
    bool refanged;                        /* some units are not what stands in the folded view */
    bool changed;                         /* something was written that is not in the folded view */
    bool parted;                          /* letters that stood apart were put together */
    bool asking;                          /* nothing is written: only `found` is asked for */
    bool found;                           /* a word was written that is wanted */
    const struct skeleton_wanted *wanted; /* NULL: every word */
    struct skeleton_beginning beginning;  /* of the word that is being written */
};

/* A letter that is to be written: more of the same may follow. */
struct pending {
    char letter, last; /* 0: none; `last` is the one before it */
    uint32_t raw_start, raw_end;
};

static enum status put(struct builder *builder, const void *bytes, size_t size, uint32_t raw_start, uint32_t raw_end)
{
    if (builder->asking)
        return STATUS_OK;
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
    if (builder->asking)
        return STATUS_OK;
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

static enum status put_pending(struct builder *builder, struct pending *pending)
{
    if (!pending->letter)
        return STATUS_OK;
    uint8_t byte = skeleton_searched(pending->letter);
    if (builder->form == SKELETON_VIEW) {
        bool vowel = pending->last != '\0' && strchr("aeiou", pending->last) != NULL;
        byte = (uint8_t)(pending->letter != SKELETON_EITHER ? pending->letter : vowel ? 'l' : 'i');
    }
    builder->found |=
        !builder->wanted || skeleton_begins(&builder->beginning, skeleton_searched(pending->letter), builder->wanted);
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

/*
 * Two letters are no word, but three are of which two are the same, as in "ass": is it one, with longer runs counted as
 * two? Only such words keep a letter that is repeated.
 */
static bool is_short(const struct unit *units, size_t count)
{
    size_t runs = 0, letters = 0, run = 0;
    char last = '\0';
    for (size_t i = 0; i < count && runs <= 2; i++) {
        char letter = units[i].letter;
        if (letter == '\0')
            continue;
        run = letter == last ? run + 1 : 1;
        runs += run == 1;
        letters += run <= 2;
        last = letter;
    }
    return runs == 2 && letters == SKELETON_SHORT_LETTERS;
}

/* Writes the letters of units [from, to) as one word, repeated ones once. */
static enum status put_word(struct builder *builder, size_t from, size_t to)
{
    struct pending pending = {0};
    enum status status = STATUS_OK;
    bool keep = is_short(builder->units + from, to - from);
    builder->changed = true;
    builder->beginning = (struct skeleton_beginning){0};
    for (size_t i = from; i < to && status == STATUS_OK; i++) {
        const struct unit *unit = &builder->units[i];
        if (unit->letter == '\0' && unit->kind != UNIT_MARK)
            continue;
        char letter = unit->letter;
        if (letter == SKELETON_EITHER && letter != pending.letter)
            letter = resolve(pending.letter, next_letter(builder, i + 1, to));
        bool again = letter == pending.letter && !(keep && pending.last != letter);
        if (letter == '\0' || again) {
            pending.raw_end = unit->raw_end > pending.raw_end ? unit->raw_end : pending.raw_end;
            continue;
        }
        status = put_pending(builder, &pending);
        pending.letter = letter;
        pending.raw_start = unit->raw_start;
        pending.raw_end = unit->raw_end;
    }
    if (status == STATUS_OK)
        status = put_pending(builder, &pending);
    return status;
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

/* `a$$`: no price, as both stand behind the letter. */
static bool is_dollars(const struct unit *units, size_t count)
{
    return count == 3 && units[1].ascii == '$' && units[2].ascii == '$';
}

/* Does the piece, all of it parts of words, show a sign of disguise in itself? */
static bool is_disguised(const struct builder *builder, const struct unit *units, size_t count)
{
    size_t kinds[UNIT_KINDS] = {0}, head = 0, tail = 0;
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
        (letters >= 2 || count >= 4 || is_dollars(units, count)))
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

bool skeleton_is_link(struct span token)
{
    const uint8_t *at = token.data, *end = token.data + token.size;
    if (token.size >= 4 && memcmp(at, "www.", 4) == 0)
        return true;
    for (; end - at >= 3; at++) {
        if (at[0] == ':' && at[1] == '/' && at[2] == '/')
            return true;
    }
    return false;
}

/* Units of what stands between two spaces: are they a link, perhaps one that was put together? */
static bool is_link(const struct builder *builder, size_t from, size_t to)
{
    for (size_t i = from; i < to && builder->refanged; i++) {
        if (builder->units[i].put)
            return true;
    }
    uint32_t start = from < to ? builder->units[from].start : 0, end = from < to ? builder->units[to - 1].end : 0;
    return skeleton_is_link(span_of(builder->folded.data + start, end - start));
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

/* Is it letters divided once, by a hyphen or the like: `fu-ck`? */
static bool is_divided(const struct unit *units, size_t count)
{
    size_t letters = 0, dividers = 0;
    for (size_t i = 0; i < count; i++) {
        bool letter = units[i].kind == UNIT_LETTER;
        if (!letter && (!skeleton_is_divider(units[i].ascii) || units[i - 1].kind != UNIT_LETTER))
            return false; /* the first one is a letter */
        letters += letter;
        dividers += !letter;
    }
    return dividers == 1 && letters <= SKELETON_DIVIDED_LETTERS_MAX;
}

/* Writes such letters once more, as one word: the parts may be words of their own. */
static enum status put_joined(struct builder *builder, size_t from, size_t to)
{
    if (builder->map)
        builder->map->repeats = true;
    enum status status = put(builder, " ", 1, builder->units[from].raw_start, builder->units[to - 1].raw_end);
    return status == STATUS_OK ? put_word(builder, from, to) : status;
}

/* Nearly every token is, but for its punctuation: letters, of which no two that stand side by side are the same. */
static bool is_plain(const struct unit *units, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (units[i].kind != UNIT_LETTER || units[i].put || (i > 0 && units[i].letter == units[i - 1].letter))
            return false;
    }
    return true;
}

/* What stands between two spaces. */
static enum status put_token(struct builder *builder, size_t from, size_t to)
{
    const struct unit *units = builder->units;
    size_t start = from, end = to;
    while (start < to && !is_part(&units[start]))
        start++;
    while (end > start && (!is_part(&units[end - 1]) || closes(builder, start, end)))
        end--;
    if (is_plain(units + start, end - start) || is_link(builder, from, to))
        return put_units(builder, from, to);
    if (end <= start || !is_parted(units + start, end - start)) {
        enum status done = put_pieces(builder, from, end > start ? end : to);
        if (done == STATUS_OK && is_divided(units + start, end > start ? end - start : 0))
            done = put_joined(builder, start, end);
        return done == STATUS_OK && end > start ? put_units(builder, end, to) : done;
    }
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
        if (unit->kind != UNIT_MARK && ++characters > SKELETON_APART_TOKEN_MAX)
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
        if (letter != SIZE_MAX && apart.letters > 0 && letter - apart.last > SKELETON_APART_DISTANCE_MAX)
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
        if (builder->map)
            builder->map->repeats = true;
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
            builder->parted = true;
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

static bool has_room(struct skeleton_room *room, size_t count)
{
    if (room->units && count <= room->capacity)
        return true;
    size_t capacity = count < 256 ? 256 : count;
    struct unit *units = reallocarray(room->grown, capacity, sizeof *units);
    if (!units)
        return false;
    room->units = room->grown = units;
    room->capacity = capacity;
    return true;
}

static enum status build_units(struct builder *builder, size_t count, struct skeleton_room *room)
{
    bool changed = false;
    builder->count = skeleton_refang(room->units, count, &changed);
    builder->changed = builder->refanged = changed;
    builder->units = room->units;
    builder->latin = has_latin_word(room->units, builder->count);
    return put_all(builder);
}

static enum status build(struct builder *builder, struct span message, const struct view_map *folded_map,
                         struct skeleton_room *room)
{
    if (!has_room(room, builder->folded.size))
        return STATUS_NO_MEMORY;
    return build_units(builder, skeleton_units(message, builder->folded, folded_map, room->units), room);
}

/* Needs the map from the folded view to the message, and so folds again. */
static enum status build_with_map(struct builder *builder, struct span message, struct skeleton_room *room)
{
    struct buffer folded = BUFFER_INIT(UINT32_MAX);
    struct view_map map = {0};
    enum status status = view_append(VIEW_FOLDED, message, &folded, &map);
    builder->folded = buffer_span(&folded);
    if (status == STATUS_OK)
        status = build(builder, message, &map, room);
    view_map_free(&map);
    buffer_free(&folded);
    return status;
}

bool skeleton_is_wanted(struct span message, struct span folded, bool apart, const struct skeleton_wanted *wanted,
                        struct skeleton_room *room)
{
    if (!has_room(room, folded.size))
        return true; /* building it will say what is wrong */
    skeleton_units_ascii(message, folded, room->units);
    struct builder builder = {
        .folded = folded, .units = room->units, .count = folded.size, .asking = true, .wanted = wanted};
    enum status status = apart ? put_all(&builder) : put_token(&builder, 0, folded.size);
    return builder.found || status != STATUS_OK;
}

bool skeleton_is_wanted_beyond(struct span token, bool latin, const struct skeleton_wanted *wanted,
                               struct skeleton_room *room)
{
    if (!has_room(room, token.size))
        return true;
    size_t count = skeleton_units_bare(token, room->units);
    struct builder builder = {
        .folded = token, .units = room->units, .count = count, .latin = latin, .asking = true, .wanted = wanted};
    return put_token(&builder, 0, count) != STATUS_OK || builder.found;
}

enum status skeleton_append_region(struct span message, struct span folded, bool apart, struct skeleton_room *room,
                                   struct buffer *out)
{
    if (!has_room(room, folded.size))
        return STATUS_NO_MEMORY;
    skeleton_units_ascii(message, folded, room->units);
    struct builder builder = {.form = SKELETON_SEARCHED,
                              .out = out,
                              .base = out->size,
                              .folded = folded,
                              .units = room->units,
                              .count = folded.size};
    return apart ? put_all(&builder) : put_token(&builder, 0, folded.size);
}

/* Without the map, which only says how wide spaces are: that matters where letters stand apart. */
static enum status build_bare(struct builder *builder, struct skeleton_room *room)
{
    if (!has_room(room, builder->folded.size))
        return STATUS_NO_MEMORY;
    return build_units(builder, skeleton_units_bare(builder->folded, room->units), room);
}

enum status skeleton_append_wanted(const struct skeleton_look *look, struct buffer *out)
{
    struct builder builder = {
        .form = SKELETON_SEARCHED, .out = out, .base = out->size, .folded = look->folded, .wanted = look->wanted};
    struct builder again = builder;
    enum status status = STATUS_OK;
    if (look->bare)
        status = build_bare(&builder, look->room);
    if (!look->bare || (builder.parted && status == STATUS_OK)) {
        out->size = builder.base;
        builder = again;
        status = look->ascii ? build(&builder, look->message, NULL, look->room)
                             : build_with_map(&builder, look->message, look->room);
    }
    if (status != STATUS_OK || !(builder.found || builder.refanged))
        out->size = builder.base;
    return status;
}

enum status skeleton_append(enum skeleton_form form, struct span message, struct buffer *out, struct view_map *map)
{
    struct builder builder = {.form = form, .out = out, .base = out->size, .map = map};
    struct skeleton_room room = {0};
    if (map) {
        map->count = 0;
        map->repeats = false;
        map->view_size = 0;
        map->raw_size = (uint32_t)message.size;
    }
    enum status status = build_with_map(&builder, message, &room);
    free(room.grown);
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
            to[size++] = skeleton_searched(letter);
    }
    if (size == 2 && word.size == SKELETON_SHORT_LETTERS) {
        for (size = 0; size < word.size; size++)
            to[size] = skeleton_searched((char)word.data[size]);
    }
    return size >= WORD_LETTERS_MIN ? size : 0;
}
