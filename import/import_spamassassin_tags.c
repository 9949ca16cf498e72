/* replace_tag and what belongs to it: shorthands inside regexes, such as <A> for [a4@]. */
#include <string.h>

#include "base/buffer.h"
#include "import/import_lines.h"
#include "import/import_spamassassin.h"

#define PASSES_MAX 5 /* tags inside the texts of tags */
#define REGEX_SIZE_MAX ((size_t)4 * MODEL_REGEX_SIZE_MAX)

bool import_spamassassin_tag(struct import *import, struct span key, struct span rest)
{
    static const struct {
        const char *key;
        char type;
    } types[] = {{"replace_tag", 't'}, {"replace_pre", 'p'}, {"replace_post", 'o'}, {"replace_inter", 'i'}};
    struct import_spamassassin *state = import->spamassassin;
    if (import_span_is(key, "replace_start") || import_span_is(key, "replace_end")) {
        struct span sign = span_text(import_copy(import, rest));
        if (sign.size > 0) {
            *(import_span_is(key, "replace_start") ? &state->tag_start : &state->tag_end) = sign;
        }
        return true;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!import_span_is(key, types[i].key)) {
            continue;
        }
        struct import_spamassassin_tag *tag = arena_array(import->arena, 1, sizeof *tag);
        if (!tag) {
            import->no_memory = true;
            return true;
        }
        tag->type = types[i].type;
        tag->name = span_text(import_copy(import, import_word(&rest)));
        tag->text = span_text(import_copy(import, rest));
        tag->next = state->tags; /* the last one of a name comes first */
        state->tags = tag;
        return true;
    }
    return false;
}

static const struct import_spamassassin_tag *find_tag(const struct import_spamassassin *state, char type,
                                                      struct span name)
{
    const struct import_spamassassin_tag *tag = state->tags;
    while (tag && (tag->type != type || !span_equal(tag->name, name))) {
        tag = tag->next;
    }
    return tag;
}

static bool begins(struct span text, struct span start)
{
    return text.size >= start.size && memcmp(text.data, start.data, start.size) == 0;
}

/* <name> at the start of `text`: the name, and how many bytes it takes with its signs; 0: there is none. */
static size_t read_tag(const struct import_spamassassin *state, struct span text, struct span *ret_name)
{
    if (!begins(text, state->tag_start)) {
        return 0;
    }
    struct span rest = span_of(text.data + state->tag_start.size, text.size - state->tag_start.size);
    const uint8_t *end = memmem(rest.data, rest.size, state->tag_end.data, state->tag_end.size);
    if (!end || end == rest.data) {
        return 0;
    }
    *ret_name = span_of(rest.data, (size_t)(end - rest.data));
    return state->tag_start.size + ret_name->size + state->tag_end.size;
}

/* <pre X>, <post X> and <inter X> are about the tags of the whole regex. */
struct around {
    const struct import_spamassassin_tag *pre, *post, *inter;
};

static bool is_about(const struct import_spamassassin *state, struct span name, struct around *around)
{
    struct span argument = name;
    struct span word = import_word(&argument);
    char type = import_span_is(word, "pre")     ? 'p'
                : import_span_is(word, "post")  ? 'o'
                : import_span_is(word, "inter") ? 'i'
                                                : '\0';
    if (type == '\0' || argument.size == 0) {
        return false;
    }
    const struct import_spamassassin_tag *tag = find_tag(state, type, argument);
    *(type == 'p' ? &around->pre : type == 'o' ? &around->post : &around->inter) = tag;
    return true;
}

static enum status append_text(struct buffer *out, const struct import_spamassassin_tag *tag)
{
    return tag ? buffer_append(out, tag->text.data, tag->text.size) : STATUS_OK;
}

/* One pass over the regex. *ret_changed: there was a tag. */
static enum status replace(const struct import_spamassassin *state, struct span regex, struct buffer *out,
                           bool *ret_changed)
{
    struct around around = {0};
    struct span name;
    enum status status = STATUS_OK;
    bool after_tag = false;
    for (size_t at = 0; at < regex.size; at++) {
        if (read_tag(state, span_of(regex.data + at, regex.size - at), &name) > 0) {
            (void)is_about(state, name, &around);
        }
    }
    for (size_t at = 0; at < regex.size && status == STATUS_OK;) {
        struct around ignored;
        size_t size = read_tag(state, span_of(regex.data + at, regex.size - at), &name);
        const struct import_spamassassin_tag *tag = size > 0 ? find_tag(state, 't', name) : NULL;
        if (size > 0 && is_about(state, name, &ignored)) {
            *ret_changed = true;
        } else if (tag) {
            status = after_tag ? append_text(out, around.inter) : STATUS_OK;
            status = status == STATUS_OK ? append_text(out, around.pre) : status;
            status = status == STATUS_OK ? append_text(out, tag) : status;
            status = status == STATUS_OK ? append_text(out, around.post) : status;
            *ret_changed = after_tag = true;
        } else {
            size = 1;
            status = buffer_append_byte(out, regex.data[at]);
            after_tag = false;
        }
        at += size;
    }
    return status;
}

struct span import_spamassassin_expand(struct import *import, struct span regex)
{
    bool changed = true;
    for (unsigned pass = 0; pass < PASSES_MAX && changed && !import->no_memory; pass++) {
        struct buffer out = BUFFER_INIT(REGEX_SIZE_MAX);
        changed = false;
        enum status status = replace(import->spamassassin, regex, &out, &changed);
        import->no_memory |= status == STATUS_NO_MEMORY;
        if (status == STATUS_OK && changed) {
            regex = span_of(import_copy(import, buffer_span(&out)), out.size);
        }
        buffer_free(&out);
        changed &= status == STATUS_OK;
    }
    return regex;
}
