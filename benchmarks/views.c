/*
 * What making the views of a message costs, by script.
 *
 *     views_benchmark [--rounds N] [--json] [--only SCRIPT] [MESSAGES]
 *
 * Messages of a dozen words in several scripts, made here, and those of MESSAGES. Beside the folded view, the raw view
 * without case (what is searched of the raw view) and what is searched of the skeleton (for a few words that are looked
 * for; the folded views are there already) stands ICU's NFKC_Casefold as one would write it without Weir: to UTF-16,
 * normalise, and back. All in one thread and interleaved; the medians are printed.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "base/buffer.h"
#include "corpus.h"
#include "text/caseless.h"
#include "text/skeleton.h"
#include "text/view.h"

#define ROUNDS_MAX 101
#define MESSAGES_MADE 4096u
#define UNITS_MAX 65536
#define WAYS 4
#define BATCH 256u /* as a batch is scanned: its views lie one after the other */

static const char *const way_names[WAYS] = {"folded", "raw, caseless", "skeleton", "ICU casefold"};
static const char *const wanted_words[] = {"scam",  "wallet", "crypto", "cocaine", "kill",   "bitch",  "fuck",
                                           "whore", "slut",   "nazi",   "bomb",    "pistol", "rape",   "escort",
                                           "porn",  "casino", "idiot",  "moron",   "loser",  "suicide"};

static const char *const ascii_words[] = {"hello", "I",     "think", "we",    "can",   "meet",    "Tomorrow", "at",
                                          "the",   "usual", "place", "about", "three", "o'clock", "thanks!",  "ok"};
static const char *const latin_words[] = {"Frühstück", "déjà", "mañana", "ça",    "va",   "größer", "être", "português",
                                          "où",        "noël", "día",    "schön", "café", "après",  "niño", "Straße"};
static const char *const cyrillic_words[] = {"Привет", "как",     "дела",   "сегодня", "мы",   "Встретимся",
                                             "у",      "старого", "дома",   "около",   "трёх", "спасибо",
                                             "Пока",   "что",     "нового", "хорошо"};
static const char *const cjk_words[] = {"今天",   "我们",   "在",       "老地方",    "见面", "谢谢",
                                        "你好吗", "東京に", "行きます", "カメラ",    "を",   "買いました",
                                        "明日",   "学校",   "朋友",     "ありがとう"};
static const char *const korean_words[] = {"안녕하세요", "오늘",   "우리는", "거기서", "만나요", "고맙습니다",
                                           "내일",       "학교",   "친구",   "네",     "세시에", "좋아요",
                                           "커피",       "마실래", "그래",   "알았어"};
static const char *const emoji_words[] = {"hey", "😀", "so",    "❤️",   "funny", "👩‍👧", "😂😂😂",  "see",
                                          "you", "🎉", "later", "👍🏽", "lol",   "🔥",           "nice", "🇫🇷"};

struct script {
    const char *name;
    const char *const *words;
    const char *between;
};

static const struct script scripts[] = {
    {"ASCII", ascii_words, " "}, {"Latin-1", latin_words, " "}, {"Cyrillic", cyrillic_words, " "},
    {"CJK", cjk_words, ""},      {"Korean", korean_words, " "}, {"emoji", emoji_words, " "},
};
#define SCRIPTS (sizeof scripts / sizeof scripts[0])

static uint32_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static void make_messages(const struct script *script, struct corpus *corpus)
{
    uint64_t random = 1;
    struct buffer text = BUFFER_INIT(1u << 16);
    corpus->texts = corpus_grow(NULL, MESSAGES_MADE, sizeof *corpus->texts);
    while (corpus->count < MESSAGES_MADE) {
        buffer_clear(&text);
        uint32_t words = 4 + random_next(&random) % 16;
        enum status status = STATUS_OK;
        for (uint32_t i = 0; i < words && status == STATUS_OK; i++) {
            status = buffer_append_text(&text, i ? script->between : "");
            if (status == STATUS_OK)
                status = buffer_append_text(&text, script->words[random_next(&random) % 16]);
        }
        if (status != STATUS_OK)
            corpus_die("out of memory", "");
        char *copy = corpus_grow(NULL, text.size, 1);
        memcpy(copy, text.data, text.size);
        corpus->texts[corpus->count++] = span_of(copy, text.size);
        corpus->bytes += text.size;
    }
    buffer_free(&text);
}

/* As one writes it without Weir. */
static void casefold(const UNormalizer2 *normalizer, struct span text, struct buffer *out)
{
    static UChar in[UNITS_MAX], folded[UNITS_MAX];
    UErrorCode error = U_ZERO_ERROR;
    int32_t size = 0, bytes = 0;
    u_strFromUTF8WithSub(in, UNITS_MAX, &size, (const char *)text.data, (int32_t)text.size, 0xFFFD, NULL, &error);
    size = unorm2_normalize(normalizer, in, size, folded, UNITS_MAX, &error);
    if (U_FAILURE(error) || buffer_reserve(out, 3 * (size_t)size) != STATUS_OK)
        corpus_die("ICU failed", u_errorName(error));
    u_strToUTF8((char *)out->data + out->size, 3 * size, &bytes, folded, size, &error);
    out->size += (size_t)bytes;
}

/* What others do on the machine counts as little as possible. */
static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What is looked at of messages [first, first + count). Only the skeletons are timed. */
static int64_t measure_skeletons(const struct corpus *corpus, size_t first, uint32_t count,
                                 const struct skeleton_wanted *wanted, struct buffer *folded, struct buffer *out)
{
    static uint32_t starts[BATCH + 1], ret_starts[BATCH + 1];
    static uint8_t facts[BATCH];
    buffer_clear(folded);
    for (uint32_t i = 0; i < count; i++) {
        struct span text = corpus->texts[first + i];
        starts[i] = (uint32_t)folded->size;
        facts[i] = 0;
        enum status status = buffer_reserve(folded, text.size + 1);
        if (status == STATUS_OK && !view_append_plain(text, folded, &facts[i]))
            status = view_append(VIEW_FOLDED, text, folded, NULL);
        if (status != STATUS_OK || buffer_append_byte(folded, '\n') != STATUS_OK)
            corpus_die("out of memory", "");
    }
    starts[count] = (uint32_t)folded->size;
    struct skeleton_batch batch = {.messages = corpus->texts + first,
                                   .count = count,
                                   .folded = buffer_span(folded),
                                   .starts = starts,
                                   .facts = facts,
                                   .wanted = wanted};
    buffer_clear(out);
    int64_t started = cpu_ns();
    if (skeleton_append_batch(&batch, out, ret_starts) != STATUS_OK)
        corpus_die("out of memory", "");
    return cpu_ns() - started;
}

static double measure_all_skeletons(const struct corpus *corpus, struct buffer *out)
{
    static struct skeleton_wanted wanted;
    struct buffer folded = BUFFER_INIT((size_t)1 << 28);
    int64_t ns = 0;
    for (size_t i = 0; i < sizeof wanted_words / sizeof wanted_words[0]; i++) {
        uint8_t word[16];
        skeleton_want(&wanted, span_of(word, skeleton_word(span_text(wanted_words[i]), word)));
    }
    for (size_t i = 0; i < corpus->count; i += BATCH) {
        uint32_t count = corpus->count - i < BATCH ? (uint32_t)(corpus->count - i) : BATCH;
        ns += measure_skeletons(corpus, i, count, &wanted, &folded, out);
    }
    buffer_free(&folded);
    return (double)ns / (double)corpus->count;
}

static double measure(int way, const struct corpus *corpus, const UNormalizer2 *normalizer, struct buffer *out)
{
    if (way == 2)
        return measure_all_skeletons(corpus, out);
    int64_t started = cpu_ns();
    for (size_t i = 0; i < corpus->count; i++) {
        enum status status = STATUS_OK;
        if (i % BATCH == 0)
            buffer_clear(out);
        if (way == 0)
            status = view_append(VIEW_FOLDED, corpus->texts[i], out, NULL);
        else if (way == 1)
            status = caseless_append(corpus->texts[i], out);
        else
            casefold(normalizer, corpus->texts[i], out);
        if (status != STATUS_OK)
            corpus_die("out of memory", "");
    }
    return (double)(cpu_ns() - started) / (double)corpus->count;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void show(const char *name, const struct corpus *corpus, int rounds, bool json)
{
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *normalizer = unorm2_getNFKCCasefoldInstance(&error);
    struct buffer out = BUFFER_INIT((size_t)1 << 28);
    double times[WAYS][ROUNDS_MAX], mean = (double)corpus->bytes / (double)corpus->count;
    for (int round = -1; round < rounds; round++) {
        for (int way = 0; way < WAYS; way++)
            times[way][round < 0 ? 0 : round] = measure(way, corpus, normalizer, &out);
    }
    if (json)
        printf("{\"messages\": \"%s\", \"bytes\": %.1f", name, mean);
    else
        printf("%-10.10s %6.0f", name, mean);
    for (int way = 0; way < WAYS; way++) {
        qsort(times[way], (size_t)rounds, sizeof times[way][0], compare);
        double ns = times[way][rounds / 2];
        if (json)
            printf(", \"%s ns\": %.1f", way_names[way], ns);
        else
            printf(" %8.0f %8.0f", ns, mean / ns * 1e3);
    }
    printf(json ? "}\n" : "\n");
    buffer_free(&out);
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"rounds", required_argument, NULL, 'r'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"only", required_argument, NULL, 'o'},
                                          {NULL, 0, NULL, 0}};
    int rounds = 15;
    const char *only = NULL;
    bool json = false, wrong = false;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'r')
            rounds = (int)strtol(optarg, NULL, 10);
        else if (option == 'o')
            only = optarg;
        else if (option == 'j')
            json = true;
        else
            wrong = true;
    }
    if (wrong || argc - optind > 1 || rounds < 1 || rounds > ROUNDS_MAX)
        corpus_die("wrong usage", "[--rounds N] [--json] [--only SCRIPT] [MESSAGES]");
    if (view_start() != STATUS_OK)
        corpus_die("cannot start", "the views");
    if (!json) {
        printf("%-10s %6s", "", "bytes/");
        for (int way = 0; way < WAYS; way++)
            printf(" %17s", way_names[way]);
        printf("\n%-10s %6s", "messages", "msg");
        for (int way = 0; way < WAYS; way++)
            printf(" %8s %8s", "ns/msg", "MB/s");
        printf("\n");
    }
    for (size_t i = 0; i < SCRIPTS; i++) {
        struct corpus corpus = {0};
        if (only && strcmp(only, scripts[i].name) != 0)
            continue;
        make_messages(&scripts[i], &corpus);
        show(scripts[i].name, &corpus, rounds, json);
        corpus_free(&corpus);
    }
    if (optind < argc) {
        struct corpus corpus = {0};
        corpus_read(argv[optind], &corpus);
        show("MESSAGES", &corpus, rounds, json);
        corpus_free(&corpus);
    }
    return 0;
}
