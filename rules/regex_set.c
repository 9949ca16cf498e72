#include "rules/regex_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <unicode/uset.h>

#include "rules/regex.h"

#define UNICODE_LAST 0x10FFFFu
/* The two characters beyond ASCII whose case partners are ASCII letters. */
#define LONG_S 0x17Fu
#define KELVIN_SIGN 0x212Au

void regex_set_clear(struct regex_set_builder *builder)
{
    builder->ascii[0] = builder->ascii[1] = 0;
    builder->other_any = false;
    builder->stand_ins = false;
    builder->failed = false;
    builder->other_count = 0;
}

static void add_ascii(struct regex_set_builder *builder, uint32_t character)
{
    builder->ascii[character >> 6] |= UINT64_C(1) << (character & 63);
}

static void add_other(struct regex_set_builder *builder, uint32_t character)
{
    builder->stand_ins |= character == KELVIN_SIGN || character == LONG_S;
    if (builder->other_any) {
        return;
    }
    if (builder->other_count == REGEX_SET_OTHERS_MAX) {
        builder->other_any = true;
        return;
    }
    builder->others[builder->other_count++] = character;
}

static void add_plain(struct regex_set_builder *builder, uint32_t first, uint32_t last)
{
    for (uint32_t c = first; c <= last && c < 0x80; c++) {
        add_ascii(builder, c);
    }
    if (last < 0x80) {
        return;
    }
    first = first < 0x80 ? 0x80 : first;
    if (last - first >= REGEX_SET_OTHERS_MAX) {
        builder->stand_ins |= (first <= LONG_S && last >= LONG_S) || (first <= KELVIN_SIGN && last >= KELVIN_SIGN);
        builder->other_any = true;
        return;
    }
    for (uint32_t c = first; c <= last; c++) {
        add_other(builder, c);
    }
}

static void add_ascii_partners(struct regex_set_builder *builder, uint32_t first, uint32_t last)
{
    for (uint32_t c = first; c <= last && c < 0x80; c++) {
        uint32_t lower = c | 0x20;
        if (lower >= 'a' && lower <= 'z') {
            add_ascii(builder, c ^ 0x20);
            if (lower == 's') {
                add_other(builder, LONG_S);
            } else if (lower == 'k') {
                add_other(builder, KELVIN_SIGN);
            }
        }
    }
}

/* `first` and `last` lie beyond ASCII. */
static void add_other_partners(struct regex_set_builder *builder, uint32_t first, uint32_t last)
{
    USet *set = uset_open((UChar32)first, (UChar32)last);
    if (!set) {
        builder->failed = true;
        return;
    }
    uset_closeOver(set, USET_CASE_INSENSITIVE);
    if (!uset_containsRange(set, (UChar32)first, (UChar32)last)) { /* it ran out of memory and emptied itself */
        builder->failed = true;
    }
    int32_t count = uset_getItemCount(set);
    for (int32_t i = 0; i < count; i++) {
        UChar32 start = 0, end = 0;
        UErrorCode error = U_ZERO_ERROR;
        /* Items that are strings (ss for sharp s) are no characters: PCRE2 folds one character to one. */
        if (uset_getItem(set, i, &start, &end, NULL, 0, &error) == 0) {
            add_plain(builder, (uint32_t)start, (uint32_t)end);
        }
    }
    uset_close(set);
}

void regex_set_add(struct regex_set_builder *builder, uint32_t first, uint32_t last, bool caseless)
{
    if (first > last || last > UNICODE_LAST) {
        builder->failed = true; /* PCRE2 does not take such a range */
        return;
    }
    add_plain(builder, first, last);
    if (caseless) {
        add_ascii_partners(builder, first, last);
        if (last >= 0x80) {
            add_other_partners(builder, first < 0x80 ? 0x80 : first, last);
        }
    }
}

static void add_ascii_letters(struct regex_set_builder *builder)
{
    for (uint32_t c = 'a'; c <= 'z'; c++) {
        add_ascii(builder, c);
        add_ascii(builder, c ^ 0x20);
    }
}

static void add_horizontal(struct regex_set_builder *builder)
{
    static const uint32_t others[] = {0xA0, 0x1680, 0x180E, 0x202F, 0x205F, 0x3000};
    add_ascii(builder, '\t');
    add_ascii(builder, ' ');
    add_plain(builder, 0x2000, 0x200A);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        add_other(builder, others[i]);
    }
}

static void add_vertical(struct regex_set_builder *builder)
{
    add_plain(builder, '\n', '\r');
    add_other(builder, 0x85);
    add_plain(builder, 0x2028, 0x2029);
}

/* Merges what `letter` (in lower case) or its opposite allows. */
static void add_type_into(struct regex_set_builder *builder, char letter)
{
    switch (letter) {
    case 'd':
        add_plain(builder, '0', '9');
        builder->other_any = true;
        break;
    case 'w':
        add_plain(builder, '0', '9');
        add_ascii_letters(builder);
        add_ascii(builder, '_');
        builder->other_any = builder->stand_ins = true;
        break;
    case 's': /* Xps: all separators and the white-space controls, which are those of \h and \v */
        add_horizontal(builder);
        add_vertical(builder);
        break;
    case 'h':
        add_horizontal(builder);
        break;
    default: /* v */
        add_vertical(builder);
        break;
    }
}

void regex_set_add_type(struct regex_set_builder *builder, char letter)
{
    if (letter >= 'a') {
        add_type_into(builder, letter);
        return;
    }
    uint64_t before[2] = {builder->ascii[0], builder->ascii[1]};
    bool stand_ins = builder->stand_ins;
    builder->ascii[0] = builder->ascii[1] = 0;
    if (letter == 'N') {
        add_ascii(builder, '\n');
    } else {
        add_type_into(builder, (char)(letter | 0x20));
    }
    builder->ascii[0] = before[0] | ~builder->ascii[0];
    builder->ascii[1] = before[1] | ~builder->ascii[1];
    builder->other_any = true;
    builder->stand_ins = stand_ins || letter != 'W'; /* both are letters */
}

enum posix_class {
    POSIX_ALPHA,
    POSIX_LOWER,
    POSIX_UPPER,
    POSIX_ALNUM,
    POSIX_ASCII,
    POSIX_BLANK,
    POSIX_CNTRL,
    POSIX_DIGIT,
    POSIX_GRAPH,
    POSIX_PRINT,
    POSIX_PUNCT,
    POSIX_SPACE,
    POSIX_WORD,
    POSIX_XDIGIT,
    POSIX_COUNT,
};

static const char *const posix_names[POSIX_COUNT] = {"alpha", "lower", "upper", "alnum", "ascii", "blank", "cntrl",
                                                     "digit", "graph", "print", "punct", "space", "word",  "xdigit"};

static bool posix_holds(enum posix_class class, uint32_t c)
{
    bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    bool graph = c > ' ' && c < 0x7F;
    switch (class) {
    case POSIX_ALPHA:
        return lower || upper;
    case POSIX_LOWER:
        return lower;
    case POSIX_UPPER:
        return upper;
    case POSIX_ALNUM:
        return lower || upper || digit;
    case POSIX_BLANK:
        return c == ' ' || c == '\t';
    case POSIX_CNTRL:
        return c < ' ' || c == 0x7F;
    case POSIX_DIGIT:
        return digit;
    case POSIX_GRAPH:
        return graph;
    case POSIX_PRINT:
        return graph || c == ' ';
    case POSIX_PUNCT:
        return graph && !lower && !upper && !digit;
    case POSIX_SPACE:
        return c == ' ' || (c >= '\t' && c <= '\r');
    case POSIX_WORD:
        return lower || upper || digit || c == '_';
    case POSIX_XDIGIT:
        return digit || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
    default: /* ascii */
        return true;
    }
}

bool regex_set_add_posix(struct regex_set_builder *builder, struct span name, bool negated)
{
    unsigned class = 0;
    while (class < POSIX_COUNT && !span_equal(name, span_text(posix_names[class]))) {
        class ++;
    }
    if (class == POSIX_COUNT) {
        return false;
    }
    for (uint32_t c = 0; c < 0x80; c++) {
        if (posix_holds((enum posix_class) class, c) != negated) {
            add_ascii(builder, c);
        }
    }
    builder->other_any = true; /* all but ascii and xdigit follow Unicode, and these two are rare */
    builder->stand_ins |= negated || posix_holds((enum posix_class) class, 'k');
    return true;
}

enum status regex_set_add_property(struct regex_set_builder *builder, struct span source, bool in_class, bool caseless)
{
    char text[256];
    int size = snprintf(text, sizeof text, "%s%s%.*s%s", caseless ? "(?i)" : "(?-i)", in_class ? "[" : "",
                        (int)(source.size < sizeof text ? source.size : sizeof text), (const char *)source.data,
                        in_class ? "]" : "");
    if (size < 0 || (size_t)size >= sizeof text) {
        return STATUS_UNSUPPORTED;
    }
    struct regex *regex = NULL;
    struct regex_scratch *scratch = NULL;
    enum status status = regex_compile(span_text(text), NULL, &regex);
    if (status != STATUS_OK) {
        return status == STATUS_INVALID ? STATUS_UNSUPPORTED : status;
    }
    status = regex_scratch_new(&scratch);
    for (uint32_t c = 0; status == STATUS_OK && c < 0x80; c++) {
        uint8_t byte = (uint8_t)c;
        uint32_t start, end;
        enum status found = regex_match(regex, scratch, span_of(&byte, 1), 0, &start, &end);
        if (found == STATUS_OK) {
            add_ascii(builder, c);
        } else if (found != STATUS_NOT_FOUND) {
            status = found;
        }
    }
    builder->other_any = builder->stand_ins = true;
    regex_scratch_free(&scratch);
    regex_free(&regex);
    return status;
}

/* Was this one character added, for certain? */
static bool holds_other(const struct regex_set_builder *builder, uint32_t character)
{
    for (uint32_t i = 0; i < builder->other_count; i++) {
        if (builder->others[i] == character) {
            return true;
        }
    }
    return false;
}

void regex_set_negate(struct regex_set_builder *builder)
{
    bool stand_ins = !holds_other(builder, KELVIN_SIGN) || !holds_other(builder, LONG_S);
    builder->ascii[0] = ~builder->ascii[0];
    builder->ascii[1] = ~builder->ascii[1];
    builder->other_any = true;
    builder->stand_ins = stand_ins;
}

static int compare_characters(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

enum status regex_set_finish(struct regex_set_builder *builder, struct arena *arena, struct regex_set *ret_set)
{
    if (builder->failed) {
        return STATUS_NO_MEMORY;
    }
    struct regex_set set = {.ascii = {builder->ascii[0], builder->ascii[1]},
                            .other_any = builder->other_any,
                            .other_stand_ins = builder->stand_ins};
    if (!set.other_any && builder->other_count > 0) {
        qsort(builder->others, builder->other_count, sizeof *builder->others, compare_characters);
        uint32_t count = 1;
        for (uint32_t i = 1; i < builder->other_count; i++) {
            if (builder->others[i] != builder->others[count - 1]) {
                builder->others[count++] = builder->others[i];
            }
        }
        uint32_t *others = arena_array(arena, count, sizeof *others);
        if (!others) {
            return STATUS_NO_MEMORY;
        }
        memcpy(others, builder->others, count * sizeof *others);
        set.others = others;
        set.other_count = count;
    }
    *ret_set = set;
    return STATUS_OK;
}
