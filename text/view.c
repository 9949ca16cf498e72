#include "text/view.h"

#include <stdlib.h>
#include <string.h>

#include <unicode/utf16.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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
    bool look_alikes;     /* there are letters that imitate Latin ones, */
    bool latin, several;  /* and letters of several scripts: words must be looked at */
    uint8_t script_first; /* the script of the first letter; 0: none yet */
};

enum status view_start(void)
{
    return fold_start();
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

/* The same, 16 bytes at a time where nothing but case changes. */
static size_t fold_ascii(const uint8_t *from, size_t size, uint8_t *to, bool after_space)
{
    uint8_t *start = to;
#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(' '), before_upper = _mm_set1_epi8('A' - 1), after_upper = _mm_set1_epi8('Z' + 1),
                  case_bit = _mm_set1_epi8(0x20), before_control = _mm_set1_epi8('\t' - 1),
                  after_control = _mm_set1_epi8('\r' + 1);
    for (; size >= 16; size -= 16, from += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)from);
        unsigned spaces = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, space));
        unsigned controls = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpgt_epi8(block, before_control), _mm_cmplt_epi8(block, after_control)));
        if (controls | (spaces & (spaces << 1 | after_space))) {
            to += fold_ascii_bytes(from, 16, to, after_space);
            after_space = is_ascii_space(from[15]);
            continue;
        }
        __m128i upper = _mm_and_si128(_mm_cmpgt_epi8(block, before_upper), _mm_cmplt_epi8(block, after_upper));
        _mm_storeu_si128((__m128i *)(void *)to, _mm_or_si128(block, _mm_and_si128(upper, case_bit)));
        after_space = (spaces & 0x8000) != 0;
        to += 16;
    }
#endif
    return (size_t)(to - start) + fold_ascii_bytes(from, size, to, after_space);
}

static bool has_letter(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((uint8_t)((text.data[i] | 0x20) - 'a') < 26)
            return true;
    }
    return false;
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
    for (size_t i = 0; i < size; i++) {
        uint32_t start = view_size(folder);
        bool space = is_ascii_space(from[i]);
        if (!(space && ends_with_space(folder)))
            folder->out->data[folder->out->size++] = space ? ' ' : lower(from[i]);
        status = note(folder, start, at + i, at + i + 1, true);
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
        return STATUS_OK;
    }
    if (flags & FOLD_LETTER) {
        uint8_t script = fold_script(code_point);
        folder->look_alikes |= (flags & FOLD_LOOK_ALIKE) != 0;
        if (script == fold_script_latin)
            folder->latin = true;
        if (folder->script_first == 0)
            folder->script_first = script;
        else if (script != 0 && script != folder->script_first)
            folder->several = true;
    } else if (flags & FOLD_LOOK_ALIKE) {
        folder->look_alikes = true;
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
        uint32_t size = utf8_decode(span_of(message.data + segment.end, message.size - segment.end), &c);
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
        at += utf8_decode(span_of(folder->message.data + at, folder->message.size - at), &c);
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

/* Folds characters from `at` on up to the next stretch of ASCII, or a little further. */
static enum status fold_characters(struct folder *folder, size_t at, struct fold_scratch *scratch, size_t *ret_end)
{
    struct span message = folder->message;
    uint32_t c, next = 0, next_size = 0;
    uint32_t size = utf8_decode(span_of(message.data + at, message.size - at), &c);
    for (;;) {
        size_t end = at + size;
        bool ascii_next = end >= message.size || message.data[end] < 0x80;
        if (!ascii_next)
            next_size = utf8_decode(span_of(message.data + end, message.size - end), &next);
        uint32_t flags = fold_character(c);
        enum status status;
        if ((flags & FOLD_SIMPLE) && (ascii_next || (fold_character(next) & FOLD_BOUNDARY))) {
            uint32_t start = view_size(folder);
            uint32_t target = flags & FOLD_TARGET;
            status = put(folder, target);
            if (status == STATUS_OK && folder->map)
                status = note(folder, start, at, end, view_size(folder) - start == size && c != UTF8_REPLACEMENT);
        } else {
            struct segment segment = find_segment(message, at);
            status = segment.easy ? fold_easy_segment(folder, at, &segment)
                                  : fold_hard_segment(folder, at, segment.end, scratch);
            end = segment.end;
            ascii_next = true; /* what comes next has not been read */
        }
        if (status != STATUS_OK)
            return status;
        if (ascii_next) {
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
            utf8_decode(span_of(message.data + at + ascii, message.size - at - ascii), &next);
            if (!(fold_character(next) & FOLD_BOUNDARY))
                ascii--; /* its last character belongs to what follows */
        }
        if (ascii > 0) {
            folder->latin = folder->latin || has_letter(span_of(message.data + at, ascii));
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
    if (!folder->look_alikes || !(folder->latin || folder->several))
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
            size = utf8_decode(span_of(message.data + at, message.size - at), &c);
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
