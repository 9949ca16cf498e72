/* What profiles hold and what not, that rates are probabilities, and that they tell rare strings from common ones. */
#include "rules/traffic_profile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "rules/regex_fit.h"
#include "rules/regex_literals.h"
#include "rules/regex_tree.h"
#include "rules/traffic_count.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/temp.h"
#include "text/view.h"

#define TEXT_MAX (1u << 20)
#define HEAD "weir traffic profile 1\nmessages 100 bytes 1000\n"

static int set_up(void **state)
{
    (void)state;
    return view_start() != STATUS_OK;
}

static double rate(const struct traffic_profile *profile, const char *string)
{
    return traffic_profile_rate(profile, span_text(string));
}

static struct traffic_count *new_count(void)
{
    struct traffic_count *count = NULL;
    assert_int_equal(traffic_count_new(&count), STATUS_OK);
    return count;
}

static void add(struct traffic_count *count, const char *text)
{
    assert_int_equal(traffic_count_add(count, span_text(text)), STATUS_OK);
}

/* The text of the profile of what was counted, on the heap. */
static char *written(struct traffic_count *count, uint32_t messages_min)
{
    struct buffer out = BUFFER_INIT(TEXT_MAX * 16);
    assert_int_equal(traffic_count_write(count, messages_min, &out), STATUS_OK);
    assert_int_equal(buffer_append_byte(&out, '\0'), STATUS_OK);
    return (char *)out.data;
}

static struct traffic_profile *parsed(const char *text)
{
    struct traffic_profile *profile = NULL;
    struct error error = {0};
    enum status status = traffic_profile_parse(span_text(text), &error, &profile);
    if (status != STATUS_OK) {
        fail_msg("%s: %s", status_text(status), error.text);
    }
    return profile;
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        enum status status;
        const char *words;
    } rows[] = {
        {"", STATUS_INVALID, "ends before it says anything"},
        {"weir traffic profile 2\n", STATUS_INVALID, "line 1: this is not a traffic profile"},
        {"weir traffic profile 11\n", STATUS_INVALID, "line 1: this is not a traffic profile"},
        {"{\"json\": 1}", STATUS_INVALID, "line 1: this is not"},
        {"weir traffic profile 1\n", STATUS_INVALID, "ends before"},
        {HEAD, STATUS_INVALID, "ends before"},
        {"weir traffic profile 1\n- a 1\n", STATUS_INVALID, "line 2: expected 'messages N bytes N'"},
        {"weir traffic profile 1\nmessages 1 bytes x\n", STATUS_INVALID, "line 2: expected 'messages"},
        {"weir traffic profile 1\nmessages 1 bytes 99999999999999999999\n", STATUS_INVALID, "line 2: expected"},
        {HEAD "-\n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- a\n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- a \n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- a 241\n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- a 1 \n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- a 1  b 1\n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- A 1\n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- 7 1\n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- \\0 1\n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- \\00 1\n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- \\41 1\n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- \\e 1", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- \xC3 1\n", STATUS_INVALID, "line 3: expected pairs"},
        {HEAD "- a 1 a 1\n", STATUS_INVALID, "given twice"},
        {HEAD "- a 1\n- a 2\n", STATUS_INVALID, "given twice"},
        {HEAD "- a 4\nb a 1\n", STATUS_INVALID, "whose beginning is not"},
        {HEAD "- a 4\na\\ a 1\n", STATUS_INVALID, "line 4: this is no run"},
        {HEAD "- a 4\na a 4\naa a 4\naaa a 4\naaaa a 4\n", STATUS_INVALID, "line 7: this is no run"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct traffic_profile *profile = NULL;
        struct error error = {0};
        assert_int_equal(traffic_profile_parse(span_text(rows[i].text), &error, &profile), rows[i].status);
        assert_null(profile);
        if (!strstr(error.text, rows[i].words)) {
            fail_msg("row %zu: '%s' does not say '%s'", i, error.text, rows[i].words);
        }
    }
}

static void test_read(void **state)
{
    (void)state;
    char *dir = temp_dir_make();
    static const char good_text[] = HEAD "# words\n\n- a 12 _ 8 \\5f 0\na a 3";
    static const char bad_text[] = HEAD "- a";
    char *good = temp_file(dir, "good", good_text, sizeof good_text - 1);
    char *bad = temp_file(dir, "bad", bad_text, sizeof bad_text - 1);
    char *missing = temp_path(dir, "missing");
    struct traffic_profile *profile = NULL;
    struct error error = {0};
    assert_int_equal(traffic_profile_read(good, &error, &profile), STATUS_OK);
    assert_int_equal(traffic_profile_messages(profile), 100);
    assert_int_equal(traffic_profile_runs(profile), 4);
    traffic_profile_free(&profile);
    assert_null(profile);
    traffic_profile_free(&profile);
    assert_int_equal(traffic_profile_read(bad, &error, &profile), STATUS_INVALID);
    assert_non_null(strstr(error.text, "bad: line 3: expected pairs"));
    assert_int_equal(traffic_profile_read(missing, &error, &profile), STATUS_NOT_FOUND);
    assert_null(profile);
    free(good);
    free(bad);
    free(missing);
    temp_dir_remove(&dir);
}

/* Text that few sent, or one over and over, leaves no trace; neither do the digits of anybody's number. */
static void test_private(void **state)
{
    char text[64];
    (void)state;
    struct traffic_count *count = new_count();
    for (int i = 0; i < 400; i++) {
        (void)snprintf(text, sizeof text, "common words %c%c", 'a' + i % 20, 'a' + i / 20);
        add(count, text);
        add(count, "zyzzyva zyzzyva"); /* often, but always the same */
    }
    for (int i = 0; i < 19; i++) {
        (void)snprintf(text, sizeof text, "xylo%c 555-0%d", 'a' + i, i);
        add(count, text);
    }
    char *profile = written(count, TRAFFIC_PROFILE_MESSAGES_MIN);
    for (const char *line = profile; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (*line == '#' || strncmp(line, "weir", 4) == 0 || strncmp(line, "messages", 8) == 0) {
            continue;
        }
        for (const char *at = line; *at && *at != '\n'; at++) {
            assert_false(*at == 'z' && at[1] == 'y');
            assert_false(*at == 'x' && at[1] == 'y');
            assert_false(*at == '5' && at[1] == '5');
        }
        assert_false(strncmp(line, "x ", 2) == 0 || strncmp(line, "zz", 2) == 0);
    }
    assert_non_null(strstr(profile, "\ncom m "));
    assert_null(strstr(profile, "0-"));
    free(profile);
    profile = written(count, 1);
    assert_non_null(strstr(profile, "\nzyz z "));
    assert_non_null(strstr(profile, "\n000 \\2d "));
    assert_null(strstr(profile, "55"));
    free(profile);
    traffic_count_free(&count);
}

static void test_nothing_common(void **state)
{
    (void)state;
    struct traffic_count *count = new_count();
    struct buffer out = BUFFER_INIT(TEXT_MAX);
    assert_int_equal(traffic_count_write(count, 20, &out), STATUS_NOT_FOUND);
    add(count, "");
    add(count, "a");
    assert_int_equal(traffic_count_messages(count), 2);
    assert_int_equal(traffic_count_write(count, 20, &out), STATUS_NOT_FOUND);
    assert_int_equal(out.size, 0);
    out.size_max = 16;
    assert_int_equal(traffic_count_write(count, 1, &out), STATUS_LIMIT);
    assert_int_equal(out.size, 0);
    buffer_free(&out);
    traffic_count_free(&count);
}

/* Counting the same again gives the same file; long messages count in part. */
static void test_counts(void **state)
{
    (void)state;
    struct traffic_count *count = new_count();
    size_t size = 3 * TRAFFIC_COUNT_MESSAGE_MAX;
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, 'q', size);
    text[size] = '\0';
    add(count, text);
    memset(text, 'w', TRAFFIC_COUNT_MESSAGE_MAX);
    text[TRAFFIC_COUNT_MESSAGE_MAX] = '\0';
    add(count, text);
    add(count, "\xFF\xFE bad \x01 bytes \xEF\xBC\xA1");
    char *first = written(count, 1), *second = written(count, 1);
    assert_string_equal(first, second);
    struct traffic_profile *profile = parsed(first);
    assert_true(fabs(rate(profile, "q") / rate(profile, "w") - 1) < 0.01);
    assert_true(rate(profile, "\xEF\xBF\xBD") > 1e-5);
    traffic_profile_free(&profile);
    free(first);
    free(second);
    free(text);
    traffic_count_free(&count);
}

/* What follows a string adds up to the string itself, whether the profile knows it or not. */
static void test_rates_add_up(void **state)
{
    static const char *const strings[] = {"t", "th", "the", "q", "qz", "zqx", "in the", "e ", "?!", "w"};
    (void)state;
    assert_true(fabs(rate(NULL, "") - 1) < 1e-9);
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        double sum = 0;
        for (int c = 1; c < 0x80; c++) {
            char longer[16];
            bool digit = c >= '0' && c <= '9';
            if (traffic_profile_symbol((uint8_t)c) != c && !digit) {
                continue;
            }
            (void)snprintf(longer, sizeof longer, "%s%c", strings[i], c);
            sum += rate(NULL, longer);
        }
        double whole = rate(NULL, strings[i]);
        if (sum < whole * 0.9 || sum > whole * 1.02) {
            fail_msg("'%s': %g, and with one more byte %g", strings[i], whole, sum);
        }
    }
}

static void test_default(void **state)
{
    static const struct {
        const char *rarer, *commoner;
    } rows[] = {
        {"zyzzyva", "there"},
        {"qqqq", "have"},
        {"gift card", "thanks"},
        {"xthe", " the"},
        {"the zebra", "the day"},
        {"bitcoin wallet", "what"},
        {"2019", "2"},
        {"\xD1\x81\xD0\xBB\xD0\xBE", "slo"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rate(NULL, rows[i].rarer) >= rate(NULL, rows[i].commoner)) {
            fail_msg("'%s' %g, '%s' %g", rows[i].rarer, rate(NULL, rows[i].rarer), rows[i].commoner,
                     rate(NULL, rows[i].commoner));
        }
    }
    assert_true(rate(NULL, " the ") > 1e-3);
    /* A Russian word: its first letter is rare here; the others are no rarer than letters are. */
    double word = rate(NULL, "\xD1\x81\xD0\xBB\xD0\xBE\xD0\xB2\xD0\xBE");
    assert_true(word > 1e-16 && word < 1e-8);
    assert_true(rate(NULL, "\xE5\xA5\xBD") > 1e-9);
    assert_true(traffic_profile_messages(traffic_profile_default()) > 100000);
    assert_ptr_equal(traffic_profile_default(), traffic_profile_default());
}

/* Where no profile is given the one in use is meant. */
static void test_use(void **state)
{
    (void)state;
    double built_in = rate(NULL, "the");
    struct traffic_profile *profile = parsed(HEAD "- q 30 t 1\n");
    double own = rate(profile, "the");
    traffic_profile_use(profile);
    assert_true(rate(NULL, "the") <= own && rate(NULL, "the") >= own);
    assert_true(own < built_in / 10);
    assert_true(rate(traffic_profile_default(), "the") >= built_in);
    traffic_profile_use(NULL);
    assert_true(rate(NULL, "the") >= built_in);
}

/* What the planner had before: letters as if none knew of its neighbours. */
static double product_of_letters(struct span string)
{
    static const uint8_t letters[26] = {65, 13, 22, 32, 100, 18, 17, 48, 57, 2,  8, 34, 21,
                                        56, 62, 15, 1,  46,  52, 75, 25, 8,  19, 2, 19, 1};
    double product = 1;
    for (size_t i = 0; i < string.size; i++) {
        uint8_t c = string.data[i];
        product *= c >= 'a' && c <= 'z'                ? letters[c - 'a'] / 1e3
                   : c == ' '                          ? 0.16
                   : c == '.' || c == ','              ? 0.012
                   : c == '\'' || c == '!' || c == '?' ? 0.006
                   : (c >= '0' && c <= '9')            ? 0.004
                   : c >= 0x80                         ? 0.05
                                                       : 0.002;
    }
    return pow(product, 0.75);
}

#define LITERALS_MAX 3000u

struct literal {
    char text[REGEX_LITERAL_SIZE_MAX + 1];
    double truth, product, own, built_in;
};

struct held_out {
    struct buffer text;
    struct literal literals[LITERALS_MAX];
    uint32_t count, seen;
    uint32_t line;
};

static void add_literals(struct held_out *run, struct arena *arena, const char *pattern)
{
    struct regex_node *root = NULL;
    struct regex_literals found = {0};
    arena_reset(arena);
    if (regex_tree_parse(span_text(pattern), arena, &root) != STATUS_OK ||
        regex_fit(root, VIEW_FOLDED, arena) != STATUS_OK ||
        regex_literals_find(root, VIEW_FOLDED, NULL, REGEX_LITERALS_ANY_COST, arena, &found) != STATUS_OK) {
        return;
    }
    for (uint32_t i = 0; i < found.count && i < 2 && run->count < LITERALS_MAX; i++) {
        struct literal *literal = &run->literals[run->count++];
        memset(literal, 0, sizeof *literal);
        memcpy(literal->text, found.items[i].text.data, found.items[i].text.size);
        for (uint32_t k = 0; k + 1 < run->count; k++) {
            if (strcmp(run->literals[k].text, literal->text) == 0) {
                run->count--;
                break;
            }
        }
    }
}

static FILE *shared(const char *name)
{
    char path[4096];
    const char *folder = getenv("WEIR_SHARED_DATA");
    if (!folder) {
        return NULL;
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return fopen(path, "r");
}

/* Half of the chat is counted, the other half (as much as there is time for) is the truth. */
static bool read_halves(struct held_out *run, struct traffic_count *count)
{
    static const char *const names[] = {"messages/chat_irc.jsonl", "messages/chat_topical.jsonl"};
    char *line = NULL;
    size_t capacity = 0;
    run->text = BUFFER_INIT(64u << 20);
    for (size_t i = 0; i < 2; i++) {
        FILE *file = shared(names[i]);
        if (!file) {
            return false;
        }
        for (uint32_t number = 0; getline(&line, &capacity, file) > 0; number++) {
            json_t *object = json_loads(line, 0, NULL);
            const char *text = json_string_value(json_object_get(object, "text"));
            assert_non_null(text);
            if (number % 2 == 0) {
                add(count, text);
            } else if (number % 16 == 1) {
                assert_int_equal(view_append(VIEW_FOLDED, span_text(text), &run->text, NULL), STATUS_OK);
                assert_int_equal(buffer_append_byte(&run->text, '\n'), STATUS_OK);
            }
            json_decref(object);
        }
        (void)fclose(file);
    }
    free(line);
    return true;
}

static void read_patterns(struct held_out *run)
{
    static const char *const names[] = {"patterns/spamassassin_sandbox.tsv", "patterns/spamassassin_rules.tsv",
                                        "patterns/reddit_toxicbot.tsv", "patterns/kam_cf.tsv"};
    struct arena *arena = NULL;
    char *line = NULL;
    size_t capacity = 0;
    assert_int_equal(arena_new(1u << 16, 256u << 20, &arena), STATUS_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        FILE *file = shared(names[i]);
        assert_non_null(file);
        for (ssize_t size; (size = getline(&line, &capacity, file)) > 0;) {
            char *pattern = strrchr(line, '\t');
            line[size - 1] = '\0';
            if (pattern && run->count < (i + 1) * LITERALS_MAX / 4) {
                add_literals(run, arena, pattern + 1);
            }
        }
        (void)fclose(file);
    }
    free(line);
    arena_free(&arena);
}

static double occurrences(struct span text, const char *string)
{
    double count = 0;
    size_t size = strlen(string);
    for (const uint8_t *at = text.data, *end = at + text.size; (at = memmem(at, (size_t)(end - at), string, size));
         at++) {
        count++;
    }
    return count;
}

static size_t rank_field;
static double field_of(const char *literal)
{
    double value;
    memcpy(&value, literal + rank_field, sizeof value);
    return value;
}

static int compare_field(const void *a, const void *b)
{
    double x = field_of(*(const char *const *)a), y = field_of(*(const char *const *)b);
    return (x > y) - (x < y);
}

/* The ranks of a field, equal values sharing theirs. */
static void rank(struct literal *literals, uint32_t count, size_t field, double *ret_ranks)
{
    const char **order = calloc(count, sizeof *order);
    assert_non_null(order);
    for (uint32_t i = 0; i < count; i++) {
        order[i] = (const char *)&literals[i];
    }
    rank_field = field;
    qsort(order, count, sizeof *order, compare_field);
    for (uint32_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && compare_field(&order[i], &order[next]) == 0;) {
            next++;
        }
        for (uint32_t k = i; k < next; k++) {
            ret_ranks[(size_t)(order[k] - (const char *)literals) / sizeof *literals] = (i + next - 1) / 2.0;
        }
    }
    free(order);
}

/* Spearman's: how well the order of one field is that of the other. */
static double rank_correlation(struct literal *literals, uint32_t count, size_t field)
{
    static double a[LITERALS_MAX], b[LITERALS_MAX];
    double mean = (count - 1) / 2.0, both = 0, squares_a = 0, squares_b = 0;
    rank(literals, count, offsetof(struct literal, truth), a);
    rank(literals, count, field, b);
    for (uint32_t i = 0; i < count; i++) {
        both += (a[i] - mean) * (b[i] - mean);
        squares_a += (a[i] - mean) * (a[i] - mean);
        squares_b += (b[i] - mean) * (b[i] - mean);
    }
    return both / sqrt(squares_a * squares_b);
}

/* The order of the required literals of real patterns by how often they occur in chat that no profile was made of. */
static void test_held_out(void **state)
{
    (void)state;
    struct held_out *run = calloc(1, sizeof *run);
    struct traffic_count *count = new_count();
    assert_non_null(run);
    if (!read_halves(run, count)) {
        free(run);
        traffic_count_free(&count);
        skip();
    }
    char *text = written(count, TRAFFIC_PROFILE_MESSAGES_MIN);
    struct traffic_profile *profile = parsed(text);
    read_patterns(run);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        struct literal *literal = &run->literals[i];
        literal->truth = occurrences(buffer_span(&run->text), literal->text);
        literal->product = product_of_letters(span_text(literal->text));
        literal->own = rate(profile, literal->text);
        literal->built_in = rate(NULL, literal->text);
    }
    for (uint32_t i = 0; i < run->count; i++) { /* those that occur at all come first */
        if (run->literals[i].truth > 0) {
            struct literal swapped = run->literals[seen];
            run->literals[seen++] = run->literals[i];
            run->literals[i] = swapped;
        }
    }
    static const struct {
        const char *name;
        size_t field;
    } fields[] = {{"product of letters", offsetof(struct literal, product)},
                  {"profile of the other half", offsetof(struct literal, own)},
                  {"built-in profile", offsetof(struct literal, built_in)}};
    double all[3], occurring[3];
    for (int i = 0; i < 3; i++) {
        all[i] = rank_correlation(run->literals, run->count, fields[i].field);
        occurring[i] = rank_correlation(run->literals, seen, fields[i].field);
        printf("%-26s rank correlation with what occurs: %.3f of all %u literals, %.3f of the %u that occur\n",
               fields[i].name, all[i], run->count, occurring[i], seen);
    }
    assert_true(run->count > 1000 && seen > 200);
    assert_true(all[1] > all[0] + 0.05 && all[2] > all[0] + 0.05); /* most never occur, and so have no order */
    assert_true(occurring[1] > occurring[0] + 0.3 && occurring[1] > 0.7);
    traffic_profile_free(&profile);
    traffic_count_free(&count);
    buffer_free(&run->text);
    free(text);
    free(run);
}

/* From any byte on, and byte by byte: to the last bit the same. */
static void test_rate_goes_on(void **state)
{
    (void)state;
    static const char *const strings[] = {
        "",
        "a",
        "the",
        "free gift card",
        "xq7zz 2024",
        "k\xc3\xb6nig der l\xc3\xb6wen",
        "\xd0\xbf\xd1\x80\xd0\xb8",
        "\x01\x7f\xff",
    };
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
        struct span text = span_text(strings[i]);
        double whole = traffic_profile_rate(NULL, text), step = 1;
        for (size_t rated = 0; rated <= text.size; rated++) {
            double start = traffic_profile_rate(NULL, span_of(text.data, rated));
            assert_true(traffic_profile_rate_on(NULL, text, rated, start) == whole);
            step = rated ? traffic_profile_rate_on(NULL, span_of(text.data, rated), rated - 1, step) : step;
            assert_true(step == start);
        }
    }
    const double *rates = traffic_profile_byte_rates(NULL);
    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        assert_true(rates[i] == traffic_profile_rate(NULL, span_of(&byte, 1)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_read),   cmocka_unit_test(test_private),
        cmocka_unit_test(test_nothing_common), cmocka_unit_test(test_counts), cmocka_unit_test(test_rates_add_up),
        cmocka_unit_test(test_default),        cmocka_unit_test(test_use),    cmocka_unit_test(test_held_out),
        cmocka_unit_test(test_rate_goes_on),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
