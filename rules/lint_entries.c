/* Entries of `words`, and of lists: those that others make needless, and regexes where none are understood. */
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "rules/lint_context.h"
#include "text/domain.h"
#include "text/phrase.h"

#define ENTRIES_MAX 300000u /* a longer list is not compared with itself */
#define TOLD_MAX 20u        /* of one pattern and sort */

/* An entry under the text by which another one would notice it: its first piece, or its name. */
struct known {
    struct span key;
    uint32_t entry;
    const struct phrase *phrase; /* NULL: a domain */
    struct known *next;          /* others of the same key */
    UT_hash_handle hh;
};

struct comparison {
    struct lint *lint;
    const struct pattern *pattern;
    struct known *known;
    struct known *items;
    struct phrase *phrases;
    size_t star_size_min, star_size_max; /* of the keys of phrases that end in a star and have one piece */
    uint32_t told;
};

/* Nothing in `words` is special but a star at the end; a person who writes these wants something else. */
static const char *find_regex_syntax(struct span text)
{
    static const char *const signs[] = {"\\b", "\\w", "\\d",  "\\s",  "\\.",  ".*",
                                        ".+",  "(?:", "(?i)", "[a-z", "[0-9", NULL};
    for (size_t i = 0; signs[i]; i++) {
        if (memmem(text.data, text.size, signs[i], strlen(signs[i]))) {
            return signs[i];
        }
    }
    for (size_t i = 1; i + 1 < text.size; i++) {
        uint8_t before = text.data[i - 1] | 0x20u, after = text.data[i + 1] | 0x20u;
        bool between = (before >= 'a' || before == (')' | 0x20u)) && before <= 'z' && after >= 'a' && after <= 'z';
        if (text.data[i] == '?' && between) {
            return "?";
        }
        if (text.data[i] == '|' && before >= 'a' && before <= 'z' && after >= 'a' && after <= 'z') {
            return "|";
        }
    }
    return NULL;
}

static void check_syntax(struct lint *lint, const struct pattern *pattern)
{
    uint32_t told = 0;
    for (uint32_t i = 0; i < pattern->entry_count && pattern->kind == PATTERN_WORDS && told < TOLD_MAX; i++) {
        const char *sign = find_regex_syntax(pattern->entries[i].text);
        if (sign) {
            char quote[MODEL_QUOTE_SIZE];
            struct model_place place = lint_place_of_entry(pattern, &pattern->entries[i]);
            lint_report(lint, "regex-in-words", &place, "make a pattern of it: {regex: '...'}",
                        "'%s' in '%s' stands for itself: phrases are no regexes", sign,
                        model_quote(pattern->entries[i].text, quote));
            told++;
        }
    }
}

static void add_known(struct comparison *comparison, struct known *item)
{
    struct known *found = NULL;
    HASH_FIND(hh, comparison->known, item->key.data, item->key.size, found);
    if (found) {
        item->next = found->next;
        found->next = item;
    } else {
        HASH_ADD_KEYPTR(hh, comparison->known, item->key.data, item->key.size, item);
    }
}

static struct known *find_known(const struct comparison *comparison, struct span key)
{
    struct known *found = NULL;
    if (key.size > 0) {
        HASH_FIND(hh, comparison->known, key.data, key.size, found);
    }
    return found;
}

static void tell(struct comparison *comparison, uint32_t entry, uint32_t by)
{
    const struct pattern_entry *entries = comparison->pattern->entries;
    char quote[MODEL_QUOTE_SIZE], other[MODEL_QUOTE_SIZE];
    struct model_place place = lint_place_of_entry(comparison->pattern, &entries[entry]);
    if (comparison->told++ < TOLD_MAX) {
        lint_report(comparison->lint, "subsumed-entry", &place, "remove it, or the other one",
                    "'%s' is found only where '%s' (line %u) is found as well", model_quote(entries[entry].text, quote),
                    model_quote(entries[by].text, other), entries[by].line);
    }
}

/* Does `phrase` stand in every text of `other` whose pieces hold it from piece `at` on? */
static bool is_inside(const struct phrase *phrase, const struct phrase *other, uint32_t at)
{
    if (phrase->count > other->count - at || (at > 0 && other->pieces[at].gap_min == 0)) {
        return false;
    }
    if (at == 0 && phrase->edge_before && !other->edge_before) {
        return false;
    }
    for (uint32_t i = 0; i < phrase->count; i++) {
        struct span mine = phrase->pieces[i].text, its = other->pieces[at + i].text;
        bool last = i + 1 == phrase->count;
        bool same = span_equal(mine, its);
        bool begins = mine.size < its.size && memcmp(mine.data, its.data, mine.size) == 0;
        if (i > 0 && phrase->pieces[i].gap_min > other->pieces[at + i].gap_min) {
            return false;
        }
        if (!same && !(last && !phrase->edge_after && begins)) {
            return false;
        }
        if (same && last && phrase->edge_after) {
            bool at_end = at + i + 1 == other->count;
            return at_end ? other->edge_after : other->pieces[at + i + 1].gap_min > 0;
        }
    }
    return true;
}

static bool try_phrases(struct comparison *comparison, uint32_t entry, uint32_t at, struct span key)
{
    const struct phrase *phrase = &comparison->phrases[entry];
    for (const struct known *item = find_known(comparison, key); item; item = item->next) {
        if (item->entry != entry && is_inside(item->phrase, phrase, at)) {
            tell(comparison, entry, item->entry);
            return true;
        }
    }
    return false;
}

static void compare_phrase(struct comparison *comparison, uint32_t entry)
{
    const struct phrase *phrase = &comparison->phrases[entry];
    for (uint32_t i = 0; i < phrase->count; i++) {
        struct span text = phrase->pieces[i].text;
        if (try_phrases(comparison, entry, i, text)) {
            return;
        }
        /* A phrase of one piece with a star: it may be the beginning of this piece. */
        for (size_t size = comparison->star_size_min; size < text.size && size <= comparison->star_size_max; size++) {
            if (try_phrases(comparison, entry, i, span_of(text.data, size))) {
                return;
            }
        }
    }
}

/* Every name of which this one is a subdomain, or an address below. */
static void compare_domain(struct comparison *comparison, uint32_t entry, struct span form)
{
    struct span host = form;
    for (size_t size = form.size; size-- > 1;) {
        if (form.data[size] == '/') {
            const struct known *found = find_known(comparison, span_of(form.data, size));
            host.size = size;
            if (found) {
                tell(comparison, entry, found->entry);
                return;
            }
        }
    }
    for (size_t i = 0; i + 1 < host.size; i++) {
        const struct known *found =
            host.data[i] == '.' ? find_known(comparison, span_of(host.data + i + 1, host.size - i - 1)) : NULL;
        if (found) {
            tell(comparison, entry, found->entry);
            return;
        }
    }
}

static bool learn_entries(struct comparison *comparison, struct span *forms)
{
    const struct pattern *pattern = comparison->pattern;
    struct arena *arena = comparison->lint->scratch;
    for (uint32_t i = 0; i < pattern->entry_count; i++) {
        struct known *item = &comparison->items[i];
        item->entry = i;
        if (pattern->kind == PATTERN_WORDS) {
            struct phrase *phrase = &comparison->phrases[i];
            if (phrase_parse(pattern->entries[i].text, arena, phrase) != STATUS_OK) {
                return false;
            }
            item->phrase = phrase;
            item->key = phrase->pieces[0].text;
            if (phrase->count == 1 && !phrase->edge_after) {
                size_t size = item->key.size;
                comparison->star_size_min = size < comparison->star_size_min ? size : comparison->star_size_min;
                comparison->star_size_max = size > comparison->star_size_max ? size : comparison->star_size_max;
            }
        } else {
            struct span both[DOMAIN_FORMS_MAX];
            uint32_t count = 0;
            if (domain_parse(pattern->entries[i].text, arena, both, &count) != STATUS_OK) {
                return false;
            }
            forms[i] = item->key = both[0];
        }
        add_known(comparison, item);
    }
    return true;
}

static void check_subsumed(struct lint *lint, const struct pattern *pattern)
{
    struct comparison comparison = {.lint = lint, .pattern = pattern, .star_size_min = SIZE_MAX};
    if (pattern->entry_count < 2 || pattern->entry_count > ENTRIES_MAX) {
        return;
    }
    comparison.items = arena_array(lint->scratch, pattern->entry_count, sizeof *comparison.items);
    comparison.phrases = arena_array(lint->scratch, pattern->entry_count, sizeof *comparison.phrases);
    struct span *forms = arena_array(lint->scratch, pattern->entry_count, sizeof *forms);
    if (!comparison.items || !comparison.phrases || !forms) {
        lint->no_memory = true;
        return;
    }
    bool learnt = learn_entries(&comparison, forms);
    for (uint32_t i = 0; i < pattern->entry_count && learnt; i++) {
        if (pattern->kind == PATTERN_WORDS) {
            compare_phrase(&comparison, i);
        } else {
            compare_domain(&comparison, i, forms[i]);
        }
    }
    HASH_CLEAR(hh, comparison.known);
}

void lint_entries_check(struct lint *lint, const struct pattern *pattern)
{
    check_syntax(lint, pattern);
    check_subsumed(lint, pattern);
}
