#include "text/skeleton_units.h"

#include <stdlib.h>
#include <string.h>

#include "text/fold.h"
#include "text/utf8.h"

#define REGIONAL_FIRST 0x1F1E6u

/* What digits and symbols stand for. */
static const char leet[128] = {['0'] = 'o',
                               ['1'] = SKELETON_EITHER,
                               ['2'] = 'z',
                               ['3'] = 'e',
                               ['4'] = 'a',
                               ['5'] = 's',
                               ['6'] = 'g',
                               ['7'] = 't',
                               ['8'] = 'b',
                               ['9'] = 'g',
                               ['@'] = 'a',
                               ['$'] = 's',
                               ['!'] = SKELETON_EITHER,
                               ['|'] = SKELETON_EITHER,
                               ['+'] = 't'};

static char currency(uint32_t c)
{
    return c == 0x20AC ? 'e' : c == 0xA3 ? 'l' : c == 0xA2 ? 'c' : c == 0xA5 ? 'y' : '\0';
}

enum unit_kind skeleton_kind(uint32_t c, char *ret_letter)
{
    *ret_letter = '\0';
    if (c < 0x80) {
        if (c == ' ')
            return UNIT_SPACE;
        *ret_letter = c >= 'a' && c <= 'z' ? (char)c : leet[c];
        return c >= 'a' && c <= 'z' ? UNIT_LETTER : leet[c] ? UNIT_LEET : UNIT_OTHER;
    }
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
    *ret_letter = fold_base_letter(c);
    return *ret_letter ? UNIT_ACCENT : UNIT_FOREIGN;
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

uint32_t skeleton_ascii_end(struct span message, uint32_t start)
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

/* Of ASCII, which folding only makes small letters of, and one space of white space. */
static size_t ascii_units(struct span message, struct span folded, struct unit *units)
{
    uint32_t raw = 0;
    for (uint32_t at = 0; at < folded.size; at++) {
        uint8_t c = folded.data[at];
        uint32_t raw_end = c == ' ' ? skeleton_ascii_end(message, raw) : raw + 1;
        enum unit_kind kind = c >= 'a' && c <= 'z' ? UNIT_LETTER
                              : c == ' '           ? UNIT_SPACE
                              : leet[c]            ? UNIT_LEET
                                                   : UNIT_OTHER;
        units[at] = (struct unit){.start = at,
                                  .end = at + 1,
                                  .raw_start = raw,
                                  .raw_end = raw_end,
                                  .kind = kind,
                                  .letter = kind == UNIT_LETTER ? (char)c : leet[c],
                                  .ascii = c};
        if (message.data[raw] == 'I' && is_after_small(message, raw)) {
            units[at].kind = UNIT_DISGUISE;
            units[at].letter = SKELETON_EITHER;
        }
        raw = raw_end;
    }
    return folded.size;
}

static size_t any_units(struct span message, struct span folded, const struct view_map *map, struct unit *units)
{
    size_t count = 0;
    for (uint32_t at = 0, size; at < folded.size; at += size) {
        uint32_t c;
        size = utf8_next(span_of(folded.data + at, folded.size - at), &c);
        struct unit *unit = &units[count++];
        *unit = (struct unit){.start = at, .end = at + size, .ascii = c < 0x80 ? (uint8_t)c : 0};
        view_map_span(map, at, at + size, &unit->raw_start, &unit->raw_end);
        unit->kind = skeleton_kind(c, &unit->letter);
        if (c == 0x2018 || c == 0x2019)
            unit->ascii = '\'';
        uint32_t raw = raw_character(message, unit->raw_start);
        char disguise = raw >= 0x80 ? fold_disguise(raw) : '\0';
        if (raw == 'I' && is_after_small(message, unit->raw_start))
            disguise = SKELETON_EITHER;
        if (disguise) {
            unit->kind = UNIT_DISGUISE;
            unit->letter = disguise;
        }
    }
    return count;
}

enum status skeleton_units(struct span message, struct span folded, const struct view_map *map, struct unit **ret_units,
                           size_t *ret_count)
{
    struct unit *units = reallocarray(NULL, folded.size ? folded.size : 1, sizeof *units);
    if (!units)
        return STATUS_NO_MEMORY;
    *ret_count = map ? any_units(message, folded, map, units) : ascii_units(message, folded, units);
    *ret_units = units;
    return STATUS_OK;
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

size_t skeleton_refang(struct unit *units, size_t count, bool *ret_changed)
{
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
