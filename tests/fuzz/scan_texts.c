#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/regex_random.h"
#include "tests/fuzz/scan_random.h"
#include "tests/fuzz/scan_sample.h"
#include "text/utf8.h"

#define LONG_BYTES (64u << 10)
#define LONG_CHANCE 120 /* one text in so many */

struct writer {
    struct random_state *state;
    const struct seeds *seeds;
    const struct scan_case *it;
    uint32_t run_chance;
    struct buffer out;
};

static uint32_t below(struct writer *writer, uint32_t limit)
{
    return random_below(writer->state, limit);
}

static void put(struct writer *writer, struct span text)
{
    if (buffer_append(&writer->out, text.data, text.size) != STATUS_OK) {
        abort();
    }
}

static void put_text(struct writer *writer, const char *text)
{
    put(writer, span_text(text));
}

/* ---------------------------------------------------------------- what a pattern may match */

static const char *const fillers[] = {" ",
                                      " ",
                                      " ",
                                      "-",
                                      ", ",
                                      "...",
                                      "\t\n",
                                      "",
                                      "_",
                                      " - ",
                                      "\n",
                                      "!",
                                      ".",
                                      "/",
                                      "\302\240",
                                      "        ",
                                      "         ",
                                      "x",
                                      "\342\200\223",
                                      "\r\n",
                                      " \360\237\230\200 ",
                                      "\342\200\213",
                                      "'",
                                      "\357\274\215"};

static void put_phrase(struct writer *writer, struct span entry)
{
    for (size_t at = 0; at < entry.size;) {
        uint32_t c, size = utf8_decode(span_of(entry.data + at, entry.size - at), &c);
        at += size;
        if (c == '*' && at == entry.size) {
            put_text(writer, below(writer, 2) ? "ing" : "");
        } else if ((c == ' ' || (c < 0x80 && strchr("-'.,_/:", (int)c))) && below(writer, 3)) {
            put_text(writer, RANDOM_FROM(writer->state, fillers));
        } else {
            sample_character(below(writer, 5) ? c : random_other_case(writer->state, c), &writer->out);
        }
    }
}

static void put_domain(struct writer *writer, struct span name)
{
    static const char *const befores[] = {"",  "",  "http://", "www.",     "a.b.",         "x",
                                          "-", "_", "me@",     "\303\251", "\346\227\245", "."};
    static const char *const afters[] = {"",   "",   "/path", ".",        ".uk",          "-x", "x",   ":80",
                                         "..", "--", "_",     "\303\251", "\346\227\245", "/",  "--z", ".-"};
    put_text(writer, RANDOM_FROM(writer->state, befores));
    for (size_t i = 0; i < name.size; i++) {
        bool upper = name.data[i] >= 'a' && name.data[i] <= 'z' && below(writer, 12) == 0;
        put(writer, upper ? span_of(&(uint8_t){(uint8_t)(name.data[i] ^ 0x20)}, 1) : span_of(name.data + i, 1));
    }
    put_text(writer, RANDOM_FROM(writer->state, afters));
}

static void put_pattern(struct writer *writer, const struct case_pattern *pattern)
{
    const struct case_entry *entry = &pattern->entries[below(writer, pattern->count)];
    switch (pattern->kind) {
    case CASE_REGEX:
        sample_regex(writer->state, entry->text, &writer->out);
        break;
    case CASE_WORDS:
        put_phrase(writer, entry->text);
        break;
    case CASE_DOMAINS:
        put_domain(writer, entry->names[entry->names[1].size ? below(writer, 2) : 0]);
        break;
    }
}

/* Several patterns of one rule, so that its condition may hold. */
static void put_rule(struct writer *writer)
{
    const struct case_rule *rule = writer->it->rules[below(writer, writer->it->rule_count)];
    uint32_t share = 1 + below(writer, 3);
    for (uint32_t i = 0; i < rule->count; i++) {
        if (below(writer, 3) < share) {
            put_pattern(writer, &rule->patterns[i]);
            put_text(writer, RANDOM_FROM(writer->state, fillers));
        }
    }
}

static void put_some_pattern(struct writer *writer)
{
    const struct case_rule *rule = writer->it->rules[below(writer, writer->it->rule_count)];
    put_pattern(writer, &rule->patterns[below(writer, rule->count)]);
}

static void put_message(struct writer *writer)
{
    put(writer, writer->seeds->messages.items[below(writer, writer->seeds->messages.count)]);
}

static void put_noise(struct writer *writer)
{
    for (uint32_t n = below(writer, 12); n-- > 0;) {
        sample_character(random_character(writer->state), &writer->out);
    }
}

/* ---------------------------------------------------------------- changes */

static void insert(struct writer *writer, size_t at, struct span bytes)
{
    if (bytes.size == 0) {
        return;
    }
    size_t tail = writer->out.size - at;
    put(writer, bytes);
    memmove(writer->out.data + at + bytes.size, writer->out.data + at, tail);
    memcpy(writer->out.data + at, bytes.data, bytes.size);
}

/* One change anywhere, also in the middle of a character. */
static void change(struct writer *writer, size_t from)
{
    static const char *const pieces[] = {
        "\n",       "\r\n",         "\xFF",     "\xC3",     "\xE2\x80",     "\xF0\x9F\x98", "\xED\xA0\x80",
        "\xC0\x80", "\342\200\213", "\xCC\x81", "\320\260", "\357\275\207", "\305\277",     "\342\204\252",
        " ",        "  ",           "k",        "s",        "\302\255",     "\t",           "\342\200\215",
        "\303\237", "\357\254\201", "\0"};
    static const uint8_t nul[] = {0};
    size_t size = writer->out.size - from;
    size_t at = from + (size ? below(writer, (uint32_t)size + 1) : 0);
    switch (below(writer, 6)) {
    case 0:
    case 1:
        insert(writer, at, span_text(RANDOM_FROM(writer->state, pieces)));
        break;
    case 2:
        insert(writer, at, span_of(nul, 1));
        break;
    case 3: /* another case */
        for (size_t i = at; i < writer->out.size && i < at + 6; i++) {
            uint8_t c = writer->out.data[i];
            writer->out.data[i] = (c | 0x20) >= 'a' && (c | 0x20) <= 'z' ? c ^ 0x20 : c;
        }
        break;
    case 4: /* one byte less */
        if (at < writer->out.size) {
            memmove(writer->out.data + at, writer->out.data + at + 1, writer->out.size - at - 1);
            writer->out.size--;
        }
        break;
    default:
        if (at < writer->out.size) {
            writer->out.data[at] = (uint8_t)below(writer, 256);
        }
    }
}

/* A letter that looks like another, or is the same in another form. */
static void disguise(struct writer *writer)
{
    static const struct {
        char from;
        const char *to;
    } forms[] = {{'a', "\320\260"},     {'e', "\320\265"},     {'o', "\320\276"},         {'i', "\321\226"},
                 {'g', "\357\275\207"}, {'k', "\342\204\252"}, {'s', "\305\277"},         {'c', "\321\201"},
                 {'r', "\341\264\200"}, {'e', "\303\251"},     {'f', "\360\235\223\257"}, {'n', "n\314\203"},
                 {'l', "l\342\200\213"}};
    for (size_t i = 0; i < writer->out.size; i++) {
        size_t which = below(writer, 60);
        if (which < sizeof forms / sizeof *forms && writer->out.data[i] == (uint8_t)forms[which].from) {
            size_t size = strlen(forms[which].to);
            insert(writer, i, span_text(forms[which].to));
            memmove(writer->out.data + i + size, writer->out.data + i + size + 1, writer->out.size - i - size - 1);
            writer->out.size--;
            i += size - 1;
        }
    }
}

/* A run of one character: what repeats in repeats takes long for. */
static void put_run(struct writer *writer)
{
    static const char *const units[] = {"a", "x", "w ", "ab", " ", "1"};
    const char *unit = RANDOM_FROM(writer->state, units);
    for (uint32_t n = 8 + below(writer, 40); n-- > 0;) {
        put_text(writer, unit);
    }
    put_text(writer, RANDOM_FROM(writer->state, fillers));
    put_text(writer, unit);
}

static void make_short(struct writer *writer)
{
    uint32_t kind = below(writer, 20);
    if (below(writer, writer->run_chance) == 0) {
        put_run(writer);
    } else if (kind < 6) {
        put_message(writer);
    } else if (kind < 11) {
        put_some_pattern(writer);
    } else if (kind < 15) {
        put_rule(writer);
    } else if (kind < 17) {
        put_noise(writer);
        put_some_pattern(writer);
        put_noise(writer);
    } else if (kind < 18) {
        put_noise(writer);
    } else if (kind < 19) {
        put_message(writer);
        put_text(writer, RANDOM_FROM(writer->state, fillers));
        put_rule(writer);
        put_message(writer);
    }
    if (below(writer, 8) == 0) {
        disguise(writer);
    }
    for (uint32_t n = below(writer, 3) ? 0 : 1 + below(writer, 3); n-- > 0;) {
        change(writer, 0);
    }
}

/* Up to 64 KiB: one unit again and again, or messages, with something in it and at its ends. */
static void make_long(struct writer *writer)
{
    size_t size = 900 + below(writer, below(writer, 6) ? 3000 : LONG_BYTES - 1000);
    if (below(writer, 3) == 0) {
        make_short(writer);
    }
    if (below(writer, 2)) {
        size_t start = writer->out.size;
        make_short(writer);
        size_t unit = writer->out.size > start ? writer->out.size - start : 0; /* a change may have taken bytes away */
        unit = unit > 200 ? 1 + below(writer, 4) : unit;
        if (buffer_reserve(&writer->out, size + unit) != STATUS_OK) {
            abort();
        }
        while (unit > 0 && writer->out.size < size) {
            put(writer, span_of(writer->out.data + start, unit)); /* there is room: nothing moves */
        }
    }
    while (writer->out.size < size) {
        put_message(writer);
        put_text(writer, below(writer, 40) ? " " : "\n");
        if (below(writer, 10) == 0) {
            put_rule(writer);
        }
    }
    if (below(writer, 2)) {
        make_short(writer);
    }
}

struct span scan_random_text(struct random_state *state, const struct seeds *seeds, const struct scan_case *it,
                             struct arena *arena, uint32_t run_chance)
{
    struct writer writer = {
        .state = state, .seeds = seeds, .it = it, .run_chance = run_chance, .out = BUFFER_INIT(4u << 20)};
    if (below(&writer, LONG_CHANCE) == 0) {
        make_long(&writer);
    } else {
        make_short(&writer);
    }
    struct span text = case_copy(arena, buffer_span(&writer.out));
    buffer_free(&writer.out);
    return text;
}
