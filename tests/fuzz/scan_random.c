#include "tests/fuzz/scan_random.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/regex_random.h"
#include "tests/fuzz/scan_oracle.h"
#include "text/utf8.h"

#define REGEX_BYTES_MAX 1500u

struct maker {
    struct random_state *state;
    const struct seeds *seeds;
    struct arena *arena;
    struct buffer text;
    bool runaway; /* a case with many regexes whose limits are hit */
};

/* Few words with much in common, so that the literals of many patterns overlap and are the same. */
static const char *const vocabulary[] = {
    "gift",
    "card",
    "cards",
    "cardio",
    "free",
    "freedom",
    "money",
    "one",
    "kill",
    "killer",
    "skill",
    "win",
    "winner",
    "twin",
    "bit",
    "bit.ly",
    "click",
    "here",
    "there",
    "her",
    "ss",
    "k",
    "buy",
    "get",
    "send",
    "code",
    "barcode",
    "off",
    "100",
    "1",
    "0oO",
    "l1I",
    "a b",
    "x-y",
    "e-mail",
    "you",
    "your",
    "urgent",
    "dear",
    "friend",
    "end",
    "stra\303\237e",
    "caf\303\251",
    "\320\277\321\200\320\270\320\262\320\265\321\202",
    "\346\227\245\346\234\254",
    "\303\251",
    "\360\237\230\200",
    "don't",
    "c++",
    "foo_bar",
    "_",
    "www",
    "http",
    "aaaa",
    "aaa",
    "abab",
};

static uint32_t below(struct maker *maker, uint32_t limit)
{
    return random_below(maker->state, limit);
}

static void put(struct maker *maker, const char *text)
{
    if (buffer_append_text(&maker->text, text) != STATUS_OK) {
        abort();
    }
}

static struct span pick(struct maker *maker, const struct seed_list *list)
{
    return list->items[below(maker, list->count)];
}

static struct span taken(struct maker *maker)
{
    return case_copy(maker->arena, buffer_span(&maker->text));
}

/* ---------------------------------------------------------------- regexes */

static void put_literal(struct maker *maker, const char *word)
{
    for (; *word; word++) {
        if (strchr("\\^$.[|()?*+{", *word)) {
            put(maker, "\\");
        }
        put(maker, (const char[]){*word, '\0'});
    }
}

/* As rule authors write them: words, alternatives, short gaps. */
static void put_authored(struct maker *maker)
{
    static const char *const gaps[] = {
        "\\s+",      ".{0,40}",  "\\W*", " ",    "[ -]?", ".*",  "(?:\\W+\\w+){0,3}\\W+", "",         ".*?",
        "[^.]{0,9}", "\\b",      ".",    "\\s*", "-",     "\\n", "[\\s\\S]{0,12}",        "(?s-i:.)", "(?-s:.{0,5})",
        "(?=.*k)",   "(?<=t)\\W"};
    static const char *const starts[] = {"\\b", "^",    "(?<!\\w)", "(?<!not )", "",   "",
                                         "",    "(?i)", "(?-i)",    "(?m)^",     ".*", "\\A"};
    static const char *const ends[] = {"\\b", "$",     "(?!\\w)", "",    "",  "",    "\\w*",
                                       "s?",  "(?m)$", ".*",      "\\Z", "+", "{2,}"};
    static const char *const verbs[] = {"(*SKIP)(*FAIL)|", "(*SKIP)(*F)|", "(*COMMIT)x|",
                                        "(*PRUNE)e|",      "(*ACCEPT)|",   "(*THEN)t|"};
    uint32_t parts = 1 + below(maker, 3);
    if (below(maker, 12) == 0) { /* "but not in this": what comes before a verb is passed over */
        put_literal(maker, RANDOM_FROM(maker->state, vocabulary));
        put(maker, RANDOM_FROM(maker->state, verbs));
    }
    put(maker, RANDOM_FROM(maker->state, starts));
    for (uint32_t i = 0; i < parts; i++) {
        if (i > 0) {
            put(maker, RANDOM_FROM(maker->state, gaps));
        }
        uint32_t choices = below(maker, 3) ? 1 : 2 + below(maker, 4);
        bool optional = parts > 1 && below(maker, 8) == 0;
        put(maker, choices > 1 || optional ? (below(maker, 4) ? "(?:" : "(") : "");
        for (uint32_t c = 0; c < choices; c++) {
            put(maker, c ? "|" : "");
            put_literal(maker, RANDOM_FROM(maker->state, vocabulary));
            if (below(maker, 6) == 0) {
                static const char *const tails[] = {"s?",     "[o0]", "\\d+", "(?:ing|ed)?",
                                                    "[a-z]*", "\\.",  "e*",   "x{0,3}"};
                put(maker, RANDOM_FROM(maker->state, tails));
            }
        }
        put(maker, choices > 1 || optional ? ")" : "");
        put(maker, optional ? "?" : "");
    }
    put(maker, RANDOM_FROM(maker->state, ends));
}

/* Repeats in repeats: their limits are hit where a run of the same character does not end as they want. */
static void put_runaway(struct maker *maker)
{
    static const char *const regexes[] = {"(a+)+$",          "(?:x+x+)+y",    "(a|aa)+$",
                                          "^(?:\\w+\\s?)*!", "(?:a|b|ab)*c$", "(?:1+)+x"};
    put(maker, RANDOM_FROM(maker->state, regexes));
}

/* From the grammar of regex_random.h: everything that the syntax has. */
static void put_grammar(struct maker *maker)
{
    struct random_piece *piece = calloc(1, sizeof *piece);
    if (!piece) {
        abort();
    }
    maker->state->groups = 0;
    random_choice(maker->state, piece, below(maker, 2) ? 0 : 2);
    if (buffer_append(&maker->text, piece->pattern, piece->size) != STATUS_OK) {
        abort();
    }
    free(piece);
}

static void put_span(struct maker *maker, struct span text)
{
    if (buffer_append(&maker->text, text.data, text.size) != STATUS_OK) {
        abort();
    }
}

/* A real one with a few changes; most that break it are thrown away later. */
static void put_mutated(struct maker *maker)
{
    static const char *const extras[] = {"?",   "*",   "+",     "|",      "(?:",   ")",        "{2,3}",
                                         "\\b", ".",   "[^a]",  "(?i)",   "(?-i)", "(?s-i)",   "\\s",
                                         "^",   "$",   "(?!x)", "(?<=e)", "k",     "\\x{17f}", "?+",
                                         "*?",  "\\n", "(?m)",  "[k-s]",  "\\K",   "(*SKIP)",  "(*COMMIT)"};
    struct span from = pick(maker, &maker->seeds->regexes);
    size_t cut = from.size > 80 ? below(maker, (uint32_t)from.size - 40) : 0;
    while (cut < from.size && (from.data[cut] & 0xC0) == 0x80) {
        cut++;
    }
    from = span_of(from.data + cut, from.size - cut);
    uint32_t changes = 1 + below(maker, 3);
    for (size_t i = 0; i < from.size; i++) {
        bool between = (from.data[i] & 0xC0) != 0x80;
        if (between && changes > 0 && below(maker, (uint32_t)from.size) < 2) {
            changes--;
            if (below(maker, 3)) {
                put(maker, RANDOM_FROM(maker->state, extras));
            } else {
                continue;
            }
        }
        put_span(maker, span_of(from.data + i, 1));
    }
    if (below(maker, 3) == 0) {
        put(maker, below(maker, 2) ? "|" : ".{0,9}");
        put_authored(maker);
    }
}

static struct span make_regex(struct maker *maker)
{
    for (;;) {
        buffer_clear(&maker->text);
        uint32_t kind = below(maker, 10);
        if (below(maker, maker->runaway ? 3 : 80) == 0) {
            put_runaway(maker);
        } else if (kind < 4) {
            put_authored(maker);
        } else if (kind < 7) {
            put_grammar(maker);
        } else if (kind < 8) {
            put_span(maker, pick(maker, &maker->seeds->regexes));
        } else {
            put_mutated(maker);
        }
        struct span made = buffer_span(&maker->text);
        if (made.size > 0 && made.size < REGEX_BYTES_MAX && utf8_valid(made) && oracle_takes(made)) {
            return taken(maker);
        }
    }
}

/* ---------------------------------------------------------------- entries */

/* Would the YAML reader or the list reader see another entry? What is left of it must not be empty either. */
static bool is_entry(struct span text)
{
    bool solid = false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < ' ' || text.data[i] == 0x7F) {
            return false;
        }
        solid |= text.data[i] > ' ' && text.data[i] != '*' && text.data[i] < 0x7F;
    }
    return (solid || text.size > 8) && text.size < 300 && utf8_valid(text);
}

static struct span make_phrase(struct maker *maker)
{
    static const char *const joints[] = {" ",   " ",  " ",  "-", "'", "_", ".", "  ",
                                         " - ", ", ", "--", "$", "!", "/", "",  "\342\200\223"};
    static const char *const edges[] = {"", "", "", "", "", "*", "!", "-", "#", "_", "$", " ", "\\", "\302\277"};
    do {
        buffer_clear(&maker->text);
        if (below(maker, 3) == 0) {
            put_span(maker, pick(maker, &maker->seeds->words));
            put(maker, below(maker, 6) ? "" : "*");
        } else {
            put(maker, below(maker, 5) ? "" : RANDOM_FROM(maker->state, edges));
            for (uint32_t parts = 1 + below(maker, 3), i = 0; i < parts; i++) {
                put(maker, i ? RANDOM_FROM(maker->state, joints) : "");
                put(maker, RANDOM_FROM(maker->state, vocabulary));
            }
            put(maker, below(maker, 3) ? "" : RANDOM_FROM(maker->state, edges));
        }
    } while (!is_entry(buffer_span(&maker->text)));
    return taken(maker);
}

/* Names outside ASCII with their two forms; the second is empty where the folded view would show another's name. */
static const char *const international[][3] = {
    {"m\303\274nchen.example", "xn--mnchen-3ya.example", "m\303\274nchen.example"},
    {"\346\227\245\346\234\254.example", "xn--wgv71a.example", "\346\227\245\346\234\254.example"},
    {"fa\303\237.example", "xn--fa-hia.example", ""},
};

static struct case_entry make_domain(struct maker *maker)
{
    static const char *const tops[] = {".com", ".example", ".co", ".co.uk", ".ly", ".x.y"};
    static const char *const befores[] = {"", "", "", "", "*.", "http://", "https://", "//", " ", "."};
    static const char *const afters[] = {"", "", "", "", ".", "/", ":8080", " ", "/pay", "/a?b=c"};
    struct case_entry entry = {0};
    if (below(maker, 40) == 0) {
        const char *const *forms = international[below(maker, 3)];
        entry.text = span_text(forms[0]);
        entry.names[0] = span_text(forms[1]);
        entry.names[1] = span_text(forms[2]);
        return entry;
    }
    buffer_clear(&maker->text);
    if (below(maker, 2)) {
        put_span(maker, pick(maker, &maker->seeds->domains));
    } else {
        static const char *const labels[] = {"gift", "card", "cards", "free-money", "evil", "bit", "1", "x_y", "a"};
        for (uint32_t parts = 1 + below(maker, 2), i = 0; i < parts; i++) {
            put(maker, i ? "." : "");
            put(maker, RANDOM_FROM(maker->state, labels));
        }
        put(maker, RANDOM_FROM(maker->state, tops));
    }
    struct span name = taken(maker);
    const char *before = RANDOM_FROM(maker->state, befores), *after = RANDOM_FROM(maker->state, afters);
    buffer_clear(&maker->text);
    put(maker, before);
    for (size_t i = 0; i < name.size; i++) {
        bool upper = name.data[i] >= 'a' && name.data[i] <= 'z' && below(maker, 9) == 0;
        put_span(maker, upper ? span_of(&(uint8_t){(uint8_t)(name.data[i] ^ 0x20)}, 1) : span_of(name.data + i, 1));
    }
    put(maker, after);
    entry.text = taken(maker);
    entry.names[0] = name;
    if (after[0] == '/' && after[1]) {
        buffer_clear(&maker->text);
        put_span(maker, name);
        put(maker, after);
        entry.names[0] = taken(maker);
    }
    return entry;
}

static struct case_pattern make_entries(struct maker *maker, enum case_kind kind)
{
    uint32_t size = below(maker, 12);
    struct case_pattern pattern = {.kind = kind, .as_list = below(maker, 4) == 0};
    pattern.count = size < 8 ? 1 + below(maker, 4) : size < 11 ? 5 + below(maker, 60) : 250 + below(maker, 80);
    struct case_entry *entries = case_array(maker->arena, pattern.count, sizeof *entries);
    for (uint32_t i = 0; i < pattern.count; i++) {
        if (kind == CASE_WORDS) {
            entries[i].text = make_phrase(maker);
        } else {
            entries[i] = make_domain(maker);
        }
    }
    pattern.entries = entries;
    return pattern;
}

/* ---------------------------------------------------------------- rules */

static const struct case_node *make_node(struct maker *maker, const struct case_rule *rule, int depth)
{
    struct case_node *node = case_array(maker->arena, 1, sizeof *node);
    uint32_t kind = depth > 3 ? 0 : below(maker, 10);
    if (kind < 3) {
        *node = (struct case_node){.type = CASE_NODE_PATTERN, .number = below(maker, rule->count)};
    } else if (kind < 4) {
        *node = (struct case_node){.type = CASE_NODE_NOT, .left = make_node(maker, rule, depth + 1)};
    } else if (kind < 8) {
        *node = (struct case_node){.type = kind < 6 ? CASE_NODE_AND : CASE_NODE_OR,
                                   .left = make_node(maker, rule, depth + 1),
                                   .right = make_node(maker, rule, depth + 1)};
    } else {
        uint32_t all = (1u << rule->count) - 1, set = below(maker, 3) ? below(maker, all) + 1 : all;
        uint32_t size = (uint32_t)__builtin_popcount(set);
        *node = (struct case_node){.type = CASE_NODE_COUNT, .set = set, .number = 1 + below(maker, size)};
    }
    return node;
}

/* A condition that does not hold where nothing is found: Weir refuses those. */
static const struct case_node *make_condition(struct maker *maker, const struct case_rule *rule)
{
    enum truth nothing[CASE_PATTERNS_MAX] = {0};
    for (int tries = 0; tries < 50; tries++) {
        struct case_rule with = *rule;
        with.condition = make_node(maker, rule, 0);
        if (case_evaluate(&with, nothing) == TRUTH_FALSE) {
            return with.condition;
        }
    }
    return NULL;
}

/*
 * Words and domains look at the skeleton in a manner of their own (text/skeleton.h), which tests/unit/text checks; regexes
 * see it as it is.
 */
static enum view make_view(struct maker *maker, enum case_kind kind)
{
    return kind == CASE_REGEX ? (enum view)below(maker, VIEW_COUNT) : below(maker, 8) ? VIEW_FOLDED : VIEW_RAW;
}

static struct case_pattern make_pattern(struct maker *maker, uint32_t regex_share)
{
    struct case_pattern pattern = {.kind = CASE_REGEX, .count = 1};
    uint32_t kind = below(maker, 100);
    if (kind < regex_share) {
        struct case_entry *entry = case_array(maker->arena, 1, sizeof *entry);
        entry->text = make_regex(maker);
        pattern.entries = entry;
    } else {
        pattern = make_entries(maker, below(maker, 3) ? CASE_WORDS : CASE_DOMAINS);
    }
    pattern.view = make_view(maker, pattern.kind);
    pattern.no_view = pattern.kind == CASE_WORDS && pattern.view == VIEW_FOLDED && below(maker, 5) == 0;
    return pattern;
}

static const struct case_rule *make_rule(struct maker *maker, uint32_t regex_share)
{
    struct case_rule *rule = case_array(maker->arena, 1, sizeof *rule);
    uint32_t size = below(maker, 10), counts[3] = {0};
    rule->count = size < 4 ? 1 : size < 9 ? 2 + below(maker, 4) : 6 + below(maker, CASE_PATTERNS_MAX - 6);
    struct case_pattern *patterns = case_array(maker->arena, rule->count, sizeof *patterns);
    rule->patterns = patterns;
    for (uint32_t i = 0; i < rule->count; i++) {
        uint32_t letter = below(maker, 3);
        if (i > 0 && below(maker, 8) == 0) {
            patterns[i] = patterns[i - 1]; /* the same in another view */
            patterns[i].view = make_view(maker, patterns[i].kind);
            patterns[i].no_view = false;
        } else {
            patterns[i] = make_pattern(maker, regex_share);
        }
        (void)snprintf(patterns[i].name, sizeof patterns[i].name, "%c%u", (char)('a' + letter), counts[letter]++);
    }
    rule->condition = below(maker, 5) ? make_condition(maker, rule) : NULL;
    rule->status = below(maker, 12) ? "live" : below(maker, 3) ? "shadow" : "off";
    return rule;
}

void scan_random_case(uint64_t seed, const struct seeds *seeds, struct arena *arena, struct scan_case *ret_case)
{
    static const uint32_t batches[] = {1, 2, 16, 256, 5000};
    struct random_state state = {.seed = seed};
    struct maker maker = {.state = &state, .seeds = seeds, .arena = arena, .text = BUFFER_INIT(16u << 20)};
    uint32_t size = below(&maker, 10), text_size = below(&maker, 10);
    uint32_t regex_share = (uint32_t[]){100, 0, 50, 70, 30}[below(&maker, 5)];
    struct scan_case it = {.batch = RANDOM_FROM(&state, batches)};
    maker.runaway = seed % SCAN_RANDOM_RUNAWAY == 0;
    it.rule_count = size < 3 ? 1 + below(&maker, 3) : size < 9 ? 4 + below(&maker, 30) : 60 + below(&maker, 120);
    it.text_count = text_size < 2 ? 1 + below(&maker, 20) : text_size < 8 ? 100 + below(&maker, 500) : 2000;
    it.text_count = it.batch == 5000 && text_size == 9 ? 6000 : it.text_count;
    it.rules = case_array(arena, it.rule_count, sizeof(struct case_rule *));
    for (uint32_t i = 0; i < it.rule_count; i++) {
        bool again = i > 0 && below(&maker, 20) == 0;
        it.rules[i] = again ? it.rules[below(&maker, i)] : make_rule(&maker, regex_share);
    }
    struct span *texts = case_array(arena, it.text_count, sizeof *texts);
    it.texts = texts;
    for (uint32_t i = 0; i < it.text_count; i++) {
        texts[i] = scan_random_text(&state, seeds, &it, arena, maker.runaway ? 6 : 60);
    }
    buffer_free(&maker.text);
    *ret_case = it;
}
