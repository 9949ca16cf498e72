#include "text/view.h"

#include <stdlib.h>
#include <string.h>

#include <unicode/utf16.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "text/caseless.h"
#include "text/fold.h"
#include "text/utf8.h"
#include "text/view_map.h"
#include "text/view_words.h"

#define MESSAGE_SIZE_MAX ((size_t)1 << 31)

const char *const view_names[VIEW_COUNT + 1] = {"raw", "folded", NULL};

/* One message on its way into a view. */
struct folder {
    struct span message;
    struct buffer *out;
    size_t base; /* where the view begins in out */
    struct view_map *map;

    /* Of the word that was written last, loosely: it may take in what view_words_map tells apart. */
    bool look_alikes;    /* it has letters that imitate Latin ones, */
    bool mixed;          /* and Latin letters, or those of several scripts */
    uint8_t script_last; /* of its last letter; 0: none yet */

    bool map_words; /* there was a word with both: words must be looked at */
};

enum status view_start(void)
{
    enum status status = caseless_start();
    return status == STATUS_OK ? fold_start() : status;
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

static inline uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static inline bool is_ascii_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Folds plain ASCII to `to`, which has room for as many bytes; returns how many were written. */
static size_t fold_ascii_bytes(const uint8_t *from, size_t size, uint8_t *to, bool after_space)
{
    uint8_t *start = to;
    for (size_t i = 0; i < size; i++) {
        bool space = is_ascii_space(from[i]);
        if (!(space && after_space))
            *to++ = space ? ' ' : lower(from[i]);
        after_space = space;
    }
    return (size_t)(to - start);
}

#ifdef __SSE2__
/* Folds 16 bytes of ASCII, unless some of its white space has to change: then false, and nothing is written. */
static inline bool fold_ascii_block(const uint8_t *from, uint8_t *to, bool *after_space)
{
    __m128i block = _mm_loadu_si128((const __m128i *)(const void *)from);
    unsigned spaces = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(' ')));
    unsigned controls = (unsigned)_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpgt_epi8(block, _mm_set1_epi8('\t' - 1)), _mm_cmplt_epi8(block, _mm_set1_epi8('\r' + 1))));
    if (controls | (spaces & (spaces << 1 | *after_space)))
        return false;
    __m128i upper =
        _mm_and_si128(_mm_cmpgt_epi8(block, _mm_set1_epi8('A' - 1)), _mm_cmplt_epi8(block, _mm_set1_epi8('Z' + 1)));
    _mm_storeu_si128((__m128i *)(void *)to, _mm_or_si128(block, _mm_and_si128(upper, _mm_set1_epi8(0x20))));
    *after_space = (spaces & 0x8000) != 0;
    return true;
}
#endif

/* The same as fold_ascii_bytes, 16 bytes at a time where nothing but case changes. */
static size_t fold_ascii(const uint8_t *from, size_t size, uint8_t *to, bool after_space)
{
    uint8_t *start = to;
#ifdef __SSE2__
    const uint8_t *first = from;
    for (; size >= 16; size -= 16, from += 16) {
        if (fold_ascii_block(from, to, &after_space)) {
            to += 16;
            continue;
        }
        to += fold_ascii_bytes(from, 16, to, after_space);
        after_space = is_ascii_space(from[15]);
    }
    /* What is left is done with some of the bytes before it once more, if those stayed in their places. */
    size_t again = 16 - size;
    if (size > 0 && from - first >= 16 && to - start == from - first) {
        bool space_before_again = is_ascii_space(from[-(ptrdiff_t)again - 1]);
        if (from - first > (ptrdiff_t)again && fold_ascii_block(from - again, to - again, &space_before_again))
            return (size_t)(to - start) + size;
    }
#endif
    return (size_t)(to - start) + fold_ascii_bytes(from, size, to, after_space);
}

static inline void end_word(struct folder *folder)
{
    folder->look_alikes = false;
    folder->mixed = false;
    folder->script_last = 0;
}

/* Sees to the words at both ends of a run of ASCII: what stands before and after it may belong to them. */
static void note_ascii_words(struct folder *folder, struct span run)
{
    size_t start = 0, end = run.size;
    for (; start < run.size && (fold_character(run.data[start]) & FOLD_WORD); start++)
        folder->mixed |= (fold_character(run.data[start]) & FOLD_LETTER) != 0;
    folder->map_words |= folder->look_alikes && folder->mixed;
    if (start == run.size)
        return;
    end_word(folder);
    for (; end > start && (fold_character(run.data[end - 1]) & FOLD_WORD); end--)
        folder->mixed |= (fold_character(run.data[end - 1]) & FOLD_LETTER) != 0;
}

/* Folds bytes [at, at + size) of the message, all ASCII. */
static enum status fold_ascii_run(struct folder *folder, size_t at, size_t size)
{
    enum status status = buffer_reserve(folder->out, size);
    if (status != STATUS_OK)
        return status;
    const uint8_t *from = folder->message.data + at;
    if (!folder->map) {
        folder->out->size += fold_ascii(from, size, folder->out->data + folder->out->size, ends_with_space(folder));
        return STATUS_OK;
    }
    for (size_t i = 0; i < size;) {
        uint32_t start = view_size(folder);
        size_t first = i;
        for (; i < size && !(is_ascii_space(from[i]) && ends_with_space(folder)); i++)
            folder->out->data[folder->out->size++] = is_ascii_space(from[i]) ? ' ' : lower(from[i]);
        if (i > first)
            status = note(folder, start, at + first, at + i, true);
        start = view_size(folder);
        first = i;
        while (i < size && is_ascii_space(from[i]) && ends_with_space(folder))
            i++;
        if (status == STATUS_OK && i > first)
            status = note(folder, start, at + first, at + i, true);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
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
    if (flags & FOLD_SPACE) {
        if (!ends_with_space(folder))
            out->data[out->size++] = ' ';
        end_word(folder);
        return STATUS_OK;
    }
    if (!(flags & FOLD_WORD))
        end_word(folder);
    folder->look_alikes |= (flags & FOLD_LOOK_ALIKE) != 0;
    if (flags & FOLD_LETTER) {
        uint8_t script = fold_script(code_point);
        if (script != folder->script_last && script != 0) {
            folder->mixed |= folder->script_last != 0 || script == fold_script_latin;
            folder->script_last = script;
        }
    }
    folder->map_words |= folder->look_alikes && folder->mixed;
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

/* So many characters of ASCII in a row are worth starting the vectors for. */
#define ASCII_RUN_MIN 8

/* Folds character by character from `at` on, up to a longer stretch of ASCII. */
static enum status fold_characters(struct folder *folder, size_t at, struct fold_scratch *scratch, size_t *ret_end)
{
    struct span message = folder->message;
    uint32_t c, next = 0, next_size = 0, ascii = 0;
    uint32_t size = utf8_next(span_of(message.data + at, message.size - at), &c);
    for (;;) {
        size_t end = at + size;
        uint32_t flags = fold_character(c), next_flags = FOLD_BOUNDARY;
        if (end < message.size) {
            next_size = utf8_next(span_of(message.data + end, message.size - end), &next);
            next_flags = fold_character(next);
        }
        enum status status;
        if ((flags & FOLD_SIMPLE) && (next_flags & FOLD_BOUNDARY)) {
            uint32_t start = view_size(folder);
            status = put(folder, flags & FOLD_TARGET);
            if (status == STATUS_OK && folder->map)
                status = note(folder, start, at, end, view_size(folder) - start == size && c != UTF8_REPLACEMENT);
            ascii = c < 0x80 ? ascii + 1 : 0;
        } else {
            struct segment segment = find_segment(message, at);
            status = segment.easy ? fold_easy_segment(folder, at, &segment)
                                  : fold_hard_segment(folder, at, segment.end, scratch);
            end = segment.end;
            if (end < message.size)
                next_size = utf8_next(span_of(message.data + end, message.size - end), &next);
        }
        if (status != STATUS_OK)
            return status;
        if (end >= message.size || ascii >= ASCII_RUN_MIN) {
            *ret_end = end;
            return STATUS_OK;
        }
        at = end;
        c = next;
        size = next_size;
    }
}

/* The first step: everything but look-alikes. */
static enum status fold_text(struct folder *folder, size_t at, struct fold_scratch *scratch)
{
    struct span message = folder->message;
    while (at < message.size) {
        enum status status;
        size_t ascii = utf8_ascii_prefix(span_of(message.data + at, message.size - at));
        if (ascii > 0 && at + ascii < message.size) {
            uint32_t next;
            utf8_next(span_of(message.data + at + ascii, message.size - at - ascii), &next);
            if (!(fold_character(next) & FOLD_BOUNDARY))
                ascii--; /* its last character belongs to what follows */
        }
        if (ascii > 0) {
            note_ascii_words(folder, span_of(message.data + at, ascii));
            status = fold_ascii_run(folder, at, ascii);
            at += ascii;
        } else {
            status = fold_characters(folder, at, scratch, &at);
        }
        if (status != STATUS_OK)
            return status;
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

static enum status append_folded(struct folder *folder)
{
    size_t ascii = utf8_ascii_prefix(folder->message);
    if (ascii == folder->message.size)
        return fold_ascii_run(folder, 0, ascii);
    struct fold_scratch scratch;
    fold_scratch_start(&scratch);
    enum status status = buffer_reserve(folder->out, folder->message.size);
    if (status == STATUS_OK)
        status = fold_text(folder, 0, &scratch);
    if (status == STATUS_OK)
        status = fold_look_alikes(folder, &scratch);
    fold_scratch_end(&scratch);
    return status;
}

static enum status append_raw(struct folder *folder)
{
    struct span message = folder->message;
    for (size_t at = 0; at < message.size;) {
        size_t start = at;
        uint32_t c, size = 0;
        while (at < message.size) {
            at += utf8_ascii_prefix(span_of(message.data + at, message.size - at));
            if (at >= message.size)
                break;
            size = utf8_next(span_of(message.data + at, message.size - at), &c);
            if (c == UTF8_REPLACEMENT)
                break;
            at += size;
        }
        uint32_t view_start = view_size(folder);
        enum status status = buffer_append(folder->out, message.data + start, at - start);
        if (status == STATUS_OK && at > start)
            status = note(folder, view_start, start, at, true);
        if (status == STATUS_OK && at < message.size) { /* ill-formed, or U+FFFD itself: the same bytes */
            view_start = view_size(folder);
            status = buffer_append(folder->out, "\xEF\xBF\xBD", 3);
            if (status == STATUS_OK)
                status = note(folder, view_start, at, at + size, false);
            at += size;
        }
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status append(enum view view, struct span message, struct buffer *out, struct view_map *map)
{
    struct folder folder = {.message = message, .out = out, .base = out->size, .map = map};
    if (map) {
        map->count = 0;
        map->view_size = 0;
        map->raw_size = (uint32_t)message.size;
    }
    enum status status = view == VIEW_RAW ? append_raw(&folder) : append_folded(&folder);
    if (status == STATUS_OK && out->size - folder.base > UINT32_MAX)
        status = STATUS_LIMIT;
    if (status != STATUS_OK)
        out->size = folder.base;
    else if (map)
        map->view_size = view_size(&folder);
    return status;
}

enum status view_append(enum view view, struct span message, struct buffer *out, struct view_map *map)
{
    if (message.size > MESSAGE_SIZE_MAX)
        return STATUS_LIMIT;
    enum status status = append(view, message, out, map);
    if (status != STATUS_LIMIT || view == VIEW_RAW)
        return status;
    /* On the way there a view may need more room than in the end: only its final size counts. */
    struct buffer aside = BUFFER_INIT(UINT32_MAX);
    status = append(view, message, &aside, map);
    if (status == STATUS_OK)
        status = buffer_append(out, aside.data, aside.size);
    buffer_free(&aside);
    return status;
}
