/*
 * A literal reading of what text/phrase.h and text/domain.h say of entries: character by character, from each place of
 * a text, with nothing that makes it fast.
 */
#ifndef TESTS_FUZZ_SCAN_ENTRY_H
#define TESTS_FUZZ_SCAN_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/span.h"
#include "rules/condition.h"
#include "text/view.h"

#define ENTRY_HEADS 256u

/* A text as one view shows it, as bytes and as characters. */
struct entry_view {
    enum view view;
    struct span text;
    struct buffer bytes;
    uint32_t *characters, *caseless, *offsets; /* offsets[count] is the size of the text */
    uint32_t *raw_offsets;                     /* VIEW_RAW: of each character in the text as sent */
    uint32_t count, capacity;
    /* Places by what the characters have in common (their case and low bits), each one's next: only to be quick. */
    uint32_t heads[ENTRY_HEADS], *next;
    struct view_map map; /* of the other views */
};

void entry_view_make(enum view view, struct span text, struct entry_view *it);
void entry_view_free(struct entry_view *it);

/* Bytes of the text as sent. */
void entry_view_span(const struct entry_view *it, uint32_t start, uint32_t end, uint32_t *ret_start, uint32_t *ret_end);

/* One entry: characters and gaps. A gap is ENTRY_GAP plus the least number of its characters. */
#define ENTRY_GAP 0x80000000u

struct entry {
    uint32_t *items;
    uint32_t count;
    bool is_domain, caseless;
    bool edge_before, edge_after;
};

void entry_phrase(struct span text, bool caseless, struct entry *ret_entry);
void entry_domain(struct span name, bool caseless, struct entry *ret_entry);
void entry_free(struct entry *entry);

/* TRUTH_UNKNOWN: there are too many ways to fill the gaps. */
enum truth entry_find(const struct entry *entry, const struct entry_view *view);

struct entry_places {
    uint32_t *starts, *ends; /* bytes of the view */
    uint32_t count, capacity;
};

/* Every place; false if there are too many of them, or of ways. */
bool entry_find_all(const struct entry *entry, const struct entry_view *view, struct entry_places *places);

#endif
