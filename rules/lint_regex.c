/* How a regex is written: mistakes that can be seen on its tokens. */
#include <stdio.h>
#include <string.h>

#include "rules/lint_context.h"
#include "text/utf8.h"
#include "text/word.h"

#define NO_TOKEN UINT32_MAX

struct checked {
    struct lint *lint;
    const struct pattern *pattern;
    const struct lint_token *tokens;
    uint32_t count;
};

/* A finding at a token. */
#define TELL(checked, index, name, remedy, ...)                                                                        \
    do {                                                                                                               \
        struct model_place place_ =                                                                                    \
            lint_place_inside((checked)->lint, (checked)->pattern, (checked)->tokens[index].offset);                   \
        lint_report((checked)->lint, name, &place_, remedy, __VA_ARGS__);                                              \
    } while (0)

static bool is_type(const struct checked *checked, uint32_t i, enum lint_token_type type)
{
    return i < checked->count && checked->tokens[i].type == type;
}

static bool is_any(const struct checked *checked, uint32_t i)
{
    return is_type(checked, i, LINT_TYPE) && checked->tokens[i].character == '.';
}

static bool is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_plain(const struct checked *checked, uint32_t i)
{
    return is_type(checked, i, LINT_LITERAL) && !is_type(checked, i + 1, LINT_REPEAT);
}

/* Ends a branch: the end of the regex, a bar, or the end of a group. */
static bool is_branch_end(const struct checked *checked, uint32_t i)
{
    return i >= checked->count || checked->tokens[i].type == LINT_BAR || checked->tokens[i].type == LINT_CLOSE;
}

static bool is_branch_start(const struct checked *checked, uint32_t i)
{
    return i == 0 || checked->tokens[i - 1].type == LINT_BAR || checked->tokens[i - 1].type == LINT_OPEN;
}

static void check_branches(const struct checked *checked)
{
    for (uint32_t i = 0; i < checked->count; i++) {
        if (checked->tokens[i].type == LINT_BAR && (is_branch_start(checked, i) || is_branch_end(checked, i + 1))) {
            bool whole = checked->tokens[i].depth == 0;
            TELL(checked, i, "empty-branch",
                 whole ? "remove this |" : "remove this |, or write (?:...)? if it may be missing",
                 "an alternative beside this | is empty%s", whole ? ": the regex matches everything" : "");
        }
    }
}

/* The end of the branch that begins at token i; groups are skipped as a whole. */
static uint32_t branch_end(const struct checked *checked, uint32_t i)
{
    while (!is_branch_end(checked, i)) {
        i = checked->tokens[i].type == LINT_OPEN ? checked->tokens[i].partner + 1 : i + 1;
    }
    return i;
}

static struct span branch_text(const struct checked *checked, uint32_t from, uint32_t to)
{
    uint32_t start = checked->tokens[from].offset;
    uint32_t end = to < checked->count ? checked->tokens[to].offset : (uint32_t)checked->pattern->regex.size;
    return span_of(checked->pattern->regex.data + start, end - start);
}

/* The same alternative twice in one choice. `i` is its first token; only the last of two is told. */
static void check_branch_twice(const struct checked *checked, uint32_t first)
{
    uint32_t starts[256], count = 0;
    for (uint32_t i = first; count < 256; i++) {
        uint32_t end = branch_end(checked, i);
        struct span text = end > i ? branch_text(checked, i, end) : (struct span){0};
        for (uint32_t j = 0; j < count && text.size > 0; j++) {
            uint32_t other_end = branch_end(checked, starts[j]);
            if (other_end > starts[j] && span_equal(text, branch_text(checked, starts[j], other_end))) {
                char quote[MODEL_QUOTE_SIZE];
                TELL(checked, i, "duplicate-branch", "remove one of them", "the alternative '%s' stands here twice",
                     model_quote(text, quote));
                break;
            }
        }
        starts[count++] = i;
        if (!is_type(checked, end, LINT_BAR)) {
            return;
        }
        i = end;
    }
}

static void check_duplicate_branches(const struct checked *checked)
{
    if (checked->count > 0) {
        check_branch_twice(checked, 0);
    }
    for (uint32_t i = 0; i + 1 < checked->count; i++) {
        if (checked->tokens[i].type == LINT_OPEN) {
            check_branch_twice(checked, i + 1);
        }
    }
}

/* `.*` where a match may begin or end anyway: it changes only how much is marked. */
static void check_ends(const struct checked *checked)
{
    for (uint32_t i = 0; i < checked->count; i++) {
        if (!is_any(checked, i) || !is_type(checked, i + 1, LINT_REPEAT) || checked->tokens[i].depth > 0 ||
            checked->tokens[i + 1].min > 0 || !checked->tokens[i].dotall) {
            continue;
        }
        bool forever = checked->tokens[i + 1].max == LINT_FOREVER;
        bool anchored = i > 0 && checked->tokens[i - 1].type == LINT_ANCHOR && is_branch_start(checked, i - 1);
        bool first = is_branch_start(checked, i) || (anchored && forever);
        bool anchored_end = is_type(checked, i + 2, LINT_ANCHOR) && is_branch_end(checked, i + 3);
        bool last = is_branch_end(checked, i + 2) || (anchored_end && forever);
        if (first != last) { /* both: there is nothing but this, and that is told otherwise */
            char quote[MODEL_QUOTE_SIZE];
            TELL(checked, i, "idle-end", "remove it",
                 "'%s' at the %s of a regex changes nothing: a match may %s anywhere",
                 model_quote(span_of(checked->pattern->regex.data + checked->tokens[i].offset,
                                     checked->tokens[i].size + checked->tokens[i + 1].size),
                             quote),
                 first ? "start" : "end", first ? "begin" : "end");
        }
    }
}

static void check_gaps(const struct checked *checked)
{
    for (uint32_t i = 1; i + 2 < checked->count; i++) {
        bool inside = !is_branch_start(checked, i) && !is_branch_end(checked, i + 2) &&
                      checked->tokens[i - 1].type != LINT_ANCHOR && checked->tokens[i + 2].type != LINT_ANCHOR;
        if (is_any(checked, i) && checked->tokens[i].dotall && checked->tokens[i + 1].type == LINT_REPEAT &&
            checked->tokens[i + 1].max == LINT_FOREVER && inside) {
            TELL(checked, i, "open-gap", "say how far apart they may stand: .{0,60}",
                 "this gap has no limit: what stands before and after it may be a whole page apart");
            return;
        }
    }
}

/* Top-level domains that are no English words, so that `word.com` can hardly mean anything else. */
static const char *const top_levels[] = {"com", "net", "org", "info", "biz",  "io",   "ru",     "ly",   "gg",  "xyz",
                                         "uk",  "de",  "edu", "gov",  "cc",   "tk",   "gle",    "cn",   "jp",  "fr",
                                         "nl",  "tv",  "app", "dev",  "shop", "club", "online", "site", "top", NULL};

/* The plain letters from token i on, at most `size`; the tokens they take. */
static uint32_t take_word(const struct checked *checked, uint32_t i, char *word, size_t size)
{
    uint32_t count = 0;
    while (is_plain(checked, i + count) && is_letter(checked->tokens[i + count].character) && count + 1 < size) {
        word[count] = (char)(checked->tokens[i + count].character | 0x20u);
        count++;
    }
    word[count] = '\0';
    return count;
}

static bool is_top_level(const char *word)
{
    for (size_t i = 0; top_levels[i]; i++) {
        if (strcmp(top_levels[i], word) == 0) {
            return true;
        }
    }
    return false;
}

static void check_dots(const struct checked *checked)
{
    for (uint32_t i = 2; i < checked->count; i++) {
        char after[16], before[5] = "";
        if (!is_any(checked, i) || is_type(checked, i + 1, LINT_REPEAT)) {
            continue;
        }
        uint32_t name = 0;
        while (name < i && is_plain(checked, i - 1 - name) && is_letter(checked->tokens[i - 1 - name].character)) {
            name++;
        }
        if (name == 3) {
            (void)take_word(checked, i - 3, before, sizeof before);
        }
        bool group = is_type(checked, i + 1, LINT_OPEN);
        uint32_t taken = take_word(checked, i + 1 + group, after, sizeof after), next = i + 1 + group + taken;
        bool ends = is_branch_end(checked, next) || checked->tokens[next].type == LINT_EDGE ||
                    checked->tokens[next].type == LINT_ANCHOR ||
                    (checked->tokens[next].type == LINT_LITERAL && !is_letter(checked->tokens[next].character));
        if ((name >= 2 && ends && is_top_level(after)) || (strcmp(before, "www") == 0 && taken > 0)) {
            TELL(checked, i, "unescaped-dot", "write \\., or use a list of domains",
                 "this dot of a domain stands for any character");
        }
    }
}

/* What a token matches: only word characters, only others, or who knows. */
enum side { SIDE_UNKNOWN, SIDE_WORD, SIDE_OTHER };

static enum side side_of_class(const struct checked *checked, const struct lint_token *token)
{
    struct lint_class class;
    struct lint_member member;
    bool word = false, other = false;
    lint_class_open(checked->pattern->regex, token, &class);
    while (lint_class_next(&class, &member)) {
        if (member.type) {
            word |= member.type == 'w' || member.type == 'd';
            other |= member.type == 's' || member.type == 'W';
            if (!strchr("wdsW", member.type)) {
                return SIDE_UNKNOWN;
            }
            continue;
        }
        for (uint32_t c = member.first; c <= member.last && !(word && other); c++) {
            word |= word_is_character(c);
            other |= !word_is_character(c);
        }
    }
    return class.negated || word == other ? SIDE_UNKNOWN : word ? SIDE_WORD : SIDE_OTHER;
}

static enum side side_of(const struct checked *checked, uint32_t i)
{
    const struct lint_token *token = &checked->tokens[i];
    switch (token->type) {
    case LINT_LITERAL:
        return word_is_character(token->character) ? SIDE_WORD : SIDE_OTHER;
    case LINT_CLASS:
        return side_of_class(checked, token);
    case LINT_TYPE:
        return token->character == 'w' || token->character == 'd'   ? SIDE_WORD
               : token->character == 's' || token->character == 'W' ? SIDE_OTHER
                                                                    : SIDE_UNKNOWN;
    default:
        return SIDE_UNKNOWN;
    }
}

/* What stands right before token i (a character and perhaps its repeat), required. */
static enum side side_before(const struct checked *checked, uint32_t i)
{
    if (i == 0) {
        return SIDE_UNKNOWN;
    }
    if (checked->tokens[i - 1].type != LINT_REPEAT) {
        return side_of(checked, i - 1);
    }
    return i >= 2 && checked->tokens[i - 1].min > 0 ? side_of(checked, i - 2) : SIDE_UNKNOWN;
}

static enum side side_after(const struct checked *checked, uint32_t i)
{
    if (i + 1 >= checked->count) {
        return SIDE_UNKNOWN;
    }
    bool optional = is_type(checked, i + 2, LINT_REPEAT) && checked->tokens[i + 2].min == 0;
    return optional ? SIDE_UNKNOWN : side_of(checked, i + 1);
}

static void check_edges(const struct checked *checked)
{
    for (uint32_t i = 0; i < checked->count; i++) {
        if (checked->tokens[i].type != LINT_EDGE) {
            continue;
        }
        enum side before = side_before(checked, i), after = side_after(checked, i);
        if (before == SIDE_WORD || after == SIDE_WORD) {
            continue; /* an edge where one is meant; needless perhaps, but no mistake */
        }
        if (after == SIDE_OTHER && is_branch_start(checked, i)) {
            TELL(checked, i, "edge-at-sign", "leave \\b out, or write (?<!\\w)",
                 "\\b before a sign holds only where a letter or digit stands right before the sign");
        } else if (before == SIDE_OTHER && is_branch_end(checked, i + 1)) {
            TELL(checked, i, "edge-at-sign", "leave \\b out, or write (?!\\w)",
                 "\\b after a sign holds only where a letter or digit follows right after the sign");
        }
    }
}

/* `\b(?:one|two words)\b` and nothing else. */
static void check_words(const struct checked *checked)
{
    uint32_t i = 0, end = checked->count, letters = 0, bars = 0;
    if (!(checked->pattern->views & (1u << VIEW_FOLDED)) || end < 5 || !is_type(checked, 0, LINT_EDGE) ||
        !is_type(checked, end - 1, LINT_EDGE)) {
        return;
    }
    i++;
    end--;
    bool group = is_type(checked, i, LINT_OPEN) && checked->tokens[i].group == LINT_GROUP_PLAIN &&
                 checked->tokens[i].partner + 1 == end;
    i += group;
    end -= group;
    for (; i < end; i++) {
        const struct lint_token *token = &checked->tokens[i];
        bool separator = token->type == LINT_LITERAL &&
                         (token->character == ' ' || token->character == '-' || token->character == '\'');
        bool letter = token->type == LINT_LITERAL && word_is_character(token->character);
        if (!letter && !separator && !(token->type == LINT_BAR && group)) {
            return;
        }
        letters += letter;
        bars += token->type == LINT_BAR;
    }
    if (letters > 1 && bars > 0) {
        TELL(checked, 0, "words-as-regex", "write {words: [...]}: disguised spellings are then found too, and faster",
             "this regex is a list of %u words", bars + 1);
    }
}

static void check_characters(const struct checked *checked)
{
    for (uint32_t i = 0; i < checked->count; i++) {
        const struct lint_token *token = &checked->tokens[i];
        if (token->type != LINT_LITERAL) {
            continue;
        }
        if (token->character < 0x20 && !token->escaped) {
            TELL(checked, i, "control-character", "put the regex in single quotes, where backslashes stay as they are",
                 "the regex holds the control character U+%04X%s", token->character,
                 token->character == 8 ? ": in double quotes \\b is a backspace" : "");
        }
        bool doubled = token->character == '\\' && token->escaped && token->size == 2;
        if (doubled && is_type(checked, i + 1, LINT_LITERAL) && !checked->tokens[i + 1].escaped &&
            checked->tokens[i + 1].character < 0x80 && strchr("bBwWdDsS", (char)checked->tokens[i + 1].character)) {
            TELL(checked, i, "doubled-backslash", "write one backslash; only in double quotes it is written twice",
                 "'\\\\%c' looks for a backslash and the letter %c", (char)checked->tokens[i + 1].character,
                 (char)checked->tokens[i + 1].character);
        }
        if (token->character == '{' && !token->escaped) {
            TELL(checked, i, "no-repeat", "write {0,3} for 'at most 3'; for a brace as such, \\{",
                 "this { begins no repeat: it stands for itself");
        }
    }
}

static void check_options(const struct checked *checked)
{
    for (uint32_t i = 0; i < checked->count; i++) {
        const struct lint_token *token = &checked->tokens[i];
        const uint8_t *text = checked->pattern->regex.data + token->offset;
        bool idle = token->type == LINT_OPTION && token->size > 3 && token->caseless && token->dotall;
        for (uint32_t c = 2; c + 1 < token->size && idle; c++) {
            idle = text[c] == 'i' || text[c] == 's';
        }
        if (idle) {
            TELL(checked, i, "idle-option", "leave it out",
                 "%.*s says what holds anyway: case is ignored, and . matches line breaks", (int)token->size,
                 (const char *)text);
        }
    }
}

/* /foo/i as other tools write it. Without options it may be meant: a part of an address. */
static void check_slashes(const struct checked *checked)
{
    struct span text = checked->pattern->regex;
    size_t end = text.size;
    while (end > 0 && strchr("imsxug", (char)text.data[end - 1])) {
        end--;
    }
    if (end > 2 && end < text.size && text.data[0] == '/' && text.data[end - 1] == '/' && text.data[end - 2] != '\\' &&
        (text.size - end) <= 4 && !memmem(text.data + 1, end - 2, "/", 1)) {
        TELL(checked, 0, "slashes", "leave them out; options are written (?i)",
             "the slashes around this regex stand for themselves");
    }
}

void lint_regex_check(struct lint *lint, const struct pattern *pattern)
{
    struct lint_tokens tokens;
    enum status status = lint_tokens_read(pattern->regex, lint->scratch, &tokens);
    if (status != STATUS_OK) {
        lint->no_memory |= status == STATUS_NO_MEMORY;
        return;
    }
    struct checked checked = {.lint = lint, .pattern = pattern, .tokens = tokens.items, .count = tokens.count};
    check_branches(&checked);
    check_duplicate_branches(&checked);
    check_ends(&checked);
    check_gaps(&checked);
    check_dots(&checked);
    check_edges(&checked);
    check_words(&checked);
    check_characters(&checked);
    check_options(&checked);
    check_slashes(&checked);
    for (uint32_t i = 0; i < tokens.count && !lint->no_memory; i++) {
        if (tokens.items[i].type == LINT_CLASS) {
            lint_class_check(lint, pattern, &tokens.items[i]);
        }
    }
}
