/* What the formats have in common: guessing, ids, and inputs that are damaged at random. */
#include "tests/support/alloc_fail.h"
#include "tests/unit/import/import_case.h"

static const struct {
    const char *name, *text;
    int format; /* -1: none */
} guesses[] = {
    {"a.cf", "# x\nbody A_B /x/\n", IMPORT_SPAMASSASSIN},
    {"a", "\nmeta __X (A && B)\n", IMPORT_SPAMASSASSIN},
    {"a.txt", "header FOO X =~ /y/", IMPORT_SPAMASSASSIN},
    {"a.txt", "body lotion sale\n", -1},
    {"a.txt", "gift card\nfree money\n", -1},
    {"a.txt", "\\bgift\\b\n", -1},
    {"a.txt", "", -1},
    {"a.tsv", "#id\tflags\tpattern\nx\t\ty\n", IMPORT_REGEXES},
    {"a.tsv", "name\tregex\n", -1},
    {"a.yml", "---\ntitle+body (includes): [x]\n", IMPORT_AUTOMOD},
    {"a.yml", "~body (regex)#2: 'x'\n", IMPORT_AUTOMOD},
    {"a.yml", "# body (regex): 'x'\n", -1},
    {"a.txt", "note: body (regex): x\n", -1},
    {"a.yaml", "title: x\ndetection:\n  a: [b]\n  condition: a\n", IMPORT_SIGMA},
    {"a.yaml", "pack: x\nrules:\n  - id: x.a\n    condition: a\n", -1},
};

static void test_guess(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof guesses / sizeof *guesses; i++) {
        enum import_format format = IMPORT_WORDS;
        bool known = import_guess(guesses[i].name, span_text(guesses[i].text), &format);
        if (known != (guesses[i].format >= 0)) {
            fprintf(stderr, "of:\n%s\n", guesses[i].text);
        }
        assert_int_equal(known, guesses[i].format >= 0);
        assert_int_equal(format, known ? guesses[i].format : IMPORT_WORDS); /* untouched otherwise */
    }
}

static const struct {
    const char *text, *id;
} ids[] = {
    {"DEAR_FRIEND", "DEAR_FRIEND"},
    {"__SUB", "SUB"},
    {"a b", "a-b"},
    {"a   b!?c", "a-b-c"},
    {"...", ""},
    {"", ""},
    {"-a-", "a"},
    {"a.b", "a.b"},
    {".a..b.", "a.b"},
    {"a. b", "a.b"},
    {"caf\xC3\xA9 x", "caf-x"},
    {"\xE4\xBD\xA0", ""},
    {"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg",
     "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff"},
};

static void test_ids(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char id[MODEL_ID_SIZE_MAX + 1];
        import_id(span_text(ids[i].text), id);
        assert_string_equal(id, ids[i].id);
    }
}

/* Something of each kind of line that the readers know, to be damaged. */
static const struct {
    enum import_format format;
    const char *text;
} seeds[] = {
    {IMPORT_SPAMASSASSIN,
     "if (version >= 3.004) && !plugin(A::B)\nbody __A /gi(?:f|v)t\\x{41}[\\x80-\\xff]/ism # c\nelse\n"
     "uri U m{evil\\.com/[^/]+}i\nendif\nreplace_tag A [a4]\nreplace_inter S \\s\nreplace_rules R\n"
     "body R /<inter S><A><A>\\xc3\\xa9/i\nmeta M (__A + R + !U >= 2) && (R || U)\n"
     "meta N M && R * U\nmeta Z rules_matching(__*) > 0\nscore M 1 2 3 (4)\ndescribe M Some text\ntflags R multiple "
     "nice\n"
     "lang de x\nheader H S =~ /x/\nbody L \\\n  /x/\n"},
    {IMPORT_WORDS, "# list\ngift card\n*coin*\n\\#tag\nfree mon*\nd'accord\n\xE4\xBD\xA0\xE5\xA5\xBD\n#tag\n"},
    {IMPORT_AUTOMOD,
     "---\ntitle+body (includes-word): [gift, 'card*']\n~body#2 (regex, case-sensitive): 'a\\u00e9.'\n"
     "body (starts-with): \"hi\"\nbody_longer_than: 10\naction: remove\naction_reason: 'x [{{match}}]'\n"
     "---\ndomain: [evil.com]\nauthor: {age: 3}\n---\nbody (full-text, case-sensitive): [a, b]\n"},
    {IMPORT_SIGMA,
     "title: A title\nid: 1-2\nstatus: test\nlevel: high\ndetection:\n  a1:\n    message|contains|all: [x, "
     "y*z]\n  a2: [k, l]\n  f: {text|re|i: '^a.b'}\n  condition: (1 of a* and not f) or 2 of them\n"
     "---\ntitle: B\ndetection: {s: {body|endswith|cased: Q}, condition: all of them}\n"},
    {IMPORT_REGEXES, "#id\tflags\tpattern\na.b\ti\tgift\nc d\ts\t(?<x>a|b)\\k<x>\n\t\t/x/\n# c\nlast\tm\ta\tb\n"},
    {IMPORT_REGEXES, "/gift/i\nname\tregex\\u0041\n(?i)x{2,3}\n"},
};

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t damage(uint8_t *text, size_t size, size_t room, uint64_t *state)
{
    static const char *const bits[] = {"(",    ")",   "\\", "/",  "*",  "\n", "\t",  ":",        "[",   "]",    "{",
                                       "}",    "'",   "\"", "#",  "&&", "||", "!",   "__A",      "<A>", "\xFF", "\xC3",
                                       "\\x9", "---", "|",  "of", "1",  "\r", "\\u", "\\xe2\\x", " ",   "eval:"};
    for (uint64_t edits = 1 + random_next(state) % 6; edits > 0 && size > 0; edits--) {
        size_t at = random_next(state) % size;
        const char *bit = bits[random_next(state) % (sizeof bits / sizeof *bits)];
        size_t length = strlen(bit);
        switch (random_next(state) % 4) {
        case 0: /* cut out */
            length = 1 + random_next(state) % (size - at);
            length = length > 20 ? 20 : length;
            memmove(text + at, text + at + length, size - at - length);
            size -= length;
            break;
        case 1: /* put in */
            if (size + length < room) {
                memmove(text + at + length, text + at, size - at);
                memcpy(text + at, bit, length);
                size += length;
            }
            break;
        case 2: /* say again */
            length = size - at > 30 ? 30 : size - at;
            if (size + length < room) {
                memmove(text + at + length, text + at, size - at);
                size += length;
            }
            break;
        default:
            text[at] = (uint8_t)bit[0];
        }
    }
    return size;
}

/* Whatever comes in, what goes out is a pack that loads (import_case_run sees to that), or nothing and a note. */
static void test_damaged(void **state)
{
    (void)state;
    uint64_t chance = 0x5EED5EED5EED;
    unsigned packs = 0;
    for (unsigned round = 0; round < 1500; round++) {
        size_t seed = round % (sizeof seeds / sizeof *seeds);
        char *rules = NULL, *notes = NULL;
        size_t size = strlen(seeds[seed].text), room = size + 512;
        uint8_t *text = malloc(room);
        assert_non_null(text);
        memcpy(text, seeds[seed].text, size);
        size = damage(text, size, room, &chance);
        uint8_t *exact = malloc(size + !size); /* so that a byte too many is seen */
        assert_non_null(exact);
        memcpy(exact, text, size);
        const struct span all = span_of(exact, size);
        /* A file may also be read as what it is not. */
        enum import_format format = random_next(&chance) % 8 ? seeds[seed].format : (enum import_format)(round % 5);
        struct import_options options = import_case_options;
        options.column = format == IMPORT_WORDS && random_next(&chance) % 2 ? "1" : NULL;
        options.view = random_next(&chance) % 2 ? VIEW_FOLDED : VIEW_RAW;
        import_case_run(&options, format, &all, 1, &rules, &notes);
        packs += rules[0] != '\0';
        assert_true(rules[0] != '\0' || notes[0] != '\0');
        free(rules);
        free(notes);
        free(text);
        free(exact);
    }
    assert_true(packs > 800); /* most damage is small */
}

/* With the pack as text. */
static enum status import_once(enum import_format format, struct span text, char *ret_pack, size_t size)
{
    struct import *import = NULL;
    struct span pack = {0};
    enum status status = import_new(&import_case_options, &import);
    if (status == STATUS_OK) {
        status = import_read(import, "a.txt", text, format);
    }
    if (status == STATUS_OK) {
        status = import_finish(import, &pack);
    }
    (void)snprintf(ret_pack, size, "%.*s", (int)pack.size, pack.data ? (const char *)pack.data : "");
    import_free(&import);
    return status;
}

/* Without memory there is no pack, and nothing leaks. */
static void test_no_memory(void **state)
{
    (void)state;
    static char whole[65536], pack[65536];
    if (!alloc_fail_available()) {
        skip();
    }
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        const struct span text = span_text(seeds[i].text);
        assert_int_equal(import_once(seeds[i].format, text, whole, sizeof whole), STATUS_OK);
        long held = alloc_fail_held();
        for (long n = 0;; n++) {
            alloc_fail_after(n);
            enum status status = import_once(seeds[i].format, text, pack, sizeof pack);
            bool failed = alloc_fail_stop();
            assert_int_equal(alloc_fail_held(), held);
            assert_true(status == STATUS_NO_MEMORY || status == STATUS_OK);
            assert_string_equal(pack, status == STATUS_OK ? whole : "");
            if (!failed) {
                assert_int_equal(status, STATUS_OK);
                break;
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guess),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
