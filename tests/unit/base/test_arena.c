#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#include "tests/support/cmocka_all.h"

static void test_alignment_and_copies(void **state)
{
    struct arena *arena = NULL;

    (void)state;
    assert_int_equal(arena_new(64, 1 << 20, &arena), STATUS_OK);
    assert_int_equal(arena_size(arena), 0);
    for (size_t size = 0; size < 200; size++) {
        unsigned char *data = arena_allocate(arena, size);
        assert_non_null(data);
        assert_int_equal((uintptr_t)data % _Alignof(max_align_t), 0);
        memset(data, 0xaa, size);
    }
    int64_t *numbers = arena_array(arena, 100, sizeof *numbers);
    assert_non_null(numbers);
    for (int i = 0; i < 100; i++)
        assert_int_equal(numbers[i], 0);
    assert_string_equal(arena_copy(arena, span_text("words")), "words");
    assert_string_equal(arena_copy(arena, span_of(NULL, 0)), "");
    assert_memory_equal(arena_copy(arena, span_of("a\0b", 3)), "a\0b", 4);
    assert_string_equal(arena_print(arena, "%d-%s", 7, "x"), "7-x");
    assert_ptr_not_equal(arena_allocate(arena, 0), arena_allocate(arena, 0));
    arena_free(&arena);
    assert_null(arena);
    arena_free(&arena);
}

static void test_limits(void **state)
{
    struct arena *arena = NULL;

    (void)state;
    assert_int_equal(arena_new(100, 1000, &arena), STATUS_OK);
    static const size_t too_much[] = {1001, SIZE_MAX, SIZE_MAX - 16, SIZE_MAX / 2};
    for (size_t i = 0; i < sizeof too_much / sizeof *too_much; i++)
        assert_null(arena_allocate(arena, too_much[i]));
    assert_null(arena_array(arena, SIZE_MAX / 2, 3));
    assert_null(arena_array(arena, SIZE_MAX, SIZE_MAX));
    assert_null(arena_copy(arena, span_of("", SIZE_MAX)));
    assert_null(arena_print(arena, "%2000d", 1));
    assert_int_equal(arena_size(arena), 0);

    /* The last chunk is cut to what is left. */
    assert_non_null(arena_allocate(arena, 960));
    assert_non_null(arena_allocate(arena, 40));
    assert_int_equal(arena_size(arena), 1000);
    assert_null(arena_allocate(arena, 1));
    arena_free(&arena);

    assert_int_equal(arena_new(0, 0, &arena), STATUS_OK);
    assert_null(arena_allocate(arena, 0));
    arena_reset(arena);
    arena_free(&arena);
}

static void test_overflow_with_no_limit(void **state)
{
    struct arena *arena = NULL;

    (void)state;
    assert_int_equal(arena_new(SIZE_MAX, SIZE_MAX, &arena), STATUS_OK);
    assert_null(arena_allocate(arena, 1)); /* no chunk of that size can be had, nor its header added to it */
    arena_free(&arena);
    assert_int_equal(arena_new(64, SIZE_MAX, &arena), STATUS_OK);
    assert_non_null(arena_allocate(arena, 8));
    assert_null(arena_allocate(arena, SIZE_MAX));
    assert_null(arena_allocate(arena, SIZE_MAX - 8));
    assert_non_null(arena_allocate(arena, 8));
    arena_free(&arena);
}

static void test_reset_keeps_and_reuses(void **state)
{
    struct arena *arena = NULL;

    (void)state;
    assert_int_equal(arena_new(100, 1000, &arena), STATUS_OK);
    unsigned char *first = arena_allocate(arena, 90);
    assert_non_null(first);
    assert_non_null(arena_allocate(arena, 300));
    assert_non_null(arena_allocate(arena, 90));
    size_t size = arena_size(arena);
    for (int round = 0; round < 5; round++) {
        arena_reset(arena);
        assert_int_equal(arena_size(arena), size);
        assert_ptr_equal(arena_allocate(arena, 90), first);
        assert_non_null(arena_allocate(arena, 90));
        assert_non_null(arena_allocate(arena, 300)); /* the kept chunk of that size, though it is not the next */
        assert_int_equal(arena_size(arena), size);
    }

    /* Chunks that were kept but are too small do not stand in the way of a large one. */
    arena_reset(arena);
    assert_non_null(arena_allocate(arena, 1));
    assert_non_null(arena_allocate(arena, 900));
    assert_true(arena_size(arena) <= 1000);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alignment_and_copies),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_overflow_with_no_limit),
        cmocka_unit_test(test_reset_keeps_and_reuses),
    };
    return cmocka_run_group_tests_name("base/arena", tests, NULL, NULL);
}
