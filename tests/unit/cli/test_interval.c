#include "tests/support/cmocka_all.h"

#include <math.h>

#include "cli/interval.c" // NOLINT(bugprone-suspicious-include)

/* Against the roots of (p - share)^2 = z^2 share (1 - share) / n, which is where the interval comes from. */
static double root(double p, double n, int sign)
{
    const double z2 = 1.959963984540054 * 1.959963984540054;
    double a = 1 + z2 / n, b = -(2 * p + z2 / n), c = p * p;
    return (-b + sign * sqrt(b * b - 4 * a * c)) / (2 * a);
}

static void test_known_values(void **state)
{
    (void)state;
    static const struct {
        uint64_t yes, count;
        double low, high;
    } cases[] = {
        {0, 0, 0, 1},
        {0, 10, 0, 0.2775},
        {10, 10, 0.7225, 1},
        {5, 10, 0.2366, 0.7634},
        {81, 263, 0.2553, 0.3662},
        {1, 1, 0.2065, 1},
        {950, 1000, 0.9347, 0.9619},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct interval interval = interval_wilson(cases[i].yes, cases[i].count);
        if (fabs(interval.low - cases[i].low) > 0.00006 || fabs(interval.high - cases[i].high) > 0.00006) {
            fail_msg("%zu: %.5f to %.5f", i, interval.low, interval.high);
        }
    }
}

static void test_all_small_ones(void **state)
{
    (void)state;
    for (uint64_t count = 1; count < 200; count++) {
        for (uint64_t yes = 0; yes <= count; yes++) {
            double p = (double)yes / (double)count;
            struct interval interval = interval_wilson(yes, count);
            assert_true(fabs(interval.low - root(p, (double)count, -1)) < 1e-9);
            assert_true(fabs(interval.high - root(p, (double)count, 1)) < 1e-9);
            assert_true(interval.low <= p && p <= interval.high);
            assert_true(interval.low >= 0 && interval.high <= 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_all_small_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
