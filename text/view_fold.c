#include "text/view_fold.h"

#include <stdlib.h>

#include <unicode/utf16.h>

#include "text/ascii.h"
#include "text/fold.h"
#include "text/utf8.h"
#include "text/view_map.h"
#include "text/view_words.h"

#define MESSAGES_AHEAD 8u /* are asked for, so that they are there when it is their turn */
#define CACHE_LINE 64u

/* One message on its way into the view. */
struct folder {
    struct span message;
    struct buffer *out;
    size_t base; /* where the view begins in out */
    struct view_map *map;
    uint32_t word;  /* FOLD_QUICK_ facts of the word that was written last, together */
    bool map_words; /* there was a word with look-alikes in it that may have to be mapped */
};

/* One more character: what is known of the word that it ends or continues. */
static inline uint32_t note_character(uint32_t word, uint32_t facts)
{
    return facts & FOLD_QUICK_WORD ? word | facts : 0;
}

/* Does it have look-alikes that may have to be mapped? */
static inline bool suspicious(uint32_t word)
{
    uint32_t scripts = word & FOLD_QUICK_SCRIPTS;
    return (word & FOLD_QUICK_LOOK_ALIKE) && (scripts & (scripts - 1));
}

/* The same as characters one after the other, for a run of ASCII with small letters. */
static uint32_t note_ascii(uint32_t word, const uint8_t *run, size_t size, bool *ret_suspicious)
{
    size_t at = 0;
    bool found = false;
    for (; at < size && word != 0; at++) {
        word = note_character(word, fold_tables.quick[run[at]].facts);
        found |= suspicious(word);
    }
    size_t start = size;
    while (start > at && (fold_tables.quick[run[start - 1]].facts & FOLD_QUICK_WORD))
        start--;
    for (at = start; at < size; at++)
        word = note_character(word, fold_tables.quick[run[at]].facts);
    *ret_suspicious = found;
    return word;
}

/* What the words are to know of a character that was folded to. */
static uint32_t facts_of(uint32_t code_point)
{
    if (code_point < FOLD_TABLE_SIZE && !(fold_tables.quick[code_point].facts & FOLD_QUICK_HARD))
        return fold_tables.quick[code_point].facts;
    uint32_t flags = fold_character(code_point), facts = 0;
    if (flags & FOLD_WORD)
        facts |= FOLD_QUICK_WORD | (flags & FOLD_LETTER ? FOLD_QUICK_SCRIPTS : 0);
    return facts | (flags & FOLD_LOOK_ALIKE ? FOLD_QUICK_LOOK_ALIKE : 0);
}

static uint32_t view_size(const struct folder *folder)
{
    return (uint32_t)(folder->out->size - folder->base);
}

static bool ends_with_space(const struct folder *folder)
{
    return folder->out->size > folder->base && folder->out->data[folder->out->size - 1] == ' ';
}

/* Enters in the map that [raw_start, raw_end) gave what was written since the view had `start` bytes. */
static enum status note(struct folder *folder, uint32_t start, size_t raw_start, size_t raw_end, bool linear)
{
    if (!folder->map)
        return STATUS_OK;
    if (view_size(folder) == start)
        return view_map_extend(folder->map, start, (uint32_t)raw_end);
    return view_map_add(folder->map, start, (uint32_t)raw_start, (uint32_t)raw_end, linear);
}

/* Writes one folded character; white space as a space, and only one in a row. */
static inline enum status put(struct folder *folder, uint32_t code_point)
{
    struct buffer *out = folder->out;
    if (out->capacity - out->size < 4) {
        enum status status = buffer_reserve(out, 4);
        if (status != STATUS_OK)
            return status;
    }
    uint32_t flags = fold_character(code_point);
    folder->word = note_character(folder->word, facts_of(code_point));
    folder->map_words |= suspicious(folder->word);
    if (flags & FOLD_SPACE) {
        if (!ends_with_space(folder))
            out->data[out->size++] = ' ';
        return STATUS_OK;
    }
    out->size += utf8_encode(code_point, out->data + out->size);
    return STATUS_OK;
}

/* A run of characters with no boundary between them. */
struct segment {
    size_t end;
    bool easy;  /* each folds by itself, and they stay in order */
    bool equal; /* each to as many bytes as it has */
};

static struct segment find_segment(struct span message, size_t start)
{
    struct segment segment = {.end = start, .easy = true, .equal = true};
    uint32_t count = 0;
    uint8_t last_class = 0;
    while (segment.end < message.size && count < FOLD_SEGMENT_MAX) {
        uint32_t c;
        uint32_t size = utf8_next(span_of(message.data + segment.end, message.size - segment.end), &c);
        uint32_t flags = fold_character(c);
        if (segment.end > start && (flags & FOLD_BOUNDARY))
            break;
        segment.end += size;
        if (flags & FOLD_EMPTY) {
            segment.equal = false;
            continue;
        }
        uint8_t class = flags & FOLD_BOUNDARY ? 0 : fold_combining_class(c);
        if (!(flags & FOLD_SIMPLE) || (count > 0 && (!(flags & FOLD_TAIL) || (class != 0 && class < last_class))))
            segment.easy = false;
        if ((flags & FOLD_TARGET) != c || c == UTF8_REPLACEMENT || (flags & FOLD_SPACE))
            segment.equal = false;
        last_class = class;
        count++;
    }
    return segment;
}

static enum status fold_easy_segment(struct folder *folder, size_t start, const struct segment *segment)
{
    uint32_t view_start = view_size(folder);
    for (size_t at = start; at < segment->end;) {
        uint32_t c;
        at += utf8_next(span_of(folder->message.data + at, folder->message.size - at), &c);
        uint32_t flags = fold_character(c);
        enum status status = flags & FOLD_EMPTY ? STATUS_OK : put(folder, flags & FOLD_TARGET);
        if (status != STATUS_OK)
            return status;
    }
    return note(folder, view_start, start, segment->end, segment->equal);
}

static enum status fold_hard_segment(struct folder *folder, size_t start, size_t end, struct fold_scratch *scratch)
{
    uint32_t view_start = view_size(folder);
    int32_t size = 0;
    enum status status = fold_segment(scratch, span_of(folder->message.data + start, end - start), true, &size);
    for (int32_t at = 0; status == STATUS_OK && at < size;) {
        UChar32 c;
        U16_NEXT(scratch->out, at, size, c);
        status = put(folder, (uint32_t)c);
    }
    return status == STATUS_OK ? note(folder, view_start, start, end, false) : status;
}

static enum status fold_one_segment(struct folder *folder, size_t at, struct fold_scratch *scratch, size_t *ret_end)
{
    struct segment segment = find_segment(folder->message, at);
    *ret_end = segment.end;
    return segment.easy ? fold_easy_segment(folder, at, &segment) : fold_hard_segment(folder, at, segment.end, scratch);
}

/* Character by character, for a map. */
static enum status fold_with_map(struct folder *folder, size_t at, struct fold_scratch *scratch)
{
    struct span message = folder->message;
    enum status status = STATUS_OK;
    for (size_t end; at < message.size && status == STATUS_OK; at = end) {
        uint32_t c, next;
        end = at + utf8_next(span_of(message.data + at, message.size - at), &c);
        bool apart = true;
        if (end < message.size) {
            utf8_next(span_of(message.data + end, message.size - end), &next);
            apart = (fold_character(next) & FOLD_BOUNDARY) != 0;
        }
        uint32_t flags = fold_character(c), start = view_size(folder);
        if (!(flags & FOLD_SIMPLE) || !apart) {
            status = fold_one_segment(folder, at, scratch, &end);
            continue;
        }
        status = put(folder, flags & FOLD_TARGET);
        if (status == STATUS_OK)
            status = note(folder, start, at, end, view_size(folder) - start == end - at && c != UTF8_REPLACEMENT);
    }
    return status;
}

/* What one step of fold_quickly writes at most: eight bytes of ASCII, or a character that becomes many. */
#define STEP_SIZE_MAX ((size_t)4 * FOLD_MANY_MAX)

/* Where fold_quickly is. */
struct quick {
    const uint8_t *from, *end;  /* of the message */
    uint8_t *to, *limit;        /* of the view; beyond the limit a step may have no room */
    uint32_t last_in, last_out; /* bytes of the last character, should it turn out to belong to what follows */
    uint32_t word, space;       /* FOLD_QUICK_SPACE after a space */
    bool map_words;
};

/* A stretch of ASCII, at most eight bytes of it. False if it does not begin with anything plain. */
static inline bool quick_ascii(struct quick *quick)
{
    uint64_t block = ascii_load(quick->from);
    unsigned count = ascii_plain(block, quick->space != 0);
    ascii_store_lower(block, quick->to);
    if (count == 0)
        return false;
    uint32_t facts = fold_tables.quick[quick->to[count - 1]].facts;
    /* With nothing to map before, all that counts is a letter at the end. */
    if ((quick->word & FOLD_QUICK_LOOK_ALIKE) || ((facts & FOLD_QUICK_WORD) && !(facts & FOLD_QUICK_SCRIPTS))) {
        bool found;
        quick->word = note_ascii(quick->word, quick->to, count, &found);
        quick->map_words |= found;
    } else
        quick->word = facts & FOLD_QUICK_WORD ? facts : 0;
    quick->space = facts & FOLD_QUICK_SPACE;
    quick->from += count;
    quick->to += count;
    quick->last_in = quick->last_out = 1;
    return true;
}

/* Characters of `bytes` bytes that belong to one word. False if there is not even one. */
static inline bool quick_word(struct quick *quick, uint32_t bytes, uint32_t (*decode)(uint32_t))
{
    uint32_t facts = 0, word = quick->word, c;
    const uint8_t *from = quick->from, *first = from;
    uint8_t *to = quick->to;
    while (quick->end - from >= 4 && to <= quick->limit && (c = decode(utf8_load_four(from))) != 0) {
        struct fold_quick entry = fold_tables.quick[c];
        if (!(entry.facts & FOLD_QUICK_WORD))
            break;
        memcpy(to, &entry.bytes, 4);
        facts = entry.facts;
        word |= facts;
        to += facts & FOLD_QUICK_SIZE;
        from += bytes;
    }
    if (from == first)
        return false;
    quick->from = from;
    quick->to = to;
    quick->word = word;
    quick->map_words |= suspicious(word);
    quick->space = 0;
    quick->last_in = bytes;
    quick->last_out = facts & FOLD_QUICK_SIZE;
    return true;
}

/* Any other character. False if it cannot be folded by itself. */
static inline bool quick_character(struct quick *quick)
{
    uint32_t c;
    uint32_t bytes = utf8_next(span_of(quick->from, (size_t)(quick->end - quick->from)), &c);
    struct fold_quick entry = {.facts = FOLD_QUICK_HARD};
    if (c < FOLD_TABLE_SIZE)
        entry = fold_tables.quick[c];
    if (entry.facts & FOLD_QUICK_HARD) {
        uint32_t flags = fold_character(c);
        if (flags & FOLD_EMPTY) {
            quick->last_in += bytes;
            quick->from += bytes;
            return true;
        }
        if (!(flags & FOLD_BOUNDARY)) {
            quick->from -= quick->last_in;
            quick->to -= quick->last_out;
        }
        return false;
    }
    memcpy(quick->to, &entry.bytes, 4);
    quick->last_out = entry.facts & quick->space ? 0 : entry.facts & FOLD_QUICK_SIZE;
    quick->to += quick->last_out;
    quick->space = entry.facts & FOLD_QUICK_SPACE;
    quick->word = note_character(quick->word, entry.facts);
    quick->map_words |= suspicious(quick->word);
    quick->last_in = bytes;
    quick->from += bytes;
    return true;
}

/*
 * Folds by look-ups alone, from `at` on, as far as characters fold by themselves. *ret_end: where it stopped, before the
 * character that what follows may belong to. Writes more than it has to: there must be room for STEP_SIZE_MAX bytes.
 */
static void fold_quickly(struct folder *folder, size_t at, size_t *ret_end)
{
    struct buffer *out = folder->out;
    struct quick quick = {.from = folder->message.data + at,
                          .end = folder->message.data + folder->message.size,
                          .to = out->data + out->size,
                          .limit = out->data + out->capacity - STEP_SIZE_MAX,
                          .word = folder->word,
                          .space = ends_with_space(folder) ? FOLD_QUICK_SPACE : 0,
                          .map_words = folder->map_words};
    bool going = true;
    while (going && quick.from < quick.end && quick.to <= quick.limit) {
        size_t left = (size_t)(quick.end - quick.from);
        uint8_t lead = quick.from[0];
        if (lead < 0x80 && left >= 8 && quick.from[1] < 0x80 && quick_ascii(&quick))
            continue; /* one space between words is quicker alone */
        if (lead >= 0xE0 ? quick_word(&quick, 3, utf8_three) : lead >= 0x80 && quick_word(&quick, 2, utf8_two))
            continue;
        going = quick_character(&quick);
    }
    out->size = (size_t)(quick.to - out->data);
    folder->word = quick.word;
    folder->map_words = quick.map_words;
    *ret_end = (size_t)(quick.from - folder->message.data);
}

/* A character that folds to several by itself. *ret_end: behind it, or `at` if it is none, or not by itself. */
static enum status fold_to_many(struct folder *folder, size_t at, size_t *ret_end)
{
    struct span message = folder->message;
    uint32_t c, next;
    size_t end = at + utf8_next(span_of(message.data + at, message.size - at), &c);
    uint32_t flags = fold_character(c);
    *ret_end = at;
    if (!(flags & FOLD_MANY))
        return STATUS_OK;
    if (end < message.size) {
        utf8_next(span_of(message.data + end, message.size - end), &next);
        if (!(fold_character(next) & FOLD_BOUNDARY))
            return STATUS_OK;
    }
    const uint32_t *many = fold_many(flags);
    enum status status = STATUS_OK;
    for (uint32_t i = 1; i <= many[0] && status == STATUS_OK; i++)
        status = put(folder, many[i]);
    *ret_end = end;
    return status;
}

/* From a character on that does not fold by itself. */
static enum status fold_rest(struct folder *folder, size_t at, struct fold_scratch *scratch)
{
    while (at < folder->message.size) {
        size_t end;
        enum status status = fold_to_many(folder, at, &end);
        if (status == STATUS_OK && end == at)
            status = fold_one_segment(folder, at, scratch, &end);
        if (status == STATUS_OK)
            status = buffer_reserve(folder->out, folder->message.size - end + STEP_SIZE_MAX);
        if (status != STATUS_OK)
            return status;
        fold_quickly(folder, end, &at);
    }
    return STATUS_OK;
}

static enum status fold_look_alikes(struct folder *folder, struct fold_scratch *scratch)
{
    if (!folder->map_words)
        return STATUS_OK;
    struct view_edits edits = {0};
    if (folder->map)
        folder->map->view_size = view_size(folder);
    enum status status = view_words_map(folder->out, folder->base, scratch, folder->map ? &edits : NULL);
    if (status == STATUS_OK && folder->map && edits.count > 0)
        status = view_map_edit(folder->map, edits.items, edits.count);
    free(edits.items);
    return status;
}

/* What look-ups alone did not do. */
static __attribute__((noinline)) enum status fold_slowly(struct folder *folder, size_t at)
{
    struct fold_scratch scratch;
    fold_scratch_start(&scratch);
    enum status status = folder->map ? fold_with_map(folder, at, &scratch) : fold_rest(folder, at, &scratch);
    if (status == STATUS_OK)
        status = fold_look_alikes(folder, &scratch);
    fold_scratch_end(&scratch);
    return status;
}

/* The whole message, if it is ASCII without controls, which most are; there is room for it. */
static bool fold_ascii(struct span message, struct buffer *out, bool *ret_inner_capital)
{
    size_t at = 0, size = out->size;
    bool found = false, inner = false;
    for (;;) {
        size_t plain = ascii_fold_noting(message.data + at, message.size - at, out->data + size, &inner);
        found |= inner;
        at += plain;
        size += plain;
        if (at == message.size) {
            out->size = size;
            *ret_inner_capital = found;
            return true;
        }
        if (message.data[at] != ' ' || at == 0 || message.data[at - 1] != ' ')
            return false;
        while (at < message.size && message.data[at] == ' ')
            at++; /* a run of spaces is one */
    }
}

bool view_append_plain(struct span message, struct buffer *out, uint8_t *ret_facts)
{
    bool inner_capital = false;
    if (out->capacity - out->size <= message.size || !fold_ascii(message, out, &inner_capital))
        return false;
    *ret_facts = (uint8_t)(VIEW_FACT_PLAIN | (inner_capital ? VIEW_FACT_INNER_CAPITAL : 0));
    return true;
}

uint32_t view_append_plain_batch(const struct span *messages, uint32_t count, struct buffer *out, uint32_t *ret_starts,
                                 uint8_t *ret_facts)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i + MESSAGES_AHEAD < count) { /* messages may lie anywhere */
            struct span ahead = messages[i + MESSAGES_AHEAD];
            __builtin_prefetch(ahead.data);
            __builtin_prefetch(ahead.data + (ahead.size > CACHE_LINE ? CACHE_LINE : 0));
        }
        ret_starts[i] = (uint32_t)out->size;
        if (!view_append_plain(messages[i], out, &ret_facts[i]))
            return i;
        out->data[out->size++] = '\n';
    }
    return count;
}

enum status view_fold(struct span message, struct buffer *out, struct view_map *map)
{
    struct folder folder = {.message = message, .out = out, .base = out->size, .map = map};
    enum status status = buffer_reserve(out, message.size);
    if (status != STATUS_OK || message.size == 0)
        return status;
    bool inner_capital;
    if (!map && fold_ascii(message, out, &inner_capital))
        return STATUS_OK;
    size_t plain = ascii_fold(message.data, message.size, out->data + out->size);
    if (plain < message.size && plain > 0 && message.data[plain] >= 0x80)
        plain--; /* it may belong to what follows */
    out->size += plain;
    if (plain > 0)
        status = note(&folder, 0, 0, plain, true);
    if (status != STATUS_OK || plain == message.size)
        return status;
    folder.word = note_ascii(0, out->data + folder.base, plain, &folder.map_words);
    if (!map) {
        status = buffer_reserve(out, message.size - plain + STEP_SIZE_MAX);
        if (status != STATUS_OK)
            return status;
        fold_quickly(&folder, plain, &plain);
        if (plain == message.size && !folder.map_words)
            return STATUS_OK;
    }
    return fold_slowly(&folder, plain);
}
