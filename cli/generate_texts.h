/*
 * The texts that cli/generate.c fills in. Slots: {name} the other person, {day} {time} {place} {food} {thing} {number}.
 * A slot has one value through a whole conversation, so that its lines fit together.
 */
#ifndef CLI_GENERATE_TEXTS_H
#define CLI_GENERATE_TEXTS_H

#include <stdint.h>

#define GENERATE_SCENE_LINES_MAX 6

enum generate_slot { SLOT_NAME, SLOT_DAY, SLOT_TIME, SLOT_PLACE, SLOT_FOOD, SLOT_THING, SLOT_NUMBER };
#define GENERATE_SLOT_COUNT 7
extern const char *const generate_slot_names[GENERATE_SLOT_COUNT];

/* A piece of everyday talk: lines by turns. Ends with NULL. */
struct generate_scene {
    const char *lines[GENERATE_SCENE_LINES_MAX + 1];
};

struct generate_language {
    const char *locale;
    uint32_t weight;                               /* how often it is spoken, out of the sum of all */
    const char *const *slots[GENERATE_SLOT_COUNT]; /* lists that end with NULL; SLOT_NUMBER may be NULL: digits */
    const struct generate_scene *scenes;
    uint32_t scene_count;
};

extern const struct generate_language generate_languages[];
extern const uint32_t generate_language_count;

#define GENERATE_HARM_LINES_MAX 3

/* Harm: lines of one sender in a row. The theme is the name of the starter pack that deals with it. */
struct generate_harm {
    const char *theme;
    const char *locale;
    const char *lines[GENERATE_HARM_LINES_MAX + 1]; /* ends with NULL */
};

extern const struct generate_harm generate_harms[];
extern const uint32_t generate_harm_count;

#endif
