/* if, ifplugin, else and endif of SpamAssassin's files. */
#include <stdlib.h>
#include <string.h>

#include "import/import_lines.h"
#include "import/import_spamassassin.h"

/* As which SpamAssassin the import reads the files: one with all plugins. */
#define VERSION 4.000002
#define PERL_VERSION 5.036
#define DEPTH_MAX 32

/* `if (version >= 3.004 && can(...))`: read from left to right, false where it says something that nobody can know. */
struct question {
    struct span rest;
    unsigned depth;
    bool broken;
};

static bool ask_any(struct question *question);

static bool take(struct question *question, const char *sign)
{
    question->rest = import_trim(question->rest);
    if (!import_span_begins(question->rest, sign)) {
        return false;
    }
    size_t size = strlen(sign);
    question->rest = span_of(question->rest.data + size, question->rest.size - size);
    return true;
}

static struct span take_word(struct question *question)
{
    size_t size = 0;
    question->rest = import_trim(question->rest);
    while (size < question->rest.size) {
        uint8_t c = question->rest.data[size] | 0x20u;
        bool word = (c >= 'a' && c <= 'z') || (question->rest.data[size] >= '0' && question->rest.data[size] <= '9') ||
                    (question->rest.data[size] != 0 && strchr("_.:", question->rest.data[size]));
        if (!word) {
            break;
        }
        size++;
    }
    struct span word = span_of(question->rest.data, size);
    question->rest = span_of(word.data + size, question->rest.size - size);
    return word;
}

static bool number_of(struct span word, double *ret_number)
{
    char text[32];
    char *end = NULL;
    if (word.size == 0 || word.size >= sizeof text) {
        return false;
    }
    memcpy(text, word.data, word.size);
    text[word.size] = '\0';
    *ret_number = import_span_is(word, "version")        ? VERSION
                  : import_span_is(word, "perl_version") ? PERL_VERSION
                                                         : strtod(text, &end);
    return !end || (end != text && *end == '\0');
}

static bool compare(struct question *question, double left)
{
    static const char *const signs[] = {">=", "<=", "==", "!=", ">", "<"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        double right = 0;
        if (!take(question, signs[i])) {
            continue;
        }
        question->broken |= !number_of(take_word(question), &right);
        bool equal = left >= right && left <= right;
        switch (i) {
        case 0:
            return left >= right;
        case 1:
            return left <= right;
        case 2:
            return equal;
        case 3:
            return !equal;
        case 4:
            return left > right;
        default:
            return left < right;
        }
    }
    return left > 0 || left < 0;
}

static bool ask_one(struct question *question)
{
    double number = 0;
    if (++question->depth > DEPTH_MAX) {
        question->broken = true;
        return false;
    }
    if (take(question, "!") || take(question, "not ")) {
        return !ask_one(question);
    }
    if (take(question, "(")) {
        bool holds = ask_any(question);
        question->broken |= !take(question, ")");
        return holds;
    }
    struct span word = take_word(question);
    if (number_of(word, &number)) {
        return compare(question, number);
    }
    bool known = import_span_is(word, "plugin") || import_span_is(word, "can") || import_span_is(word, "has");
    if (known && take(question, "(")) {
        (void)take_word(question);
        question->broken |= !take(question, ")");
        return true; /* a SpamAssassin that can do everything */
    }
    question->broken = true;
    return false;
}

static bool ask_all(struct question *question)
{
    bool holds = ask_one(question);
    while (!question->broken && (take(question, "&&") || take(question, "and "))) {
        bool also = ask_one(question);
        holds = holds && also;
    }
    return holds;
}

static bool ask_any(struct question *question)
{
    bool holds = ask_all(question);
    while (!question->broken && (take(question, "||") || take(question, "or "))) {
        bool also = ask_all(question);
        holds = holds || also;
    }
    return holds;
}

static void open_block(struct import *import, bool plugin, struct span condition, uint32_t line)
{
    struct import_spamassassin *state = import->spamassassin;
    bool outer = state->depth == 0 || state->blocks[state->depth - 1].taken;
    bool taken = true;
    if (state->depth == IMPORT_SPAMASSASSIN_BLOCKS_MAX) {
        import_note(import, FINDING_ERROR, "syntax", line, NULL, "more than %d blocks inside each other",
                    IMPORT_SPAMASSASSIN_BLOCKS_MAX);
        return;
    }
    if (!plugin) {
        struct question question = {.rest = condition};
        taken = ask_any(&question);
        if (question.broken || import_trim(question.rest).size > 0) {
            import_note(import, FINDING_HINT, "setting", line, NULL,
                        "'if %s' cannot be read; what stands below it is taken", import_quote(import, condition));
            taken = true;
        }
    }
    state->blocks[state->depth++] =
        (struct import_spamassassin_block){.taken = outer && taken, .outer = outer, .line = line};
}

/* The lines that were stepped over since the `if` or the `else`. */
static void tell_skipped(struct import *import, struct import_spamassassin_block *block)
{
    if (block->skipped > 0 && block->outer) {
        import_note(import, FINDING_HINT, "setting", block->line, NULL,
                    "left out: the %u line%s of this block that SpamAssassin 4 with all its plugins would not read",
                    block->skipped, block->skipped == 1 ? "" : "s");
    }
    block->skipped = 0;
}

bool import_spamassassin_block(struct import *import, struct span key, struct span rest, uint32_t line)
{
    struct import_spamassassin *state = import->spamassassin;
    bool ends = import_span_is(key, "endif"), turns = import_span_is(key, "else");
    bool plugin = import_span_is(key, "ifplugin");
    if (plugin || import_span_is(key, "if") || import_span_begins(key, "if(")) {
        if (!plugin && key.size > 2) { /* if(version >= 3) */
            rest = span_of(key.data + 2, (size_t)(rest.data + rest.size - key.data) - 2);
        }
        open_block(import, plugin, rest, line);
        return true;
    }
    if (!ends && !turns) {
        return false;
    }
    if (state->depth == 0) {
        import_note(import, FINDING_ERROR, "syntax", line, NULL, "%s without if", ends ? "endif" : "else");
        return true;
    }
    struct import_spamassassin_block *block = &state->blocks[state->depth - 1];
    tell_skipped(import, block);
    if (ends) {
        state->depth--;
    } else {
        block->taken = block->outer && !block->taken;
    }
    return true;
}

bool import_spamassassin_skips(struct import_spamassassin *state)
{
    if (state->depth == 0 || state->blocks[state->depth - 1].taken) {
        return false;
    }
    /* Told where the outermost block that is left out ends. */
    for (uint32_t i = 0; i < state->depth; i++) {
        state->blocks[i].skipped += !state->blocks[i].taken && state->blocks[i].outer;
    }
    return true;
}

void import_spamassassin_end_blocks(struct import *import)
{
    struct import_spamassassin *state = import->spamassassin;
    while (state && state->depth > 0) {
        struct import_spamassassin_block *block = &state->blocks[--state->depth];
        tell_skipped(import, block);
        import_note(import, FINDING_ERROR, "syntax", block->line, "add endif", "this block never ends");
    }
}
