#include "text/view_words.h"

#include <stdlib.h>
#include <string.h>

#include <unicode/utf16.h>

#include "text/utf8.h"

struct character {
    uint32_t code_point;
    uint32_t flags;
    uint32_t size; /* bytes */
};

static struct character read_at(struct span text, size_t at)
{
    struct character c;
    c.size = utf8_next(span_of(text.data + at, text.size - at), &c.code_point);
    c.flags = fold_character(c.code_point);
    return c;
}

/* What a word is made of, as far as it matters here. */
struct word {
    size_t end;
    size_t next;      /* where to look for the next one: past what was found to break this one */
    bool look_alikes; /* there is something to map */
    bool mixed;
};

struct scripts {
    uint8_t first;
    bool latin, several;
};

static void count_script(struct scripts *scripts, const struct character *c)
{
    uint8_t script = c->flags & FOLD_LETTER ? fold_script(c->code_point) : 0;
    if (script == 0)
        return;
    if (script == fold_script_latin)
        scripts->latin = true;
    if (scripts->first == 0)
        scripts->first = script;
    else if (scripts->first != script)
        scripts->several = true;
}

/*
 * Weak look-alikes, digits and letters of spaceless scripts, imitate a letter only where letters stand on both sides:
 * "5 GB" in Persian digits and Thai next to English stay what they are. Returns the end of the run that starts at `at`.
 */
static size_t weak_run(struct span text, size_t at, bool letter_before, struct scripts *scripts, bool *ret_enclosed,
                       bool *ret_spaceless)
{
    struct scripts inside = *scripts;
    bool letter_after = false;
    *ret_spaceless = false;
    while (at < text.size) {
        struct character c = read_at(text, at);
        if (!(c.flags & FOLD_WEAK)) {
            letter_after = (c.flags & FOLD_LETTER) && (c.flags & FOLD_JOINS);
            break;
        }
        if (c.flags & FOLD_SPACELESS)
            *ret_spaceless = true;
        count_script(&inside, &c);
        at += c.size;
    }
    *ret_enclosed = letter_before && letter_after;
    if (*ret_enclosed)
        *scripts = inside;
    return at;
}

/* The word that starts at `start`; empty if what stands there belongs to none. */
static struct word scan_word(struct span text, size_t start)
{
    struct word word = {.end = start};
    struct scripts scripts = {0};
    bool letter_before = false;
    while (word.end < text.size) {
        struct character c = read_at(text, word.end);
        if (c.flags & FOLD_WEAK) {
            bool enclosed, spaceless;
            size_t end = weak_run(text, word.end, letter_before, &scripts, &enclosed, &spaceless);
            if (spaceless && !enclosed) {
                word.next = end;
                break;
            }
            word.look_alikes |= enclosed;
            letter_before = enclosed;
            word.end = end;
            continue;
        }
        if (!(c.flags & FOLD_JOINS)) {
            word.next = word.end + c.size;
            break;
        }
        if (c.flags & FOLD_LOOK_ALIKE)
            word.look_alikes = true;
        count_script(&scripts, &c);
        letter_before = !(c.flags & FOLD_NUMBER);
        word.end += c.size;
    }
    if (word.next < word.end)
        word.next = word.end; /* it ends with the text */
    word.mixed = scripts.latin || scripts.several;
    return word;
}

static enum status record(struct view_edits *edits, size_t start, size_t end, size_t size)
{
    if (!edits)
        return STATUS_OK;
    if (edits->count == edits->capacity) {
        uint32_t capacity = edits->capacity ? edits->capacity * 2 : 16;
        struct view_edit *items = realloc(edits->items, (size_t)capacity * sizeof(*items));
        if (!items)
            return STATUS_NO_MEMORY;
        edits->items = items;
        edits->capacity = capacity;
    }
    edits->items[edits->count++] =
        (struct view_edit){.start = (uint32_t)start, .end = (uint32_t)end, .size = (uint32_t)size};
    return STATUS_OK;
}

/*
 * Writes to `to` the letters that the character at `at` imitates, composed with the marks that follow it. Returns where
 * reading goes on. `to` may be the text itself, at or before `at`: nothing is written before everything is read.
 */
static enum status map_letter(struct span text, size_t at, struct fold_scratch *scratch, uint8_t *to, size_t *ret_end,
                              size_t *ret_size)
{
    struct character c = read_at(text, at);
    const char *letters = fold_look_alike(c.code_point);
    size_t length = letters ? strlen(letters) : 0;
    size_t end = at + c.size;
    uint8_t piece[4];
    while (end < text.size) {
        struct character next = read_at(text, end);
        if (next.flags & FOLD_BOUNDARY)
            break;
        end += next.size;
    }
    *ret_end = end;
    if (length == 0 || length > c.size)
        abort(); /* the generator of the table sees to it */
    if (end == at + c.size) {
        for (size_t i = 0; i < length; i++)
            to[i] = (uint8_t)letters[i];
        *ret_size = length;
        return STATUS_OK;
    }
    /* The last letter and the marks, as one segment; the letters before it are not touched by marks. */
    size_t tail = end - at - c.size;
    uint8_t *segment = malloc(tail + 1);
    if (!segment)
        return STATUS_NO_MEMORY;
    segment[0] = (uint8_t)letters[length - 1];
    memcpy(segment + 1, text.data + at + c.size, tail);
    int32_t units = 0;
    enum status status = fold_segment(scratch, span_of(segment, tail + 1), false, &units);
    free(segment);
    if (status != STATUS_OK)
        return status;
    size_t size = 0;
    for (; size < length - 1; size++)
        to[size] = (uint8_t)letters[size];
    for (int32_t i = 0; i < units;) {
        UChar32 unit;
        U16_NEXT(scratch->out, i, units, unit);
        uint32_t bytes = utf8_encode((uint32_t)unit, piece);
        if (size + bytes > end - at)
            abort(); /* composing never makes text longer */
        memcpy(to + size, piece, bytes);
        size += bytes;
    }
    *ret_size = size;
    return STATUS_OK;
}

struct rewriter {
    struct span text;
    uint8_t *data;  /* the same bytes */
    size_t kept;    /* text before this is already in its new place */
    size_t written; /* bytes of new text */
    struct fold_scratch *scratch;
    struct view_edits *edits;
};

static void keep_until(struct rewriter *rewriter, size_t at)
{
    if (rewriter->written != rewriter->kept)
        memmove(rewriter->data + rewriter->written, rewriter->data + rewriter->kept, at - rewriter->kept);
    rewriter->written += at - rewriter->kept;
    rewriter->kept = at;
}

static enum status rewrite_word(struct rewriter *rewriter, size_t start, size_t end)
{
    struct scripts unused = {0};
    bool letter_before = false;
    size_t weak_end = start; /* look-alikes up to here were found to be enclosed */
    for (size_t at = start; at < end;) {
        struct character c = read_at(rewriter->text, at);
        if ((c.flags & FOLD_WEAK) && at >= weak_end) {
            bool enclosed, spaceless;
            weak_end = weak_run(rewriter->text, at, letter_before, &unused, &enclosed, &spaceless);
            if (!enclosed) {
                at = weak_end;
                letter_before = false;
                continue;
            }
        }
        letter_before = !(c.flags & FOLD_NUMBER) || (c.flags & FOLD_WEAK);
        if (!(c.flags & FOLD_LOOK_ALIKE)) {
            at += c.size;
            continue;
        }
        keep_until(rewriter, at);
        size_t next, size;
        enum status status =
            map_letter(rewriter->text, at, rewriter->scratch, rewriter->data + rewriter->written, &next, &size);
        if (status == STATUS_OK)
            status = record(rewriter->edits, at, next, size);
        if (status != STATUS_OK)
            return status;
        rewriter->written += size;
        rewriter->kept = next;
        at = next;
    }
    return STATUS_OK;
}

enum status view_words_map(struct buffer *out, size_t base, struct fold_scratch *scratch, struct view_edits *edits)
{
    struct rewriter rewriter = {.text = span_of(out->data + base, out->size - base),
                                .data = out->data + base,
                                .scratch = scratch,
                                .edits = edits};
    for (size_t at = 0; at < rewriter.text.size;) {
        struct word word = scan_word(rewriter.text, at);
        if (word.mixed && word.look_alikes) {
            enum status status = rewrite_word(&rewriter, at, word.end);
            if (status != STATUS_OK)
                return status;
        }
        /* Characters that were composed may reach past the word. */
        at = rewriter.kept > word.next ? rewriter.kept : word.next;
    }
    keep_until(&rewriter, rewriter.text.size);
    out->size = base + rewriter.written;
    return STATUS_OK;
}
