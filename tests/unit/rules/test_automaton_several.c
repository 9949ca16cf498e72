/*
 * Several regexes in one automaton, several texts at once and one text through several automata say what each says alone,
 * also where states do not come to an end.
 */
#include "tests/fuzz/regex_random.h"
#include "tests/unit/rules/automaton_look.h"

#define TEXTS_MAX 64

static struct random_state dice = {.seed = 1};

/* Random bytes of few kinds, so that patterns of such are near. */
static struct span random_few(size_t size, bool ascii)
{
    static const char *const pieces[] = {"a", "b", "c", "ab", " ", "-", "1", "_", "\xe4\xb8\xad", "\xe2\x82\xac"};
    char *bytes = malloc(size + 4);
    size_t at = 0;
    assert_non_null(bytes);
    while (at < size) {
        struct span piece = span_text(pieces[random_below(&dice, ascii ? 8 : 10)]);
        if (at + piece.size <= size) {
            memcpy(bytes + at, piece.data, piece.size);
            at += piece.size;
        }
    }
    struct span text = text_make(bytes, size);
    free(bytes);
    return text;
}

static const char *const lookers[] = {
    "abc",         "\\bab\\b",     "a.{0,6}c1",      "^(?:a|b)+$", "[^ab]{3}", "c$",          "_\\B",
    "(?:ab|ba)1-", "a{2,9}b?c{2}", "\xe4\xb8\xad.-", "\\W\\d\\W",  "-a_",      "b[ac]*?-\\b", "^$",
};
#define LOOKERS (sizeof lookers / sizeof *lookers)

/* However many texts go through at once, of whatever lengths, each answer is that of the text alone. */
static void test_lanes(void **state)
{
    static const uint32_t counts[] = {0, 1, 2, 3, 4, 5, 31};
    struct span texts[TEXTS_MAX];
    uint32_t which[TEXTS_MAX];
    automaton_answer answers[TEXTS_MAX + 1], each[LOOKERS];
    struct automaton *automata[LOOKERS];
    (void)state;
    dice.seed = 11;
    for (int round = 0; round < 60; round++) {
        uint32_t count = counts[round % 7];
        for (uint32_t i = 0; i < count; i++) {
            size_t size = i == 3 && round % 5 == 0 ? 5000 : random_below(&dice, 41);
            texts[i] = random_few(size, random_below(&dice, 2));
            which[i] = count - 1 - i; /* not in order */
        }
        for (size_t p = 0; p < LOOKERS; p++) {
            automata[p] = make(lookers[p], round % 3 ? VIEW_FOLDED : VIEW_RAW, p % 2);
            answers[count] = 12345;
            automaton_look(automata[p], texts, which, count, answers);
            assert_int_equal(answers[count], 12345); /* and no more than these */
            struct automaton *alone = make(lookers[p], round % 3 ? VIEW_FOLDED : VIEW_RAW, p % 2);
            for (uint32_t i = 0; i < count; i++) {
                assert_int_equal(answers[i], look_at(alone, texts[which[i]]));
                if (!answers[i] && pcre_matches(lookers[p], texts[which[i]])) {
                    print_error("/%s/ missed, round %d: \"%.*s\"\n", lookers[p], round, (int)texts[which[i]].size,
                                (const char *)texts[which[i]].data);
                    fail();
                }
            }
            automaton_free(&alone);
        }
        for (uint32_t i = 0; i < count; i++) {
            size_t first = random_below(&dice, LOOKERS), some = random_below(&dice, (uint32_t)(LOOKERS - first) + 1);
            automaton_look_each(automata + first, (uint32_t)some, texts[i], each);
            for (size_t p = 0; p < some; p++) {
                assert_int_equal(each[p], look_at(automata[first + p], texts[i]));
            }
        }
        for (size_t p = 0; p < LOOKERS; p++) {
            automaton_free(&automata[p]);
        }
        for (uint32_t i = 0; i < count; i++) {
            text_free(texts[i]);
        }
    }
}

struct group {
    struct random_piece pieces[AUTOMATON_MEMBERS_MAX];
    struct span patterns[AUTOMATON_MEMBERS_MAX];
    struct regex *regexes[AUTOMATON_MEMBERS_MAX];
    struct automaton *single[AUTOMATON_MEMBERS_MAX];
    uint32_t count;
};

/* Random patterns of which there are automata. */
static void group_make(struct group *group, enum view view)
{
    uint32_t wanted = 2 + random_below(&dice, AUTOMATON_MEMBERS_MAX - 1);
    group->count = 0;
    for (int tries = 0; group->count < wanted && tries < 100; tries++) {
        uint32_t i = group->count;
        memset(&group->pieces[i], 0, sizeof group->pieces[i]);
        dice.groups = 0;
        random_choice(&dice, &group->pieces[i], 1);
        group->patterns[i] = span_of(group->pieces[i].pattern, group->pieces[i].size);
        if (regex_compile(group->patterns[i], NULL, &group->regexes[i]) != STATUS_OK) {
            continue;
        }
        if (automaton_new(&group->patterns[i], 1, view, 0, &group->single[i]) != STATUS_OK) {
            regex_free(&group->regexes[i]);
            continue;
        }
        group->count++;
    }
}

static void group_free(struct group *group)
{
    for (uint32_t i = 0; i < group->count; i++) {
        regex_free(&group->regexes[i]);
        automaton_free(&group->single[i]);
    }
}

/* What is searched of a random text that a member may match, and what PCRE2 sees. */
static struct span group_text(const struct group *group, struct buffer *folded)
{
    uint8_t bytes[1024];
    uint32_t member = random_below(&dice, group->count);
    size_t size = random_text(&dice, &group->pieces[member], (int)random_below(&dice, RANDOM_SAMPLES), bytes);
    buffer_clear(folded);
    assert_int_equal(view_append(VIEW_FOLDED, span_of(bytes, size), folded, NULL), STATUS_OK);
    return text_make(folded->data, folded->size);
}

static void test_members(void **state)
{
    struct group *group = calloc(1, sizeof *group);
    struct buffer folded = BUFFER_INIT(1 << 16);
    uint64_t groups = 0, members = 0, found = 0, certain = 0, refuted = 0;
    const char *seed = getenv("WEIR_SEED");
    (void)state;
    assert_non_null(group);
    dice.seed = seed ? strtoull(seed, NULL, 10) : 20260301;
    for (int round = 0; round < 250; round++) {
        struct automaton *together = NULL;
        group_make(group, VIEW_FOLDED);
        enum status status =
            group->count ? automaton_new(group->patterns, group->count, VIEW_FOLDED, 0, &together) : STATUS_UNSUPPORTED;
        for (int t = 0; status == STATUS_OK && t < 24; t++) {
            struct span text = group_text(group, &folded);
            automaton_answer answer = look_at(together, text);
            for (uint32_t i = 0; i < group->count && answer != AUTOMATON_UNKNOWN; i++) {
                uint32_t from, to;
                bool here = answer >> i & 1, sure = automaton_certain(together) >> i & 1;
                automaton_answer alone = look_at(group->single[i], text);
                enum status match = regex_match(group->regexes[i], scratch, text, 0, &from, &to);
                for (size_t k = 0; k < text.size; k++) {
                    sure &= text.data[k] < 0x80;
                }
                if (here != alone || (!here && match == STATUS_OK) || (here && sure && match == STATUS_NOT_FOUND)) {
                    print_error("/%.*s/ as member %u of %u on \"%.*s\": %d, alone %u, PCRE2 %s\n",
                                (int)group->patterns[i].size, (const char *)group->patterns[i].data, i, group->count,
                                (int)text.size, (const char *)text.data, here, alone, status_text(match));
                    fail();
                }
                found += here;
                refuted += !here;
                certain += here && sure;
            }
            text_free(text);
        }
        groups += status == STATUS_OK;
        members += status == STATUS_OK ? group->count : 0;
        automaton_free(&together);
        group_free(group);
    }
    print_message("%llu automata of %llu members: %llu found, %llu of them for certain, %llu refuted\n",
                  (unsigned long long)groups, (unsigned long long)members, (unsigned long long)found,
                  (unsigned long long)certain, (unsigned long long)refuted);
    assert_true(groups > 100 && found > 1000 && certain > 200 && refuted > 1000);
    buffer_free(&folded);
    free(group);
}

/* ---- Without end ---- */

/*
 * Each of the last 60 characters may have begun a match: there are more states than can be made. It must say so, never
 * anything wrong, and give up in the end; a text that needs no new state is answered until then.
 */
static void test_gives_up(void **state)
{
    static const char pattern[] = "a[ab]{60}c";
    struct automaton *automaton = make(pattern, VIEW_FOLDED, 0);
    struct regex *regex = NULL;
    uint64_t unknown = 0, answered = 0;
    uint32_t round = 0;
    (void)state;
    assert_int_equal(regex_compile(span_text(pattern), NULL, &regex), STATUS_OK);
    dice.seed = 5;
    for (; !automaton_gave_up(automaton); round++) {
        char bytes[400];
        uint32_t from, to;
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (char)("abababababababababababababababababababababababababababababac"[random_below(&dice, 60)]);
        }
        struct span text = text_make(bytes, sizeof bytes);
        automaton_answer answer = look_once(automaton, text);
        if (answer == AUTOMATON_UNKNOWN) {
            unknown++;
        } else {
            assert_int_equal(answer, regex_match(regex, scratch, text, 0, &from, &to) == STATUS_OK);
            answered++;
        }
        text_free(text);
        assert_true(round < 100000);
    }
    assert_true(answered > 0 && unknown > 0);
    assert_true(automaton_size(automaton) < 2 * AUTOMATON_BYTES_MAX);
    struct span text = text_make("x", 1);
    assert_int_equal(look_at(automaton, text), AUTOMATON_UNKNOWN);
    text_free(text);
    regex_free(&regex);
    automaton_free(&automaton);
    automaton = make(pattern, VIEW_FOLDED, 1); /* the other form has few states */
    assert_int_equal(automaton_certain(automaton), 0);
    automaton_free(&automaton);
}

/* Now and then a text that needs many states: it fills up and begins anew, and what it says stays true. */
static void test_begins_anew(void **state)
{
    static const char *const patterns[] = {"a[ab]{14}c", "b[ab]{13}1", "x"};
    struct span spans[3];
    struct automaton *automaton = NULL;
    size_t most = 0;
    uint32_t unknown = 0, answered = 0;
    (void)state;
    for (int i = 0; i < 3; i++) {
        spans[i] = span_text(patterns[i]);
    }
    assert_int_equal(automaton_new(spans, 3, VIEW_FOLDED, 0, &automaton), STATUS_OK);
    size_t before = automaton_size(automaton);
    dice.seed = 6;
    for (int round = 0; round < 3000 && !automaton_gave_up(automaton); round++) {
        struct span texts[TEXTS_MAX];
        uint32_t which[TEXTS_MAX];
        automaton_answer answers[TEXTS_MAX];
        for (uint32_t i = 0; i < TEXTS_MAX; i++) {
            static const char letters[] = "abababababababababababac1x";
            char bytes[120];
            size_t size = i == 0 ? sizeof bytes : 3; /* most are easy */
            for (size_t k = 0; k < size; k++) {
                bytes[k] = letters[random_below(&dice, i == 0 ? 24 : 26)];
            }
            texts[i] = text_make(bytes, size);
            which[i] = i;
        }
        automaton_look(automaton, texts, which, TEXTS_MAX, answers);
        for (uint32_t i = 0; i < TEXTS_MAX; i++) {
            automaton_answer expected = 0;
            if (answers[i] == AUTOMATON_UNKNOWN) {
                unknown++;
            } else if (i == 0 || round % 50 == 0) {
                for (uint32_t p = 0; p < 3; p++) {
                    expected |= (automaton_answer)pcre_matches(patterns[p], texts[i]) << p;
                }
                assert_int_equal(answers[i], expected);
                answered++;
            }
            text_free(texts[i]);
        }
        most = automaton_size(automaton) > most ? automaton_size(automaton) : most;
    }
    print_message("%u answered, %u unknown, %zu to %zu bytes, gave up: %d\n", answered, unknown, before, most,
                  automaton_gave_up(automaton));
    assert_true(unknown > 0 && answered > 500);
    assert_true(most > before && most < 2 * AUTOMATON_BYTES_MAX);
    automaton_free(&automaton);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_gives_up),
        cmocka_unit_test(test_begins_anew),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
