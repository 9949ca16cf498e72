/* cli/json_reader.h: takes exactly what jansson takes, and reads the same from it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "cli/json_reader.c" // NOLINT(bugprone-suspicious-include): the program's own files are no library

static json_t *tree_of(struct json_reader *reader);

static json_t *array_of(struct json_reader *reader)
{
    json_t *array = json_array();
    bool more = true;
    json_reader_enter(reader);
    for (bool first = true; more; first = false) {
        if (!json_reader_next(reader, first, &more, NULL)) {
            json_decref(array);
            return NULL;
        }
        if (more && json_array_append_new(array, tree_of(reader)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *object_of(struct json_reader *reader)
{
    json_t *object = json_object();
    bool more = true;
    json_reader_enter(reader);
    for (bool first = true; more; first = false) {
        struct span name = {0};
        if (!json_reader_next(reader, first, &more, &name)) {
            json_decref(object);
            return NULL;
        }
        char key[4096];
        assert_true(name.size < sizeof key);
        if (name.size > 0) {
            memcpy(key, name.data, name.size);
        }
        key[name.size] = '\0';
        if (more && json_object_set_new(object, key, tree_of(reader)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* What jansson would have made of it; NULL if the reader does not take it. */
static json_t *tree_of(struct json_reader *reader)
{
    struct json_reader_value value;
    char number[512] = "";
    if (!json_reader_value(reader, &value)) {
        return NULL;
    }
    switch (value.kind) {
    case JSON_READER_NULL:
        return json_null();
    case JSON_READER_FALSE:
        return json_false();
    case JSON_READER_TRUE:
        return json_true();
    case JSON_READER_WHOLE:
        return json_integer(value.whole);
    case JSON_READER_FRACTION:
        assert_true(value.text.size < sizeof number);
        memcpy(number, value.text.data, value.text.size);
        return json_real(isinf(strtod(number, NULL)) ? 0 : strtod(number, NULL));
    case JSON_READER_TEXT:
        return json_stringn((const char *)value.text.data, value.text.size);
    case JSON_READER_ARRAY:
        return array_of(reader);
    default:
        return object_of(reader);
    }
}

/* Returns whether it is JSON. The bytes lie at the end of their memory, so that a sanitizer sees a step beyond it. */
static bool compare(const char *json, size_t size)
{
    json_error_t error = {0};
    uint8_t *bytes = malloc(size ? size : 1);
    assert_non_null(bytes);
    memcpy(bytes, json, size);
    struct json_reader reader;
    json_t *theirs = json_loadb(json, size, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    json_reader_start(&reader, bytes, size);
    json_t *ours = tree_of(&reader);
    if (ours && !json_reader_end(&reader)) {
        json_decref(ours);
        ours = NULL;
    }
    bool same = (theirs == NULL && ours == NULL) || (theirs && ours && json_equal(theirs, ours));
    /* A fraction is not read as a number here, and a name with a NUL is one like any other. */
    same = same || strstr(error.text, "real number overflow") || strstr(error.text, "NUL byte in object key");
    if (!same) {
        fail_msg("jansson %s, we %s: %.*s", theirs ? "takes it" : error.text, ours ? "take it" : "do not", (int)size,
                 json);
    }
    bool is_json = ours != NULL;
    json_decref(theirs);
    json_decref(ours);

    /* Passing over it comes to the same as reading it. */
    struct json_reader_value value;
    memcpy(bytes, json, size);
    json_reader_start(&reader, bytes, size);
    bool skipped = json_reader_value(&reader, &value);
    if (skipped && (value.kind == JSON_READER_ARRAY || value.kind == JSON_READER_OBJECT)) {
        skipped = json_reader_skip(&reader);
    }
    if ((skipped && json_reader_end(&reader)) != is_json) {
        fail_msg("passed over %d, read %d: %.*s", skipped, is_json, (int)size, json);
    }
    free(bytes);
    return is_json;
}

static const char *const sound[] = {
    "{}",
    "[]",
    " { } ",
    "[ ]",
    "\"\"",
    "0",
    "-0",
    "12",
    "-12",
    "1.5",
    "-0.0",
    "1e5",
    "1E+5",
    "1.25e-3",
    "true",
    "false",
    "null",
    "9223372036854775807",
    "-9223372036854775808",
    "{\"a\":1}",
    "{\"a\" : 1 , \"b\" : [1,2,{\"c\":null}]}\r\n",
    "[[[[[]]]],{\"\":{}}]",
    "\"plain text that is longer than eight bytes\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\u0000\"",
    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
    "\"12345678\xc3\xa9\x31\x32\x33\x34\x35\x36\x37\x38\\n12345678\"", /* in hex: or 1 would belong to \xa9 */
    "{\"a\":1,\"a\":2}",
    "\"\x7f\"",
    "[1,\"two\",3.0,true,null,[],{}]",
    "\"1234567\\\"\"",
    "\"\xed\x9f\xbf\xee\x80\x80\"",
    "{\"te\\u0078t\":\"x\"}",
};

static const char *const faulty[] = {
    "",
    " ",
    "{",
    "}",
    "[",
    "]",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{a:1}",
    "{\"a\":1 \"b\":2}",
    "{1:2}",
    "01",
    "-",
    "+1",
    "1.",
    ".5",
    "1e",
    "1e+",
    "0x10",
    "- 1",
    "00",
    "-01",
    "tru",
    "nul",
    "falsee",
    "True",
    "NaN",
    "Infinity",
    "9223372036854775808",
    "-9223372036854775809",
    "1 2",
    "{} {}",
    "\"",
    "\"a",
    "\"\\",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\ud83d\"",
    "\"\\ud83d\\u0041\"",
    "\"\\ude00\"",
    "\"\\ud83dx\"",
    "\"\\ud83d\\n\"",
    "\"\n\"",
    "\"\t\"",
    "\"12345678\x01\"",
    "\"\xff\"",
    "\"\xc3\"",
    "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xe2\x82\"",
    "'a'",
    "[1}",
    "{\"a\":1]",
    "[\"a\":1]",
    "/**/1",
    "\xef\xbb\xbf{}",
};

static void test_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        if (!compare(sound[i], strlen(sound[i]))) {
            fail_msg("not taken: %s", sound[i]);
        }
    }
}

static void test_faulty(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faulty / sizeof *faulty; i++) {
        if (compare(faulty[i], strlen(faulty[i]))) {
            fail_msg("taken: %s", faulty[i]);
        }
    }
}

/* Every beginning of something sound, with nothing readable behind it. */
static void test_cut_short(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++) {
        for (size_t size = 0; size < strlen(sound[i]); size++) {
            (void)compare(sound[i], size);
        }
    }
}

static void test_depth(void **state)
{
    (void)state;
    char *deep = malloc((size_t)JSON_READER_DEPTH_MAX * 2 + 3);
    assert_non_null(deep);
    for (int extra = 0; extra <= 1; extra++) {
        size_t depth = (size_t)JSON_READER_DEPTH_MAX + (size_t)extra;
        struct json_reader reader;
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        json_reader_start(&reader, (uint8_t *)deep, depth * 2);
        assert_int_equal(json_reader_skip(&reader), extra == 0);
    }
    free(deep);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Sound texts with bytes changed, dropped, doubled, and two of them spliced. */
static void test_mutations(void **state)
{
    (void)state;
    static const char spice[] = "{}[]\",:\\u0eE+-. \t\n\xc3\xa9\xf0\x9f\x98\x80tfnd8";
    uint64_t random = 0x9e3779b97f4a7c15u;
    for (int round = 0; round < 60000; round++) {
        char json[1024];
        size_t size = 0;
        for (int parts = 1 + (int)(next_random(&random) % 2); parts > 0; parts--) {
            const char *part = sound[next_random(&random) % (sizeof sound / sizeof *sound)];
            size_t from = parts > 1 ? 0 : next_random(&random) % (strlen(part) + 1) * (next_random(&random) % 2);
            memcpy(json + size, part + from, strlen(part) - from + 1);
            size += strlen(part) - from;
        }
        for (uint64_t changes = next_random(&random) % 4; changes > 0 && size > 0; changes--) {
            size_t at = next_random(&random) % size;
            switch (next_random(&random) % 3) {
            case 0:
                json[at] = spice[next_random(&random) % (sizeof spice - 1)];
                break;
            case 1:
                memmove(json + at, json + at + 1, size - at - 1);
                size--;
                break;
            default:
                memmove(json + at + 1, json + at, size - at);
                size++;
                break;
            }
        }
        (void)compare(json, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound), cmocka_unit_test(test_faulty),    cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_depth), cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
