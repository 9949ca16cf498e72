/*
 * Faults planted into Weir, to see that the fuzzer finds them. The linker leads Weir's own calls of some functions through
 * scan_plant.c (-Wl,--wrap); nothing of Weir is changed, and without a planted fault each call goes straight on.
 */
#ifndef TESTS_FUZZ_SCAN_PLANT_H
#define TESTS_FUZZ_SCAN_PLANT_H

#include <stdbool.h>
#include <stdint.h>

enum plant {
    PLANT_NONE,
    PLANT_GATE,     /* one pattern too few is searched for */
    PLANT_EDGE,     /* an underscore does not join words */
    PLANT_DOMAIN,   /* a hyphen ends a domain */
    PLANT_COUNT,    /* "n of" asks for one too few */
    PLANT_CASELESS, /* the search sees capital letters */
    PLANT_LIMIT,    /* a match limit passes for "does not match" */
    PLANT_ENGINE,   /* the engine misses a match now and then */
    PLANT_BORDER,   /* the end of the last message of a batch is not searched */
    PLANT_SPAN,     /* a long span ends too late */
    PLANT_PHRASE,   /* a hyphen hides what stands behind it */
    PLANTS,
};
extern const char *const plant_names[PLANTS];

/* The fault that is planted, and whether it is Weir's turn: the oracle calls some of the same functions. */
extern enum plant plant_kind;
extern bool plant_armed;

#endif
