#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"

/* Everything that was logged, as text; the file is emptied. */
struct fixture {
    FILE *file;
    char text[1 << 20];
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->file = tmpfile();
    assert_non_null(fixture->file);
    log_set_fd(fileno(fixture->file));
    fcntl(fileno(fixture->file), F_SETFL, O_APPEND);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    log_set_fd(2);
    log_set_level(LOG_INFO);
    fclose(fixture->file);
    free(fixture);
    return 0;
}

static const char *take(struct fixture *fixture)
{
    int fd = fileno(fixture->file);
    ssize_t size = pread(fd, fixture->text, sizeof fixture->text - 1, 0);

    assert_true(size >= 0);
    fixture->text[size] = '\0';
    assert_int_equal(ftruncate(fd, 0), 0);
    return fixture->text;
}

static json_t *take_line(struct fixture *fixture)
{
    const char *text = take(fixture);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_true(strlen(text) <= LOG_LINE_MAX);
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    return object;
}

static void test_fields(void **state)
{
    errno = EPIPE;
    log_event(LOG_WARNING, "ready", LOG_TEXT("listen", "tcp://127.0.0.1:5750"), LOG_INTEGER("workers", 4u),
              LOG_INTEGER("low", INT64_MIN), LOG_REAL("seconds", 0.25), LOG_REAL("none", NAN),
              LOG_REAL("much", INFINITY), LOG_TEXT("nothing", NULL));
    assert_int_equal(errno, EPIPE);
    const char *text = take(*state);
    assert_non_null(strstr(text,
                           "\",\"level\":\"warning\",\"event\":\"ready\",\"listen\":\"tcp://127.0.0.1:5750\","
                           "\"workers\":4,\"low\":-9223372036854775808,\"seconds\":0.25,\"none\":null,\"much\":null,"
                           "\"nothing\":null}\n"));
    assert_int_equal(strncmp(text, "{\"time\":\"20", 11), 0);
    assert_int_equal(text[33], '"'); /* after 2026-01-31T12:34:56.789Z */

    log_event(LOG_INFO, "bare");
    assert_non_null(strstr(take(*state), ",\"level\":\"info\",\"event\":\"bare\"}\n"));
}

static void test_levels(void **state)
{
    log_event(LOG_DEBUG, "dropped");
    assert_string_equal(take(*state), "");
    log_set_level(LOG_DEBUG);
    log_event(LOG_DEBUG, "kept");
    assert_non_null(strstr(take(*state), "\"level\":\"debug\""));
    log_set_level(LOG_ERROR);
    log_event(LOG_WARNING, "dropped");
    assert_string_equal(take(*state), "");
    log_event(LOG_ERROR, "kept");
    assert_non_null(strstr(take(*state), "\"level\":\"error\""));
}

static void test_hostile_text(void **state)
{
    static const struct {
        const char *given, *read;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"quote\"back\\slash", "quote\"back\\slash"},
        {"line\nend\r\t\b\f", "line\nend\r\t\b\f"},
        {"\x01\x1b[31m\x7f", "\x01\x1b[31m\x7f"},
        {"caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80"},
        {"\xe2\x80\xa8\xc2\x85", "\xe2\x80\xa8\xc2\x85"},
        {"\xff\xfe", "\\xff\\xfe"},
        {"cut \xe2\x82", "cut \\xe2\\x82"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        {"\xc0\xaf", "\\xc0\\xaf"},
        {"\"},{\"level\":\"error", "\"},{\"level\":\"error"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        log_event(LOG_INFO, cases[i].given, LOG_TEXT("text", cases[i].given));
        json_t *object = take_line(*state);
        assert_int_equal(json_object_size(object), 4);
        assert_string_equal(json_string_value(json_object_get(object, "text")), cases[i].read);
        assert_string_equal(json_string_value(json_object_get(object, "event")), cases[i].read);
        json_decref(object);
    }
}

static void test_long_lines_are_cut(void **state)
{
    static const char *const units[] = {"x", "\xf0\x9f\x98\x80", "\xff", "\x01", "\""};
    char *text = malloc(20000);
    assert_non_null(text);

    /* Every length around the limit, so that the cut falls at each place of a field. */
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t unit = strlen(units[u]);
        for (size_t count = 3000 / (unit + 4); count <= 4200; count += count > 3900 && unit == 1 ? 1 : 37) {
            for (size_t i = 0; i < count; i++)
                memcpy(text + i * unit, units[u], unit);
            text[count * unit] = '\0';
            log_event(LOG_INFO, "long", LOG_INTEGER("before", 1), LOG_TEXT("text", text), LOG_TEXT("after", text),
                      LOG_INTEGER("number", 123456789), LOG_REAL("real", 0.1));
            json_t *object = take_line(*state);
            assert_true(json_is_integer(json_object_get(object, "before")));
            bool cut = json_is_true(json_object_get(object, "cut"));
            bool whole = json_object_get(object, "real") != NULL;
            assert_true(cut || whole);
            json_decref(object);
        }
    }
    memset(text, 'e', 19999);
    text[19999] = '\0';
    log_event(LOG_INFO, text, LOG_INTEGER(text, 1), LOG_INTEGER("n", 1));
    json_t *object = take_line(*state);
    assert_true(json_is_true(json_object_get(object, "cut")));
    assert_int_equal(json_object_size(object), 4);
    json_decref(object);
    free(text);
}

enum { THREADS = 4, LINES = 500 };

static void *log_many(void *argument)
{
    for (int i = 0; i < LINES; i++)
        log_event(LOG_INFO, "line", LOG_TEXT("thread", argument), LOG_INTEGER("number", i));
    return NULL;
}

static void test_threads_do_not_mix(void **state)
{
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    int next[THREADS] = {0};
    struct fixture *fixture = *state;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, names[i]), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    take(fixture);
    char *rest = NULL;
    for (char *line = strtok_r(fixture->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *object = json_loads(line, 0, NULL);
        assert_non_null(object);
        int thread = json_string_value(json_object_get(object, "thread"))[0] - 'a';
        assert_int_equal(json_integer_value(json_object_get(object, "number")), next[thread]++);
        json_decref(object);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(next[i], LINES);
}

static void test_nowhere_to_write(void **state)
{
    (void)state;
    log_set_fd(-1);
    errno = 0;
    log_event(LOG_ERROR, "lost");
    assert_int_equal(errno, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fields, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_levels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_lines_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_threads_do_not_mix, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nowhere_to_write, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
