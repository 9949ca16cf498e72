#include "text/skeleton_units.h"

#include <string.h>

#include "text/fold.h"
#include "text/utf8.h"

#define REGIONAL_FIRST 0x1F1E6u

#define SPACE                                                                                                          \
    {                                                                                                                  \
        .kind = UNIT_SPACE                                                                                             \
    }
#define LEET(stands_for)                                                                                               \
    {                                                                                                                  \
        .kind = UNIT_LEET, .letter = (stands_for)                                                                      \
    }
#define LETTER(stands_for)                                                                                             \
    {                                                                                                                  \
        .kind = UNIT_LETTER, .letter = (stands_for)                                                                    \
    }

const struct skeleton_about skeleton_ascii[128] = {
    [' '] = SPACE,
    ['0'] = LEET('o'),
    ['1'] = LEET(SKELETON_EITHER),
    ['2'] = LEET('z'),
    ['3'] = LEET('e'),
    ['4'] = LEET('a'),
    ['5'] = LEET('s'),
    ['6'] = LEET('g'),
    ['7'] = LEET('t'),
    ['8'] = LEET('b'),
    ['9'] = LEET('g'),
    ['@'] = LEET('a'),
    ['$'] = LEET('s'),
    ['+'] = LEET('t'),
    ['!'] = LEET(SKELETON_EITHER),
    ['|'] = LEET(SKELETON_EITHER),
    ['a'] = LETTER('a'),
    ['b'] = LETTER('b'),
    ['c'] = LETTER('c'),
    ['d'] = LETTER('d'),
    ['e'] = LETTER('e'),
    ['f'] = LETTER('f'),
    ['g'] = LETTER('g'),
    ['h'] = LETTER('h'),
    ['i'] = LETTER('i'),
    ['j'] = LETTER('j'),
    ['k'] = LETTER('k'),
    ['l'] = LETTER('l'),
    ['m'] = LETTER('m'),
    ['n'] = LETTER('n'),
    ['o'] = LETTER('o'),
    ['p'] = LETTER('p'),
    ['q'] = LETTER('q'),
    ['r'] = LETTER('r'),
    ['s'] = LETTER('s'),
    ['t'] = LETTER('t'),
    ['u'] = LETTER('u'),
    ['v'] = LETTER('v'),
    ['w'] = LETTER('w'),
    ['x'] = LETTER('x'),
    ['y'] = LETTER('y'),
    ['z'] = LETTER('z'),
};

static char currency(uint32_t c)
{
    return c == 0x20AC ? 'e' : c == 0xA3 ? 'l' : c == 0xA2 ? 'c' : c == 0xA5 ? 'y' : '\0';
}

/* No letter beyond these has accents that fold leaves: what looks so is composed of compatibility characters. */
#define ACCENTS_END 0x2200u

static enum unit_kind kind_of(uint32_t c, char *ret_letter)
{
    *ret_letter = '\0';
    if (c >= REGIONAL_FIRST && c < REGIONAL_FIRST + 26) {
        *ret_letter = (char)('a' + (c - REGIONAL_FIRST));
        return UNIT_REGIONAL;
    }
    uint32_t flags = fold_character(c);
    if (!(flags & FOLD_WORD)) {
        *ret_letter = currency(c);
        return *ret_letter ? UNIT_LEET : UNIT_OTHER;
    }
    const char *alike = flags & FOLD_LOOK_ALIKE ? fold_look_alike(c) : NULL;
    if (alike && alike[1] == '\0') {
        *ret_letter = alike[0];
        return UNIT_ALIKE;
    }
    if (!(flags & (FOLD_LETTER | FOLD_NUMBER)))
        return UNIT_MARK;
    *ret_letter = c < ACCENTS_END ? fold_base_letter(c) : '\0';
    return *ret_letter ? UNIT_ACCENT : UNIT_FOREIGN;
}

struct skeleton_about skeleton_about_rare(uint32_t code_point)
{
    struct skeleton_about about = {.disguise = fold_disguise(code_point)};
    about.kind = kind_of(code_point, &about.letter);
    return about;
}

struct skeleton_about skeleton_table[SKELETON_TABLE_SIZE];

void skeleton_start(void)
{
    memcpy(skeleton_table, skeleton_ascii, sizeof skeleton_ascii);
    for (uint32_t c = 0x80; c < SKELETON_TABLE_SIZE; c++)
        skeleton_table[c] = skeleton_about_rare(c);
}

static uint32_t raw_character(struct span message, uint32_t start)
{
    uint32_t c;
    utf8_next(span_of(message.data + start, message.size - start), &c);
    return c;
}

static bool is_white(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* In ASCII: the end of what the byte at `start` and its view share: a byte, or a run of white space. */
static uint32_t shared_end(struct span message, uint32_t start)
{
    uint32_t end = start + 1;
    while (is_white(message.data[start]) && end < message.size && is_white(message.data[end]))
        end++;
    return end;
}

static bool is_after_small(struct span message, uint32_t at)
{
    return at > 0 && message.data[at - 1] >= 'a' && message.data[at - 1] <= 'z';
}

static inline struct unit ascii_unit(uint8_t byte, uint32_t at, uint32_t raw_start, uint32_t raw_end)
{
    return (struct unit){.start = at,
                         .end = at + 1,
                         .raw_start = raw_start,
                         .raw_end = raw_end,
                         .kind = skeleton_ascii[byte & 0x7F].kind,
                         .letter = skeleton_ascii[byte & 0x7F].letter,
                         .ascii = byte};
}

/* Of ASCII, which folding only makes small letters of, and one space of white space. */
static size_t ascii_units(struct span message, struct span folded, struct unit *units)
{
    uint32_t raw = 0;
    for (uint32_t at = 0; at < folded.size; at++) {
        uint8_t c = folded.data[at];
        uint32_t raw_end = c == ' ' ? shared_end(message, raw) : raw + 1;
        units[at] = ascii_unit(c, at, raw, raw_end);
        if (message.data[raw] == 'I' && is_after_small(message, raw)) {
            units[at].kind = UNIT_DISGUISE;
            units[at].letter = SKELETON_EITHER;
        }
        raw = raw_end;
    }
    return folded.size;
}

void skeleton_units_ascii(struct span message, struct span folded, struct unit *units)
{
    for (uint32_t at = 0; at < folded.size; at++) {
        units[at] = ascii_unit(folded.data[at], at, at, at + 1);
        if (message.data && message.data[at] == 'I' && is_after_small(message, at)) {
            units[at].kind = UNIT_DISGUISE;
            units[at].letter = SKELETON_EITHER;
        }
    }
}

/* A character of any folded view as it stands there. */
static inline uint32_t next_unit(struct span folded, uint32_t at, struct unit *unit)
{
    uint32_t c, size = utf8_next(span_of(folded.data + at, folded.size - at), &c);
    struct skeleton_about about = skeleton_about(c);
    *unit = (struct unit){.start = at,
                          .end = at + size,
                          .kind = about.kind,
                          .letter = about.letter,
                          .ascii = c < 0x80                     ? (uint8_t)c
                                   : c == 0x2018 || c == 0x2019 ? '\''
                                                                : 0};
    return size;
}

size_t skeleton_units_bare(struct span folded, struct unit *units)
{
    size_t count = 0;
    for (uint32_t at = 0; at < folded.size;)
        at += next_unit(folded, at, &units[count++]);
    return count;
}

static size_t any_units(struct span message, struct span folded, const struct view_map *map, struct unit *units)
{
    size_t count = 0;
    for (uint32_t at = 0, size; at < folded.size; at += size) {
        struct unit *unit = &units[count++];
        size = next_unit(folded, at, unit);
        view_map_span(map, at, at + size, &unit->raw_start, &unit->raw_end);
        uint32_t raw = raw_character(message, unit->raw_start);
        char disguise = skeleton_about(raw).disguise;
        if (raw == 'I' && is_after_small(message, unit->raw_start))
            disguise = SKELETON_EITHER;
        if (disguise) {
            unit->kind = UNIT_DISGUISE;
            unit->letter = disguise;
        }
    }
    return count;
}

size_t skeleton_units(struct span message, struct span folded, const struct view_map *map, struct unit *units)
{
    return map ? any_units(message, folded, map, units) : ascii_units(message, folded, units);
}

static bool is_word(const struct unit *unit)
{
    return unit->kind != UNIT_SPACE && unit->kind != UNIT_OTHER && (unit->kind != UNIT_LEET || unit->ascii <= '9');
}

static bool spells(const struct unit *units, size_t count, const char *text)
{
    size_t size = strlen(text);
    if (count < size)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (units[i].ascii != (uint8_t)text[i])
            return false;
    }
    return true;
}

/* After " dot ": is it the last part of a name? */
static bool is_top_level(const struct unit *units, size_t count)
{
    static const char *const names[] = {"com", "net", "org", "info", "biz",  "io",   "co",   "me",   "tv",     "gg",
                                        "ru",  "cn",  "de",  "uk",   "fr",   "us",   "eu",   "in",   "br",     "xyz",
                                        "top", "app", "dev", "shop", "site", "link", "club", "live", "online", "store"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t size = strlen(names[i]);
        if (spells(units, count, names[i]) && (count == size || !is_word(&units[size])))
            return true;
    }
    return false;
}

/* How many units, from the first on, are a dot in disguise. */
static size_t defanged_dot(const struct unit *units, size_t count)
{
    uint8_t first = units[0].ascii == ' ' && count > 1 ? units[1].ascii : units[0].ascii;
    if (first != '[' && first != '(' && first != '{' && (first != 'd' || units[0].ascii != ' '))
        return 0; /* nearly always */
    static const char *const dots[] = {"[.]",   "(.)",   "{.}",     "[dot]",   "(dot)", "{dot}",
                                       " [.] ", " (.) ", " [dot] ", " (dot) ", "[."};
    for (size_t i = 0; i < sizeof dots / sizeof dots[0]; i++) {
        size_t size = strlen(dots[i]);
        if (spells(units, count, dots[i]) && count > size && is_word(&units[size]))
            return size;
    }
    return spells(units, count, " dot ") && is_top_level(units + 5, count - 5) ? 5 : 0;
}

/* Nearly always there is none: brackets, ` do`, `xx`. */
static bool has_defanged(const struct unit *units, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint8_t before = units[i - 1].ascii, byte = units[i].ascii;
        if (byte == '[' || byte == '(' || byte == '{' ||
            (before == 'd' && byte == 'o' && i > 1 && units[i - 2].ascii == ' ') || (before == 'x' && byte == 'x'))
            return true;
    }
    return false;
}

size_t skeleton_refang(struct unit *units, size_t count, bool *ret_changed)
{
    if (!has_defanged(units, count))
        return count;
    size_t kept = 0;
    for (size_t i = 0; i < count;) {
        bool word_before = kept > 0 && is_word(&units[kept - 1]);
        size_t dot = word_before ? defanged_dot(units + i, count - i) : 0;
        if (dot > 0) {
            struct unit unit = {.start = units[i].start,
                                .end = units[i + dot - 1].end,
                                .raw_start = units[i].raw_start,
                                .raw_end = units[i + dot - 1].raw_end,
                                .kind = UNIT_OTHER,
                                .ascii = '.',
                                .put = '.'};
            units[kept++] = unit;
            i += dot;
            *ret_changed = true;
            continue;
        }
        if (units[i].ascii == 'h' && !word_before && spells(units + i, count - i, "hxxp")) {
            units[i + 1].put = units[i + 2].put = 't';
            *ret_changed = true;
        }
        units[kept++] = units[i++];
    }
    return kept;
}
