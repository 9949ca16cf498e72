#include "tests/fuzz/scan_entry.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#define STEPS_MAX 200000u
#define GAP_MAX 8u

static void *must_have(void *memory)
{
    if (!memory) {
        abort();
    }
    return memory;
}

static void must(enum status status)
{
    if (status != STATUS_OK) {
        abort();
    }
}

/* ---------------------------------------------------------------- characters */

static bool is_joined(uint32_t c) /* a letter, a mark or a number */
{
    return (U_MASK(u_charType((UChar32)c)) & (U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK)) != 0;
}

static bool is_word(uint32_t c)
{
    return c == '_' || is_joined(c);
}

static bool is_spaceless(uint32_t c)
{
    static const UScriptCode scripts[] = {USCRIPT_HAN, USCRIPT_HIRAGANA, USCRIPT_KATAKANA, USCRIPT_THAI,
                                          USCRIPT_LAO, USCRIPT_KHMER,    USCRIPT_MYANMAR,  USCRIPT_TIBETAN};
    for (size_t i = 0; c >= 0x80 && i < sizeof scripts / sizeof *scripts; i++) {
        if (uscript_hasScript((UChar32)c, scripts[i])) {
            return true;
        }
    }
    return false;
}

/* What people put between the parts of a word, or leave out. */
static bool is_separator(uint32_t c)
{
    static const uint32_t others[] = {0x00B7, 0x2018, 0x2019, 0x201A, 0x201B, 0x2022, 0x2027,
                                      0x2032, 0x2044, 0x2212, 0x2215, 0x2219, 0x22C5, 0x060C,
                                      0x061B, 0x06D4, 0x0964, 0x0965, 0x3001, 0x3002, 0x30FB};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (c == others[i]) {
            return true;
        }
    }
    return (c < 0x80 && c > 0 && strchr("-'`.,_/:;", (int)c)) || u_charType((UChar32)c) == U_DASH_PUNCTUATION;
}

/* ---------------------------------------------------------------- views */

static void view_room(struct entry_view *it, size_t count)
{
    if (count + 1 > it->capacity) {
        it->capacity = (uint32_t)(2 * count + 64);
        it->characters = must_have(reallocarray(it->characters, it->capacity, sizeof *it->characters));
        it->caseless = must_have(reallocarray(it->caseless, it->capacity, sizeof *it->caseless));
        it->offsets = must_have(reallocarray(it->offsets, it->capacity, sizeof *it->offsets));
        it->raw_offsets = must_have(reallocarray(it->raw_offsets, it->capacity, sizeof *it->raw_offsets));
        it->next = must_have(reallocarray(it->next, it->capacity, sizeof *it->next));
    }
}

static void raw_view(struct span text, struct entry_view *it)
{
    it->count = 0;
    for (size_t at = 0; at < text.size;) {
        UChar32 c;
        uint8_t bytes[4];
        size_t size = 0;
        it->raw_offsets[it->count] = (uint32_t)at;
        it->offsets[it->count] = (uint32_t)it->bytes.size;
        U8_NEXT(text.data, at, text.size, c);
        c = c < 0 ? 0xFFFD : c;
        U8_APPEND_UNSAFE(bytes, size, c);
        must(buffer_append(&it->bytes, bytes, size));
        it->characters[it->count++] = (uint32_t)c;
    }
    it->raw_offsets[it->count] = (uint32_t)text.size;
    it->offsets[it->count] = (uint32_t)it->bytes.size;
}

void entry_view_make(enum view view, struct span text, struct entry_view *it)
{
    it->view = view;
    it->bytes.size_max = (size_t)64 << 20;
    buffer_clear(&it->bytes);
    if (view == VIEW_RAW) {
        view_room(it, text.size);
        raw_view(text, it);
    } else {
        must(view_append(view, text, &it->bytes, &it->map));
        view_room(it, it->bytes.size);
        it->count = 0;
        for (size_t at = 0; at < it->bytes.size;) {
            UChar32 c;
            it->offsets[it->count] = (uint32_t)at;
            U8_NEXT(it->bytes.data, at, it->bytes.size, c);
            it->characters[it->count++] = (uint32_t)c;
        }
        it->offsets[it->count] = (uint32_t)it->bytes.size;
    }
    memset(it->heads, 0xFF, sizeof it->heads);
    for (uint32_t i = it->count; i-- > 0;) {
        it->caseless[i] = (uint32_t)u_foldCase((UChar32)it->characters[i], U_FOLD_CASE_DEFAULT);
        uint32_t *head = &it->heads[it->caseless[i] % ENTRY_HEADS];
        it->next[i] = *head;
        *head = i;
    }
    it->text = it->bytes.size ? buffer_span(&it->bytes) : span_text("");
}

void entry_view_free(struct entry_view *it)
{
    buffer_free(&it->bytes);
    free(it->characters);
    free(it->caseless);
    free(it->offsets);
    free(it->raw_offsets);
    free(it->next);
    view_map_free(&it->map);
}

static uint32_t raw_offset(const struct entry_view *it, uint32_t offset)
{
    uint32_t low = 0, high = it->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (it->offsets[middle] < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return it->raw_offsets[low];
}

void entry_view_span(const struct entry_view *it, uint32_t start, uint32_t end, uint32_t *ret_start, uint32_t *ret_end)
{
    if (it->view == VIEW_RAW) {
        *ret_start = raw_offset(it, start);
        *ret_end = raw_offset(it, end);
    } else {
        view_map_span(&it->map, start, end, ret_start, ret_end);
    }
}

/* ---------------------------------------------------------------- entries */

/* Is there an edge before character `at`? */
static bool is_edge(const struct entry_view *view, uint32_t at)
{
    if (at == 0 || at == view->count) {
        return true;
    }
    uint32_t before = view->characters[at - 1], after = view->characters[at];
    return !is_word(before) || !is_word(after) || is_spaceless(before) || is_spaceless(after);
}

/* White space and separators from `start` on; ends[0] is where they end. Is there a space among them? */
static bool run_of(const uint32_t *text, uint32_t count, uint32_t start, uint32_t *ret_end)
{
    bool space = false;
    uint32_t end = start;
    for (; end < count && (text[end] == ' ' || is_separator(text[end])); end++) {
        space |= text[end] == ' ';
    }
    *ret_end = end;
    return space;
}

/* Cuts the folded characters into pieces and gaps. */
static void cut(const uint32_t *text, uint32_t count, struct entry *entry)
{
    for (uint32_t at = 0, end; at < count; at = end) {
        bool space = run_of(text, count, at, &end);
        if (end == at) {
            entry->items[entry->count++] = text[at];
            end = at + 1;
            continue;
        }
        uint32_t gap_start = at, gap_end = end;
        bool inside = at > 0 && end < count;
        if (space) {
            /* punctuation at the start or the end of the entry is part of its piece */
            for (; at == 0 && text[gap_start] != ' ';) {
                gap_start++;
            }
            for (; end == count && text[gap_end - 1] != ' ';) {
                gap_end--;
            }
        } else if (!inside || !is_word(text[at - 1]) || !is_word(text[end])) {
            gap_end = gap_start; /* no gap: characters like others */
        }
        for (uint32_t i = at; i < gap_start; i++) {
            entry->items[entry->count++] = text[i];
        }
        if (gap_end > gap_start) {
            entry->items[entry->count++] = ENTRY_GAP | (space ? 1u : 0u);
        }
        for (uint32_t i = gap_end; i < end; i++) {
            entry->items[entry->count++] = text[i];
        }
    }
}

static void fold_items(struct entry *entry)
{
    for (uint32_t i = 0; entry->caseless && i < entry->count; i++) {
        if (!(entry->items[i] & ENTRY_GAP)) {
            entry->items[i] = (uint32_t)u_foldCase((UChar32)entry->items[i], U_FOLD_CASE_DEFAULT);
        }
    }
}

void entry_phrase(struct span text, bool caseless, struct entry *ret_entry)
{
    struct entry_view folded = {0};
    entry_view_make(VIEW_FOLDED, text, &folded);
    const uint32_t *from = folded.characters;
    uint32_t count = folded.count;
    bool open = false;
    for (; count > 0 && from[count - 1] == ' '; count--) {
    }
    for (; count > 0 && *from == ' '; count--) {
        from++;
    }
    if (count > 0 && from[count - 1] == '*') {
        open = true;
        for (count--; count > 0 && from[count - 1] == ' '; count--) {
        }
    }
    *ret_entry = (struct entry){.caseless = caseless};
    ret_entry->items = must_have(calloc((size_t)count + 1, sizeof *ret_entry->items));
    if (count > 0) {
        ret_entry->edge_before = is_word(from[0]);
        ret_entry->edge_after = !open && is_word(from[count - 1]);
        cut(from, count, ret_entry);
        fold_items(ret_entry);
    }
    entry_view_free(&folded);
}

void entry_domain(struct span name, bool caseless, struct entry *ret_entry)
{
    *ret_entry = (struct entry){.is_domain = true, .caseless = caseless};
    ret_entry->items = must_have(calloc(name.size + 1, sizeof *ret_entry->items));
    for (size_t at = 0; at < name.size;) {
        UChar32 c;
        U8_NEXT(name.data, at, name.size, c);
        ret_entry->items[ret_entry->count++] = (uint32_t)c;
    }
    fold_items(ret_entry);
}

void entry_free(struct entry *entry)
{
    free(entry->items);
    entry->items = NULL;
}

/* ---------------------------------------------------------------- finding */

struct search {
    const struct entry *entry;
    const struct entry_view *view;
    const uint32_t *text;
    uint32_t steps;
    uint32_t start;
    struct entry_places *places; /* NULL: one is enough */
    bool found, full;
};

static void found_at(struct search *search, uint32_t end)
{
    struct entry_places *places = search->places;
    uint32_t start_byte = search->view->offsets[search->start], end_byte = search->view->offsets[end];
    search->found = true;
    for (uint32_t i = places ? places->count : 0; i-- > 0 && places->starts[i] == start_byte;) {
        if (places->ends[i] == end_byte) {
            return;
        }
    }
    if (places && places->count == places->capacity) {
        search->full = true;
    } else if (places) {
        places->starts[places->count] = start_byte;
        places->ends[places->count++] = end_byte;
    }
}

static bool is_over(const struct search *search)
{
    return search->full || search->steps > STEPS_MAX || (search->found && !search->places);
}

/* The entry from `item` on, at character `at`. */
static void follow(struct search *search, uint32_t item, uint32_t at)
{
    const struct entry *entry = search->entry;
    for (; item < entry->count && !(entry->items[item] & ENTRY_GAP); item++, at++) {
        if (at == search->view->count || search->text[at] != entry->items[item]) {
            return;
        }
    }
    if (item == entry->count) {
        if (!entry->edge_after || is_edge(search->view, at)) {
            found_at(search, at);
        }
        return;
    }
    uint32_t least = entry->items[item] & ~ENTRY_GAP;
    for (uint32_t gap = 0; gap <= GAP_MAX && !is_over(search); gap++, at++) {
        search->steps++;
        if (gap >= least) {
            follow(search, item + 1, at);
        }
        if (at == search->view->count || is_joined(search->view->characters[at])) {
            return;
        }
    }
}

/* Would `c`, beside a name that ends with `edge`, make a longer name? */
static bool continues(const struct entry_view *view, uint32_t at, uint32_t edge)
{
    if (at >= view->count || !is_word(view->characters[at])) {
        return false;
    }
    return !is_spaceless(view->characters[at]) || is_spaceless(edge);
}

static void domain_at(struct search *search, uint32_t start)
{
    const struct entry *entry = search->entry;
    const struct entry_view *view = search->view;
    uint32_t end = start + entry->count;
    if (end > view->count || memcmp(search->text + start, entry->items, entry->count * sizeof *entry->items) != 0) {
        return;
    }
    uint32_t last = view->characters[end - 1], behind = end;
    if (start > 0 && (view->characters[start - 1] == '-' || continues(view, start - 1, view->characters[start]))) {
        return;
    }
    if (end < view->count && view->characters[end] == '.') {
        behind = end + 1;
    } else {
        while (behind < view->count && view->characters[behind] == '-') {
            behind++;
        }
    }
    if (!continues(view, behind, last)) {
        found_at(search, end);
    }
}

static void search_all(struct search *search)
{
    const struct entry *entry = search->entry;
    search->text = entry->caseless ? search->view->caseless : search->view->characters;
    if (entry->count == 0) {
        return;
    }
    uint32_t first = (uint32_t)u_foldCase((UChar32)entry->items[0], U_FOLD_CASE_DEFAULT);
    uint32_t start = search->view->heads[first % ENTRY_HEADS];
    for (; start != UINT32_MAX && !is_over(search); start = search->view->next[start]) {
        search->start = start;
        if (entry->is_domain) {
            domain_at(search, start);
        } else if (!entry->edge_before || is_edge(search->view, start)) {
            follow(search, 0, start);
        }
    }
}

enum truth entry_find(const struct entry *entry, const struct entry_view *view)
{
    struct search search = {.entry = entry, .view = view};
    search_all(&search);
    return search.found ? TRUTH_TRUE : search.steps > STEPS_MAX ? TRUTH_UNKNOWN : TRUTH_FALSE;
}

bool entry_find_all(const struct entry *entry, const struct entry_view *view, struct entry_places *places)
{
    struct search search = {.entry = entry, .view = view, .places = places};
    search_all(&search);
    return !search.full && search.steps <= STEPS_MAX;
}
