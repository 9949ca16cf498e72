#include "scanner/across_join.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "text/phrase.h"
#include "text/utf8.h"
#include "text/view.h"
#include "text/word.h"

#define ARENA_MAX ((size_t)1 << 30)
#define LOOK_BYTES 128u /* of a message's end or beginning that are looked at for a word */
#define WORD_BYTES_MAX 32u
#define HALF_BYTES 2048u /* of it that a half of a phrase may take: an entry has at most 1,024 */
#define FOLDED_MAX ((size_t)1 << 20)

struct cut_phrase {
    struct phrase phrase;
    uint32_t number, pattern;
};

/* Hashes of words, open addressing; 0 is empty. */
struct word_set {
    uint64_t *words;
    size_t mask, count;
};

struct across_join {
    struct arena *arena;
    struct cut_phrase *phrases;
    uint32_t count, capacity;
    struct word_set lasts, firsts; /* of the pieces that a cut may stand after, and before */
    struct word_set prefixes;      /* with which such a first word may begin; */
    uint64_t prefix_sizes;         /* bit i: some of them have i + 1 bytes */
    bool any;                      /* nothing cheap can be told of some phrase: every message may be a half */
    struct buffer folded;
};

enum status across_join_new(struct across_join **ret_join)
{
    struct across_join *join = calloc(1, sizeof *join);
    if (!join) {
        return STATUS_NO_MEMORY;
    }
    join->folded = BUFFER_INIT(FOLDED_MAX);
    if (arena_new(1u << 12, ARENA_MAX, &join->arena) != STATUS_OK) {
        free(join);
        return STATUS_NO_MEMORY;
    }
    *ret_join = join;
    return STATUS_OK;
}

void across_join_free(struct across_join **join)
{
    if (*join) {
        arena_free(&(*join)->arena);
        free((*join)->phrases);
        free((*join)->lasts.words);
        free((*join)->firsts.words);
        free((*join)->prefixes.words);
        buffer_free(&(*join)->folded);
        free(*join);
        *join = NULL;
    }
}

bool across_join_is_empty(const struct across_join *join)
{
    return join->count == 0;
}

/* ---------------------------------------------------------------- words */

static bool in_word(uint32_t c)
{
    return c != '_' && word_is_character(c);
}

/* The last word of folded text: letters, marks and numbers. Empty if there is none. */
static struct span last_word(struct span text)
{
    size_t end = text.size, start;
    uint32_t c;
    while (end > 0) {
        uint32_t size = utf8_decode_before(text, end, &c);
        if (in_word(c)) {
            break;
        }
        end -= size;
    }
    for (start = end; start > 0;) {
        uint32_t size = utf8_decode_before(text, start, &c);
        if (!in_word(c)) {
            break;
        }
        start -= size;
    }
    return span_of(text.data + start, end - start);
}

static struct span first_word(struct span text)
{
    size_t start = 0, end;
    uint32_t c;
    while (start < text.size) {
        uint32_t size = utf8_decode(span_of(text.data + start, text.size - start), &c);
        if (in_word(c)) {
            break;
        }
        start += size;
    }
    for (end = start; end < text.size;) {
        uint32_t size = utf8_decode(span_of(text.data + end, text.size - end), &c);
        if (!in_word(c)) {
            break;
        }
        end += size;
    }
    return span_of(text.data + start, end - start);
}

static uint64_t hash_word(struct span word)
{
    uint64_t hash = XXH3_64bits(word.data, word.size);
    return hash ? hash : 1;
}

static bool set_has(const struct word_set *set, uint64_t word)
{
    for (size_t at = word & set->mask; set->count > 0 && set->words[at]; at = (at + 1) & set->mask) {
        if (set->words[at] == word) {
            return true;
        }
    }
    return false;
}

static void set_put(struct word_set *set, uint64_t word)
{
    size_t at = word & set->mask;
    while (set->words[at] && set->words[at] != word) {
        at = (at + 1) & set->mask;
    }
    set->count += set->words[at] == 0;
    set->words[at] = word;
}

static enum status set_add(struct word_set *set, uint64_t word)
{
    if (set->count * 2 >= set->mask) {
        struct word_set larger = {.mask = set->mask ? set->mask * 2 + 1 : 255};
        larger.words = calloc(larger.mask + 1, sizeof *larger.words);
        if (!larger.words) {
            return STATUS_NO_MEMORY;
        }
        for (size_t i = 0; set->words && i <= set->mask; i++) {
            if (set->words[i]) {
                set_put(&larger, set->words[i]);
            }
        }
        free(set->words);
        *set = larger;
    }
    set_put(set, word);
    return STATUS_OK;
}

/* ---------------------------------------------------------------- phrases */

/* Is the piece one word and nothing else? */
static bool is_word(struct span piece)
{
    return last_word(piece).size == piece.size;
}

static bool has_spaceless(struct span text)
{
    uint32_t c;
    for (size_t at = 0; at < text.size;) {
        at += utf8_decode(span_of(text.data + at, text.size - at), &c);
        if (word_is_spaceless(c)) {
            return true;
        }
    }
    return false;
}

/*
 * Can a look at one word tell nothing of the phrase? So it is where a piece has no word, or one too long to be looked at,
 * or may be glued to other letters: in scripts without spaces, and at gaps that may be empty.
 */
static bool is_plain(const struct phrase *phrase)
{
    bool plain = false;
    for (uint32_t i = 0; i < phrase->count; i++) {
        struct span piece = phrase->pieces[i].text, last = last_word(piece), first = first_word(piece);
        plain |= last.size == 0 || last.size > WORD_BYTES_MAX || first.size > WORD_BYTES_MAX || has_spaceless(piece);
        plain |= i > 0 && phrase->count > 2 && phrase->pieces[i].gap_min == 0;
    }
    return plain;
}

static enum status add_words(struct across_join *join, const struct phrase *phrase)
{
    enum status status = STATUS_OK;
    if (is_plain(phrase)) {
        join->any = true;
        return STATUS_OK;
    }
    for (uint32_t i = 0; status == STATUS_OK && i < phrase->count; i++) {
        struct span piece = phrase->pieces[i].text, first = first_word(piece);
        bool is_open = i + 1 == phrase->count && !phrase->edge_after && is_word(piece);
        if (i + 1 < phrase->count) {
            status = set_add(&join->lasts, hash_word(last_word(piece)));
        }
        if (status == STATUS_OK && i > 0 && is_open) { /* "gift car*": the word of the text may go on */
            join->prefix_sizes |= UINT64_C(1) << (first.size - 1);
            status = set_add(&join->prefixes, hash_word(first));
        } else if (status == STATUS_OK && i > 0) {
            status = set_add(&join->firsts, hash_word(first));
        }
    }
    return status;
}

static enum status add_phrase(struct across_join *join, struct span entry, uint32_t number, uint32_t pattern)
{
    struct cut_phrase added = {.number = number, .pattern = pattern};
    enum status status = phrase_parse(entry, join->arena, &added.phrase);
    if (status != STATUS_OK || added.phrase.count < 2) {
        return status == STATUS_NO_MEMORY ? status : STATUS_OK;
    }
    if (join->count == join->capacity) {
        uint32_t capacity = join->capacity ? 2 * join->capacity : 64;
        struct cut_phrase *phrases = reallocarray(join->phrases, capacity, sizeof *phrases);
        if (!phrases) {
            return STATUS_NO_MEMORY;
        }
        join->phrases = phrases;
        join->capacity = capacity;
    }
    status = add_words(join, &added.phrase);
    join->phrases[join->count++] = added;
    return status;
}

enum status across_join_add(struct across_join *join, const struct rule *rule, uint32_t number)
{
    enum status status = STATUS_OK;
    for (uint32_t p = 0; p < rule->pattern_count; p++) {
        const struct pattern *pattern = &rule->patterns[p];
        bool folded = (pattern->views & 1u << VIEW_FOLDED) != 0;
        for (uint32_t i = 0;
             status == STATUS_OK && pattern->kind == PATTERN_WORDS && folded && i < pattern->entry_count; i++) {
            status = add_phrase(join, pattern->entries[i].text, number, p);
        }
    }
    return status;
}

/* At most `max` bytes of the end, or of the beginning, of a text; a character that is cut is as good as none. */
static struct span tail_of(struct span text, size_t max)
{
    return text.size > max ? span_of(text.data + text.size - max, max) : text;
}

static struct span head_of(struct span text, size_t max)
{
    return text.size > max ? span_of(text.data, max) : text;
}

static bool fold(struct across_join *join, struct span text)
{
    buffer_clear(&join->folded);
    return view_append(VIEW_FOLDED, text, &join->folded, NULL) == STATUS_OK;
}

void across_join_look(struct across_join *join, struct span text, bool *ret_first, bool *ret_second)
{
    *ret_first = *ret_second = join->any;
    if (join->count == 0 || join->any) {
        return;
    }
    if (fold(join, tail_of(text, LOOK_BYTES))) {
        *ret_first = set_has(&join->lasts, hash_word(last_word(buffer_span(&join->folded))));
    }
    if (fold(join, head_of(text, LOOK_BYTES))) {
        struct span word = first_word(buffer_span(&join->folded));
        *ret_second = set_has(&join->firsts, hash_word(word));
        for (uint32_t size = 1; join->prefix_sizes && size <= WORD_BYTES_MAX && size <= word.size; size++) {
            *ret_second |= (join->prefix_sizes >> (size - 1) & 1u) &&
                           set_has(&join->prefixes, hash_word(span_of(word.data, size)));
        }
    }
}

/* Does the phrase stand over `border` somewhere? */
static bool stands_over(const struct phrase *phrase, struct span text, size_t border)
{
    uint32_t anchor = phrase_anchor(phrase), start, end;
    struct span piece = phrase->pieces[anchor].text;
    for (size_t from = 0; from + piece.size <= text.size;) {
        const uint8_t *found = memmem(text.data + from, text.size - from, piece.data, piece.size);
        if (!found) {
            return false;
        }
        from = (size_t)(found - text.data);
        if (phrase_match_at(phrase, text, anchor, (uint32_t)from, &start, &end) && start < border && end > border) {
            return true;
        }
        from++;
    }
    return false;
}

enum status across_join_find(struct across_join *join, struct span first, struct span second, across_join_found found,
                             void *context)
{
    buffer_clear(&join->folded);
    enum status status = view_append(VIEW_FOLDED, tail_of(first, HALF_BYTES), &join->folded, NULL);
    while (join->folded.size > 0 && join->folded.data[join->folded.size - 1] == ' ') {
        join->folded.size--;
    }
    size_t border = join->folded.size;
    if (status == STATUS_OK) {
        status = buffer_append_byte(&join->folded, ' '); /* the border is a gap between words */
    }
    if (status == STATUS_OK) {
        status = view_append(VIEW_FOLDED, head_of(second, HALF_BYTES), &join->folded, NULL);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < join->count; i++) {
        const struct cut_phrase *phrase = &join->phrases[i];
        if (stands_over(&phrase->phrase, buffer_span(&join->folded), border)) {
            found(context, phrase->number, phrase->pattern);
        }
    }
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}
