/*
 * What a batch shows the search of skeletons, against building the skeleton of every message: nothing may be missing, and
 * what is there must be the same. Over random texts, and over real messages with and without words in disguise.
 */
#include "tests/support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/skeleton.h"
#include "text/skeleton_signs.h"
#include "text/view.h"

#define SIZE_MAX_HERE (1u << 24)
#define BATCH 61u
#define WORDS_MAX 64

static int start(void **state)
{
    (void)state;
    return view_start() == STATUS_OK ? 0 : -1;
}

static uint64_t random_state = 0x2545F4914F6CDD1Du;

static uint32_t random_below(uint32_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % limit;
}

/* ---- Words that are looked for. ---- */

struct words {
    char as_searched[WORDS_MAX][16];
    uint32_t count;
    struct skeleton_wanted wanted;
};

static void add_word(struct words *words, const char *word)
{
    char *to = words->as_searched[words->count];
    size_t size = skeleton_word(span_text(word), (uint8_t *)to);
    assert_true(size >= 3 && size < 16 && words->count < WORDS_MAX);
    to[size] = '\0';
    words->count++;
    skeleton_want(&words->wanted, span_of(to, size));
}

static bool is_capital(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z';
}

/* Does a word that was written anew begin with one that is looked for? */
static bool holds(const struct words *words, struct span searched)
{
    for (size_t at = 0; at < searched.size; at++) {
        if (!is_capital(searched.data[at]) || (at > 0 && is_capital(searched.data[at - 1])))
            continue;
        for (uint32_t i = 0; i < words->count; i++) {
            size_t size = strlen(words->as_searched[i]);
            if (searched.size - at >= size && memcmp(searched.data + at, words->as_searched[i], size) == 0)
                return true;
        }
    }
    return false;
}

static bool contains(struct span text, const char *part)
{
    return text.size > 0 && memmem(text.data, text.size, part, strlen(part)) != NULL;
}

/* Was a link put together? As far as that is seen from the texts. */
static bool refanged(struct span folded, struct span searched)
{
    return (contains(searched, "http") && !contains(folded, "http")) ||
           (contains(searched, ".com") && !contains(folded, ".com"));
}

/* ---- Batches. ---- */

struct batch {
    struct span messages[BATCH];
    struct buffer texts, folded, out;
    uint32_t starts[BATCH + 1], ret_starts[BATCH + 1];
    uint8_t facts[BATCH];
    uint32_t count, emitted;
};

static void fold_batch(struct batch *batch)
{
    buffer_clear(&batch->folded);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct span message = batch->messages[i];
        batch->starts[i] = (uint32_t)batch->folded.size;
        batch->facts[i] = 0;
        assert_int_equal(buffer_reserve(&batch->folded, message.size + 1), STATUS_OK);
        if (!view_append_plain(message, &batch->folded, &batch->facts[i]))
            assert_int_equal(view_append(VIEW_FOLDED, message, &batch->folded, NULL), STATUS_OK);
        assert_int_equal(buffer_append_byte(&batch->folded, '\n'), STATUS_OK);
    }
    batch->starts[batch->count] = (uint32_t)batch->folded.size;
}

static void check_batch(struct batch *batch, const struct words *words)
{
    struct buffer expected = BUFFER_INIT(SIZE_MAX_HERE);
    fold_batch(batch);
    struct skeleton_batch all = {.messages = batch->messages,
                                 .count = batch->count,
                                 .folded = buffer_span(&batch->folded),
                                 .starts = batch->starts,
                                 .facts = batch->facts,
                                 .wanted = words ? &words->wanted : NULL};
    buffer_clear(&batch->out);
    assert_int_equal(skeleton_append_batch(&all, &batch->out, batch->ret_starts), STATUS_OK);
    assert_int_equal(batch->ret_starts[batch->count], batch->out.size);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct span message = batch->messages[i];
        struct span folded =
            span_of(batch->folded.data + batch->starts[i], batch->starts[i + 1] - 1 - batch->starts[i]);
        struct span shown =
            span_of(batch->out.data + batch->ret_starts[i], batch->ret_starts[i + 1] - 1 - batch->ret_starts[i]);
        assert_int_equal(shown.data[shown.size], '\n');
        buffer_clear(&expected);
        assert_int_equal(skeleton_append(SKELETON_SEARCHED_IF_DIFFERENT, message, &expected, NULL), STATUS_OK);
        struct span searched = buffer_span(&expected);
        bool needed = refanged(folded, searched) || (words && holds(words, searched));
        batch->emitted += shown.size > 0;
        if (shown.size > 0 ? !span_equal(shown, searched) : needed)
            fail_msg("\"%.*s\" shows \"%.*s\", not \"%.*s\"", (int)message.size, (const char *)message.data,
                     (int)shown.size, (const char *)shown.data, (int)searched.size, (const char *)searched.data);
    }
    buffer_free(&expected);
    batch->count = 0;
}

static void free_batch(struct batch *batch)
{
    buffer_free(&batch->texts);
    buffer_free(&batch->folded);
    buffer_free(&batch->out);
}

static void init_batch(struct batch *batch)
{
    *batch = (struct batch){
        .texts = BUFFER_INIT(SIZE_MAX_HERE), .folded = BUFFER_INIT(SIZE_MAX_HERE), .out = BUFFER_INIT(SIZE_MAX_HERE)};
    assert_int_equal(buffer_reserve(&batch->texts, 1u << 22), STATUS_OK); /* so that texts stay where they are */
}

static void add_message(struct batch *batch, struct span text, const struct words *words)
{
    if (batch->count == 0)
        buffer_clear(&batch->texts);
    size_t at = batch->texts.size;
    assert_true(batch->texts.capacity - at > text.size);
    assert_int_equal(buffer_append(&batch->texts, text.data, text.size), STATUS_OK);
    batch->messages[batch->count++] = span_of(batch->texts.data + at, text.size);
    if (batch->count == BATCH)
        check_batch(batch, words);
}

/* ---- Random texts. ---- */

static void append_random(struct buffer *text)
{
    static const char *const parts[] = {"a",
                                        "b",
                                        "s",
                                        "l",
                                        "i",
                                        "m",
                                        "c",
                                        "kill",
                                        "the",
                                        "scam",
                                        " ",
                                        " ",
                                        " ",
                                        " ",
                                        "  ",
                                        "1",
                                        "3",
                                        "4",
                                        "0",
                                        "5",
                                        "42",
                                        "!",
                                        "|",
                                        "+",
                                        "++",
                                        "@",
                                        "$",
                                        ".",
                                        "..",
                                        "-",
                                        "'",
                                        "''",
                                        "[.]",
                                        "(",
                                        ")",
                                        " dot ",
                                        "dot",
                                        "com",
                                        "hxxp",
                                        "://",
                                        "www.",
                                        "I",
                                        "A",
                                        "oo",
                                        "xx",
                                        "\n",
                                        "\t",
                                        "*",
                                        "_",
                                        "/",
                                        "[",
                                        "]",
                                        "k1ll",
                                        "s c a m",
                                        "s.c.a.m",
                                        "kiiill",
                                        "5cam",
                                        "kIll",
                                        "\x01",
                                        "\xE2\x80\x99",
                                        "\xC3\xA9",
                                        "\xC3\xA8",
                                        "\xCC\xB6",
                                        "\xCC\x81",
                                        "\xD0\xB0",
                                        "\xD1\x81",
                                        "\xD0\xB6",
                                        "\xCE\x9D",
                                        "\xE2\x82\xAC",
                                        "\xF0\x9F\x94\xA5",
                                        "\xE2\x80\x8B",
                                        "\xF0\x9F\x87\xA6",
                                        "\xF0\x9F\x87\xB8",
                                        "\xE6\x97\xA5",
                                        "\xFF",
                                        "\xC3",
                                        "\xC3\x9F",
                                        "\xEF\xBD\x93",
                                        "\xE2\x88\xA3",
                                        "\xD9\xA1",
                                        "\xE0\xB9\x91",
                                        "\xED\x95\x9C",
                                        "\xEF\xAC\x81",
                                        "\xC2\xA3",
                                        "\xC3\xBE",
                                        "\xE2\x80\x94",
                                        "\xE3\x80\x80"};
    assert_int_equal(buffer_append_text(text, parts[random_below(sizeof parts / sizeof parts[0])]), STATUS_OK);
}

static void random_texts(void **state)
{
    (void)state;
    struct words words = {0};
    struct batch batch;
    init_batch(&batch);
    add_word(&words, "kill");
    add_word(&words, "scam");
    add_word(&words, "aim");
    add_word(&words, "ass");
    add_word(&words, "ooc");
    for (int with = 0; with < 2; with++) {
        for (int i = 0; i < 30000; i++) {
            struct buffer text = BUFFER_INIT(SIZE_MAX_HERE);
            for (uint32_t parts = random_below(i % 10 ? 14 : 120); parts > 0; parts--)
                append_random(&text);
            add_message(&batch, buffer_span(&text), with ? &words : NULL);
            buffer_free(&text);
        }
        check_batch(&batch, with ? &words : NULL);
        assert_true(batch.emitted > 1000);
        batch.emitted = 0;
    }
    free_batch(&batch);
}

/* ---- Real messages, some with words in disguise. ---- */

static void append_disguised(struct buffer *text, const char *word)
{
    static const char *const leet[] = {['a' - 'a'] = "4", ['e' - 'a'] = "3",        ['i' - 'a'] = "1",
                                       ['o' - 'a'] = "0", ['s' - 'a'] = "$",        ['t' - 'a'] = "+",
                                       ['l' - 'a'] = "|", ['c' - 'a'] = "\xD1\x81", ['z' - 'a'] = "2"};
    static const char *const between[] = {".", " ", "-", " . ", "\xF0\x9F\x94\xA5", "\xCC\xB6", "  ", "\xE2\x80\x8B"};
    uint32_t way = random_below(4);
    const char *separator = between[random_below(sizeof between / sizeof between[0])];
    for (size_t i = 0; word[i]; i++) {
        const char *other = leet[(size_t)(word[i] - 'a') % (sizeof leet / sizeof leet[0])];
        char letter[2] = {way == 3 && word[i] == 'l' ? 'I' : word[i], '\0'};
        const char *put = way == 0 && other && word[i] <= 'z' ? other : letter;
        for (uint32_t times = way == 1 && random_below(2) ? 3 : 1; times > 0; times--)
            assert_int_equal(buffer_append_text(text, put), STATUS_OK);
        if (way == 2 && word[i + 1])
            assert_int_equal(buffer_append_text(text, separator), STATUS_OK);
    }
}

/* The text of a line of JSON or a table, roughly: what escapes stand in it are as good as any other text. */
static struct span text_of(char *line)
{
    static const char key[] = "\"text\": \"";
    char *text = strstr(line, key), *tab = strrchr(line, '\t');
    text = text ? text + sizeof key - 1 : tab ? tab + 1 : line;
    char *end = strpbrk(text, "\"\n");
    return span_of(text, end ? (size_t)(end - text) : strlen(text));
}

static void check_file(const char *data, const char *name)
{
    static const char *const looked_for[] = {"scam",   "kill", "fuck",  "bitch", "slut",   "wallet", "cocaine", "whore",
                                             "nigger", "cunt", "penis", "rape",  "crypto", "viagra", "free",    "user"};
    char path[4096], *line = NULL;
    size_t capacity = 0, lines = 0;
    struct words words = {0};
    struct batch batch;
    snprintf(path, sizeof path, "%s/messages/%s", data, name);
    FILE *file = fopen(path, "r");
    if (!file)
        skip();
    init_batch(&batch);
    for (size_t i = 0; i < sizeof looked_for / sizeof looked_for[0]; i++)
        add_word(&words, looked_for[i]);
    struct buffer text = BUFFER_INIT(SIZE_MAX_HERE);
    while (getline(&line, &capacity, file) > 0) {
        struct span message = text_of(line);
        if (lines++ % 3 != 0)
            continue;
        buffer_clear(&text);
        size_t at = random_below((uint32_t)message.size + 1);
        while (at > 0 && message.data[at - 1] != ' ')
            at--;
        assert_int_equal(buffer_append(&text, message.data, at), STATUS_OK);
        if (lines % 2)
            append_disguised(&text, looked_for[random_below(sizeof looked_for / sizeof looked_for[0])]);
        if (lines % 2)
            assert_int_equal(buffer_append_byte(&text, ' '), STATUS_OK);
        assert_int_equal(buffer_append(&text, message.data + at, message.size - at), STATUS_OK);
        add_message(&batch, buffer_span(&text), &words);
    }
    check_batch(&batch, &words);
    print_message("%s: %zu messages, %u shown\n", name, lines / 3, batch.emitted);
    assert_true(batch.emitted > 100);
    free(line);
    (void)fclose(file);
    buffer_free(&text);
    free_batch(&batch);
}

static void real_messages(void **state)
{
    (void)state;
    static const char *const names[] = {"sms_spam.tsv", "chat_irc.jsonl", "abuse_tweets.jsonl", "abuse_emoji.jsonl"};
    const char *data = getenv("WEIR_SHARED_DATA");
    if (!data)
        skip();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_file(data, names[i]);
}

/* ---- The signs alone. ---- */

static void ways_are_equal(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct buffer text = BUFFER_INIT(SIZE_MAX_HERE);
        for (uint32_t parts = random_below(i % 10 ? 30 : 200); parts > 0; parts--)
            append_random(&text);
        size_t pass = random_below((uint32_t)text.size + 1), skip = random_below((uint32_t)text.size + 1), given = 0;
        struct skeleton_signs ways[SKELETON_PORTABLE + 1];
        for (int way = 0; way <= SKELETON_PORTABLE; way++)
            skeleton_signs_start(&ways[way], buffer_span(&text), (enum skeleton_way)way);
        for (size_t sign = 0; sign != SIZE_MAX; given++) {
            sign = skeleton_signs_next(&ways[0]);
            assert_true(sign == SIZE_MAX || sign < text.size);
            for (int way = 1; way <= SKELETON_PORTABLE; way++) {
                assert_true(skeleton_signs_next(&ways[way]) == sign);
                assert_int_equal(ways[way].link, ways[0].link);
            }
            for (int way = 0; way <= SKELETON_PORTABLE && given == 2; way++)
                skeleton_signs_pass(&ways[way], pass);
            for (int way = 0; way <= SKELETON_PORTABLE && given == 4; way++)
                skeleton_signs_skip(&ways[way], skip);
            assert_true(given < 3 || sign >= pass || ways[0].link);
            assert_true(given < 5 || sign >= skip);
        }
        buffer_free(&text);
    }
}

/* A sign is seen wherever the windows begin and end, and only what is beside it counts. */
static void signs_everywhere(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t sign; /* SIZE_MAX: none */
        bool link;
    } cases[] = {
        {"k1ll", 1, false},
        {"s c a m", 2, false},
        {"s.c", 0, false},
        {"fuuck", 2, false},
        {"abccc", 4, false},
        {"evil[.]x", 4, true},
        {"evil (dot) x", 5, true},
        {"evil dot x", 5, true},
        {"hxxp", 2, true},
        {"hello all", SIZE_MAX, false},
        {"it's 10:30, ok?!", SIZE_MAX, false},
        {"(see [1])", SIZE_MAX, false},
        {"a dog", SIZE_MAX, false},
        {"re-use", 2, false},
        {"a - b", SIZE_MAX, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t before = 0; before < 140; before++) {
            char text[400];
            size_t size = strlen(cases[i].text);
            memset(text, ' ', sizeof text);
            memcpy(text + before, cases[i].text, size);
            struct skeleton_signs signs;
            skeleton_signs_start(&signs, span_of(text, before + size + before % 3 * 70), SKELETON_QUICKEST);
            size_t sign = skeleton_signs_next(&signs);
            assert_true(sign == (cases[i].sign == SIZE_MAX ? SIZE_MAX : before + cases[i].sign));
            assert_true(sign == SIZE_MAX || signs.link == cases[i].link);
        }
    }
}

static void limits(void **state)
{
    (void)state;
    struct span message = span_text("k1ll them all, k1ll them all");
    uint32_t starts[2] = {0, (uint32_t)message.size + 1}, ret_starts[2];
    struct skeleton_batch batch = {
        .messages = &message, .count = 1, .folded = span_text("k1ll them all, k1ll them all\n"), .starts = starts};
    struct buffer small = BUFFER_INIT(5), large = BUFFER_INIT(100);
    assert_int_equal(skeleton_append_batch(&batch, &small, ret_starts), STATUS_LIMIT);
    assert_int_equal(skeleton_append_batch(&batch, &large, ret_starts), STATUS_OK);
    assert_true(span_equal(buffer_span(&large), span_text("KII them all, KII them all\n")));
    batch.count = 0;
    assert_int_equal(skeleton_append_batch(&batch, &large, ret_starts), STATUS_OK);
    assert_int_equal(ret_starts[0], large.size);
    buffer_free(&small);
    buffer_free(&large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_texts),     cmocka_unit_test(real_messages), cmocka_unit_test(ways_are_equal),
        cmocka_unit_test(signs_everywhere), cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
