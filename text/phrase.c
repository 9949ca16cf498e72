#include "text/phrase.h"

#include <string.h>

#include <unicode/uchar.h>

#include "text/skeleton.h"
#include "text/utf8.h"
#include "text/view.h"
#include "text/word.h"

#define ENTRY_SIZE_MAX 1024
#define FOLDED_SIZE_MAX ((size_t)16 * ENTRY_SIZE_MAX) /* white space at the ends may fall away */

/* How far a match can reach in characters of gaps, and so how many places a piece can end at. */
#define PLACES_MAX (PHRASE_PIECES_MAX * PHRASE_GAP_MAX + 1)

#define GAP_CLASS "[^\\p{L}\\p{M}\\p{N}]"

static bool is_gap(uint32_t c)
{
    return c == '_' || !word_is_character(c);
}

/* Punctuation that people put between the parts of a word, or leave out. */
static bool is_separator(uint32_t c)
{
    static const uint16_t others[] = {
        0x00B7, 0x2018, 0x2019, 0x201A, 0x201B, 0x2022, 0x2027, 0x2032, 0x2044, 0x2212, 0x2215,
        0x2219, 0x22C5, 0x060C, 0x061B, 0x06D4, 0x0964, 0x0965, 0x3001, 0x3002, 0x30FB, /* dots, commas and slashes */
    };
    if (c < 0x80)
        return c != 0 && strchr("-'.,_/:;`", (int)c) != NULL;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (c == others[i])
            return true;
    }
    return u_charType((UChar32)c) == U_DASH_PUNCTUATION;
}

static uint32_t decode_at(struct span text, size_t at, uint32_t *ret_code_point)
{
    return utf8_decode(span_of(text.data + at, text.size - at), ret_code_point);
}

/* A run of white space and separators of an entry, and the gap in it. */
struct run {
    size_t end;
    bool gap;
    uint8_t gap_min;
    size_t gap_start, gap_end;
};

static struct run find_run(struct span text, size_t start)
{
    struct run run = {.end = start};
    bool space = false;
    size_t first_space = 0, after_space = 0;
    uint32_t c;
    while (run.end < text.size) {
        uint32_t size = decode_at(text, run.end, &c);
        if (c != ' ' && !is_separator(c))
            break;
        if (c == ' ') {
            first_space = space ? first_space : run.end;
            after_space = run.end + 1;
            space = true;
        }
        run.end += size;
    }
    bool first = start == 0, last = run.end == text.size;
    if (space) {
        /* Punctuation at the start or end of the entry stays with its piece. */
        run.gap = true;
        run.gap_min = 1;
        run.gap_start = first ? first_space : start;
        run.gap_end = last ? after_space : run.end;
    } else if (run.end > start && !first && !last) {
        uint32_t before, after;
        utf8_decode_before(text, start, &before);
        decode_at(text, run.end, &after);
        run.gap = word_is_character(before) && word_is_character(after);
        run.gap_start = start;
        run.gap_end = run.end;
    }
    return run;
}

static enum status add_piece(struct arena *arena, struct span text, uint8_t gap_min, struct phrase_piece *pieces,
                             uint32_t *count)
{
    if (*count == PHRASE_PIECES_MAX)
        return STATUS_LIMIT;
    char *copy = arena_copy(arena, text);
    if (!copy)
        return STATUS_NO_MEMORY;
    pieces[(*count)++] = (struct phrase_piece){.text = span_of(copy, text.size), .gap_min = gap_min};
    return STATUS_OK;
}

static enum status cut(struct span text, struct arena *arena, struct phrase_piece *pieces, uint32_t *ret_count)
{
    uint32_t count = 0;
    size_t start = 0;
    uint8_t gap_min = 0;
    for (size_t at = 0; at < text.size;) {
        struct run run = find_run(text, at);
        if (run.end == at) {
            uint32_t c;
            at += decode_at(text, at, &c);
            continue;
        }
        if (run.gap) {
            enum status status =
                add_piece(arena, span_of(text.data + start, run.gap_start - start), gap_min, pieces, &count);
            if (status != STATUS_OK)
                return status;
            start = run.gap_end;
            gap_min = run.gap_min;
        }
        at = run.end;
    }
    *ret_count = count;
    return add_piece(arena, span_of(text.data + start, text.size - start), gap_min, pieces, ret_count);
}

static struct span trim(struct span text)
{
    while (text.size > 0 && text.data[text.size - 1] == ' ')
        text.size--;
    while (text.size > 0 && text.data[0] == ' ')
        text = span_of(text.data + 1, text.size - 1);
    return text;
}

static enum status parse_folded(struct span text, struct arena *arena, struct phrase *ret_phrase)
{
    text = trim(text);
    bool open_end = text.size > 0 && text.data[text.size - 1] == '*';
    if (open_end)
        text.size--;
    text = trim(text);
    if (text.size == 0)
        return STATUS_INVALID;
    if (text.size > ENTRY_SIZE_MAX)
        return STATUS_LIMIT;
    struct phrase_piece pieces[PHRASE_PIECES_MAX];
    uint32_t count;
    enum status status = cut(text, arena, pieces, &count);
    if (status != STATUS_OK)
        return status;
    struct phrase_piece *kept = arena_array(arena, count, sizeof(*kept));
    if (!kept)
        return STATUS_NO_MEMORY;
    memcpy(kept, pieces, count * sizeof(*kept));
    uint32_t first, last;
    decode_at(text, 0, &first);
    utf8_decode_before(text, text.size, &last);
    *ret_phrase = (struct phrase){.pieces = kept,
                                  .count = count,
                                  .edge_before = word_is_character(first),
                                  .edge_after = !open_end && word_is_character(last)};
    return STATUS_OK;
}

enum status phrase_parse(struct span entry, struct arena *arena, struct phrase *ret_phrase)
{
    struct buffer folded = BUFFER_INIT(FOLDED_SIZE_MAX);
    enum status status = view_append(VIEW_FOLDED, entry, &folded, NULL);
    if (status == STATUS_OK)
        status = parse_folded(buffer_span(&folded), arena, ret_phrase);
    buffer_free(&folded);
    return status;
}

enum status phrase_parse_disguised(struct span entry, struct arena *arena, struct phrase *ret_phrase)
{
    struct phrase phrase;
    enum status status = phrase_parse(entry, arena, &phrase);
    if (status != STATUS_OK)
        return status;
    struct phrase_piece *pieces = arena_array(arena, phrase.count, sizeof(*pieces));
    bool found = false;
    for (uint32_t i = 0; pieces && i < phrase.count; i++) {
        pieces[i] = phrase.pieces[i];
        uint8_t *disguised = arena_array(arena, pieces[i].text.size + 1, 1);
        if (!disguised)
            return STATUS_NO_MEMORY;
        pieces[i].disguised = span_of(disguised, skeleton_word(pieces[i].text, disguised));
        found |= pieces[i].disguised.size > 0;
    }
    if (!pieces)
        return STATUS_NO_MEMORY;
    if (!found)
        return STATUS_NOT_FOUND;
    phrase.pieces = pieces;
    phrase.in_disguise = true;
    *ret_phrase = phrase;
    return STATUS_OK;
}

/* To clear all of it would take longer than what it is for. */
#define UNINITIALISED __attribute__((uninitialized))

/* Where a piece can begin or end, in order from the anchor outwards: no place comes twice. */
struct places {
    uint32_t count;
    uint32_t at[PLACES_MAX];
};

static bool stands_at(struct span piece, struct span text, size_t at)
{
    return piece.size > 0 && piece.size <= text.size - at && memcmp(text.data + at, piece.data, piece.size) == 0;
}

/* How many bytes the piece takes at `at`; 0: it does not stand there. Of its two forms only one can. */
static size_t piece_at(const struct phrase_piece *piece, struct span text, size_t at)
{
    return stands_at(piece->text, text, at)        ? piece->text.size
           : stands_at(piece->disguised, text, at) ? piece->disguised.size
                                                   : 0;
}

/* The same for a piece that ends at `at`. */
static size_t piece_before(const struct phrase_piece *piece, struct span text, size_t at)
{
    if (at >= piece->text.size && stands_at(piece->text, text, at - piece->text.size))
        return piece->text.size;
    return at >= piece->disguised.size && stands_at(piece->disguised, text, at - piece->disguised.size)
               ? piece->disguised.size
               : 0;
}

static void add_place(struct places *places, uint32_t at)
{
    for (uint32_t i = places->count; i > 0; i--) {
        if (places->at[i - 1] == at)
            return;
    }
    if (places->count < PLACES_MAX)
        places->at[places->count++] = at;
}

/* From each end of the piece before, over a gap, to each end of `piece`. */
static void step_forward(const struct phrase_piece *piece, struct span text, const struct places *from,
                         struct places *to)
{
    to->count = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        size_t at = from->at[i];
        for (uint32_t gap = 0; gap <= PHRASE_GAP_MAX; gap++) {
            size_t taken = gap >= piece->gap_min ? piece_at(piece, text, at) : 0;
            if (taken > 0)
                add_place(to, (uint32_t)(at + taken));
            uint32_t c;
            if (at == text.size)
                break;
            uint32_t size = decode_at(text, at, &c);
            if (!is_gap(c))
                break;
            at += size;
        }
    }
}

/* From each start of the piece after, over the gap before it, to each start of `piece`. */
static void step_backward(const struct phrase_piece *piece, uint8_t gap_min, struct span text,
                          const struct places *from, struct places *to)
{
    to->count = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        size_t at = from->at[i];
        for (uint32_t gap = 0; gap <= PHRASE_GAP_MAX; gap++) {
            size_t taken = gap >= gap_min ? piece_before(piece, text, at) : 0;
            if (taken > 0)
                add_place(to, (uint32_t)(at - taken));
            uint32_t c;
            if (at == 0)
                break;
            uint32_t size = utf8_decode_before(text, at, &c);
            if (!is_gap(c))
                break;
            at -= size;
        }
    }
}

static bool find_end(const struct phrase *phrase, struct span text, uint32_t anchor, uint32_t anchor_start,
                     uint32_t *ret_end)
{
    UNINITIALISED struct places places[2];
    struct places *from = &places[0], *to = &places[1];
    from->count = 1;
    to->count = 0;
    from->at[0] = anchor_start + (uint32_t)piece_at(&phrase->pieces[anchor], text, anchor_start);
    for (uint32_t i = anchor + 1; i < phrase->count && from->count > 0; i++) {
        step_forward(&phrase->pieces[i], text, from, to);
        struct places *swap = from;
        from = to;
        to = swap;
    }
    bool found = false;
    uint32_t end = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        if ((!found || from->at[i] < end) && (!phrase->edge_after || word_is_edge(text, from->at[i]))) {
            found = true;
            end = from->at[i];
        }
    }
    if (found)
        *ret_end = end;
    return found;
}

static bool find_start(const struct phrase *phrase, struct span text, uint32_t anchor, uint32_t anchor_start,
                       uint32_t *ret_start)
{
    UNINITIALISED struct places places[2];
    struct places *from = &places[0], *to = &places[1];
    from->count = 1;
    to->count = 0;
    from->at[0] = anchor_start;
    for (uint32_t i = anchor; i > 0 && from->count > 0; i--) {
        step_backward(&phrase->pieces[i - 1], phrase->pieces[i].gap_min, text, from, to);
        struct places *swap = from;
        from = to;
        to = swap;
    }
    bool found = false;
    uint32_t start = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        if ((!found || from->at[i] > start) && (!phrase->edge_before || word_is_edge(text, from->at[i]))) {
            found = true;
            start = from->at[i];
        }
    }
    if (found)
        *ret_start = start;
    return found;
}

/* Words in disguise are shown in capitals, all else without. */
static bool has_capital(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= 'A' && text.data[i] <= 'Z')
            return true;
    }
    return false;
}

bool phrase_match_at(const struct phrase *phrase, struct span text, uint32_t anchor, uint32_t anchor_start,
                     uint32_t *ret_start, uint32_t *ret_end)
{
    if (anchor >= phrase->count || anchor_start > text.size || text.size > UINT32_MAX ||
        !piece_at(&phrase->pieces[anchor], text, anchor_start))
        return false;
    uint32_t start, end;
    if (phrase->count == 1 && !phrase->in_disguise) { /* most are one word */
        end = anchor_start + (uint32_t)phrase->pieces[0].text.size;
        if ((phrase->edge_before && !word_is_edge(text, anchor_start)) ||
            (phrase->edge_after && !word_is_edge(text, end)))
            return false;
        *ret_start = anchor_start;
        *ret_end = end;
        return true;
    }
    if (!find_end(phrase, text, anchor, anchor_start, &end) || !find_start(phrase, text, anchor, anchor_start, &start))
        return false;
    if (phrase->in_disguise && !has_capital(span_of(text.data + start, end - start)))
        return false;
    *ret_start = start;
    *ret_end = end;
    return true;
}

uint32_t phrase_anchor(const struct phrase *phrase)
{
    uint32_t longest = 0;
    for (uint32_t i = 1; i < phrase->count; i++) {
        if (phrase->pieces[i].text.size > phrase->pieces[longest].text.size)
            longest = i;
    }
    return longest;
}

static enum status append_literal(struct span text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        bool plain = byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || byte == '_';
        enum status status = plain ? buffer_append_byte(out, byte) : buffer_print(out, "\\x%02x", byte);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static bool joins(uint32_t c)
{
    return word_is_character(c) && !word_is_spaceless(c);
}

static enum status append_regex(const struct phrase *phrase, struct buffer *out)
{
    uint32_t first, last;
    struct span end = phrase->pieces[phrase->count - 1].text;
    decode_at(phrase->pieces[0].text, 0, &first);
    utf8_decode_before(end, end.size, &last);
    enum status status = STATUS_OK;
    if (phrase->edge_before && joins(first))
        status = buffer_append_text(out, "(?<!" WORD_JOINS ")");
    for (uint32_t i = 0; i < phrase->count && status == STATUS_OK; i++) {
        if (i > 0)
            status = buffer_print(out, GAP_CLASS "{%u,%u}?", phrase->pieces[i].gap_min, PHRASE_GAP_MAX);
        if (status == STATUS_OK)
            status = append_literal(phrase->pieces[i].text, out);
    }
    if (status == STATUS_OK && phrase->edge_after && joins(last))
        status = buffer_append_text(out, "(?!" WORD_JOINS ")");
    return status;
}

enum status phrase_regex(const struct phrase *phrase, struct buffer *out)
{
    size_t size = out->size;
    enum status status = append_regex(phrase, out);
    if (status != STATUS_OK)
        out->size = size;
    return status;
}
