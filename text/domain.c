#include "text/domain.h"

#include <ctype.h>
#include <string.h>

#include <unicode/uidna.h>

#include "text/utf8.h"
#include "text/view.h"
#include "text/word.h"

#define NAME_SIZE_MAX 253
#define LABEL_SIZE_MAX 63
#define PATH_SIZE_MAX 512

/* Real names break these rules of registries ("r3---sn.example.com"), and resolve all the same. */
#define ERRORS_ALLOWED (UIDNA_ERROR_LEADING_HYPHEN | UIDNA_ERROR_TRAILING_HYPHEN | UIDNA_ERROR_HYPHEN_3_4)

static struct span skip(struct span text, size_t size)
{
    return span_of(text.data + size, text.size - size);
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* What is left of an entry without scheme, port, final slash, leading "*." and final dot. */
static struct span bare(struct span entry)
{
    while (entry.size > 0 && is_space(entry.data[0]))
        entry = skip(entry, 1);
    while (entry.size > 0 && is_space(entry.data[entry.size - 1]))
        entry.size--;
    const uint8_t *scheme = entry.size ? memmem(entry.data, entry.size, "://", 3) : NULL;
    bool letters = scheme != NULL;
    for (const uint8_t *at = entry.data; letters && at < scheme; at++)
        letters = isalnum(*at) || strchr("+-.", *at) != NULL;
    if (letters)
        entry = skip(entry, (size_t)(scheme - entry.data) + 3);
    else if (entry.size >= 2 && memcmp(entry.data, "//", 2) == 0)
        entry = skip(entry, 2);
    if (entry.size > 0 && entry.data[entry.size - 1] == '/')
        entry.size--;
    size_t digits = 0;
    while (digits < entry.size && isdigit(entry.data[entry.size - 1 - digits]))
        digits++;
    if (digits > 0 && digits <= 5 && digits < entry.size && entry.data[entry.size - 1 - digits] == ':')
        entry.size -= digits + 1;
    if (entry.size >= 2 && memcmp(entry.data, "*.", 2) == 0)
        entry = skip(entry, 2);
    else if (entry.size >= 1 && entry.data[0] == '.')
        entry = skip(entry, 1);
    if (entry.size > 0 && entry.data[entry.size - 1] == '.')
        entry.size--;
    return entry;
}

/* Is it labels of letters, digits, hyphens and underscores, at least two of them? Lower-case ASCII only. */
static bool is_name(struct span name)
{
    size_t label = 0;
    bool dot = false;
    if (name.size == 0 || name.size > NAME_SIZE_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        if (c == '.') {
            if (label == 0)
                return false;
            dot = true;
            label = 0;
            continue;
        }
        bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!allowed || ++label > LABEL_SIZE_MAX)
            return false;
    }
    return dot && label > 0;
}

/* Both ways to write an internationalised name; `letters` may come out the same as `ascii`. */
static enum status convert(struct span name, char ascii[NAME_SIZE_MAX + 1], char letters[4 * NAME_SIZE_MAX],
                           bool *ret_letters)
{
    UErrorCode error = U_ZERO_ERROR;
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UIDNA *idna = uidna_openUTS46(UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE | UIDNA_CHECK_BIDI |
                                      UIDNA_CHECK_CONTEXTJ,
                                  &error);
    if (U_FAILURE(error))
        return error == U_MEMORY_ALLOCATION_ERROR ? STATUS_NO_MEMORY : STATUS_SYSTEM;
    enum status status = STATUS_INVALID;
    int32_t size = uidna_nameToASCII_UTF8(idna, (const char *)name.data, (int32_t)name.size, ascii, NAME_SIZE_MAX + 1,
                                          &info, &error);
    /* A name of plain ASCII is what it is, also if one of its labels stands for no letters. */
    bool plain = utf8_ascii_prefix(name) == name.size;
    if (U_SUCCESS(error) && (plain || (info.errors & ~(uint32_t)ERRORS_ALLOWED) == 0) && size <= NAME_SIZE_MAX) {
        ascii[size] = '\0';
        if (plain) {
            memcpy(ascii, name.data, name.size);
            ascii[name.size] = '\0';
        }
        info = (UIDNAInfo)UIDNA_INFO_INITIALIZER;
        size = uidna_nameToUnicodeUTF8(idna, (const char *)name.data, (int32_t)name.size, letters,
                                       4 * NAME_SIZE_MAX - 1, &info, &error);
        *ret_letters = U_SUCCESS(error) && (info.errors & ~(uint32_t)ERRORS_ALLOWED) == 0;
        letters[*ret_letters ? size : 0] = '\0';
        status = STATUS_OK;
    }
    uidna_close(idna);
    return status;
}

/*
 * Would the folded view show the name as it is? If not ("pаypal.com" with a Cyrillic а, "faß.de"), the view shows
 * another's name, and that one must not be flagged for it: only the xn-- form is looked for.
 */
static enum status is_folded(struct span name, bool *ret_same)
{
    struct buffer folded = BUFFER_INIT((size_t)64 * NAME_SIZE_MAX);
    enum status status = view_append(VIEW_FOLDED, name, &folded, NULL);
    if (status == STATUS_OK)
        *ret_same = span_equal(name, buffer_span(&folded));
    buffer_free(&folded);
    return status;
}

static enum status add_form(const char *name, struct arena *arena, struct span forms[DOMAIN_FORMS_MAX], uint32_t *count)
{
    char *copy = arena_copy(arena, span_text(name));
    if (!copy)
        return STATUS_NO_MEMORY;
    forms[(*count)++] = span_text(copy);
    return STATUS_OK;
}

/* Cuts a path off, as the folded view would show it: "/x?y". Empty if there is none. */
static enum status cut_path(struct span *name, char path[PATH_SIZE_MAX + 1])
{
    const uint8_t *slash = name->size ? memchr(name->data, '/', name->size) : NULL;
    size_t size = slash ? (size_t)(name->data + name->size - slash) : 0;
    if (size > PATH_SIZE_MAX)
        return STATUS_INVALID;
    for (size_t i = 0; i < size; i++) {
        if (slash[i] <= ' ' || slash[i] >= 0x7f)
            return STATUS_INVALID;
        path[i] = (char)(slash[i] >= 'A' && slash[i] <= 'Z' ? slash[i] | 0x20 : slash[i]);
    }
    path[size] = '\0';
    name->size -= size;
    return STATUS_OK;
}

static enum status parse_name(struct span name, struct arena *arena, struct span forms[DOMAIN_FORMS_MAX],
                              uint32_t *ret_count)
{
    char lowered[NAME_SIZE_MAX * 4], ascii[NAME_SIZE_MAX + 1], letters[4 * NAME_SIZE_MAX] = "";
    if (name.size == 0 || name.size >= sizeof(lowered) || !utf8_valid(name))
        return STATUS_INVALID;
    bool plain = utf8_ascii_prefix(name) == name.size;
    for (size_t i = 0; i < name.size; i++)
        lowered[i] = (char)(name.data[i] >= 'A' && name.data[i] <= 'Z' ? name.data[i] | 0x20 : name.data[i]);
    lowered[name.size] = '\0';
    name = span_of(lowered, name.size);
    if (plain && !is_name(name))
        return STATUS_INVALID;

    bool has_letters = false;
    if (!plain || memmem(name.data, name.size, "xn--", 4) != NULL) {
        enum status status = convert(name, ascii, letters, &has_letters);
        if (status != STATUS_OK)
            return status;
        if (!is_name(span_text(ascii)))
            return STATUS_INVALID;
    } else {
        memcpy(ascii, lowered, name.size + 1);
    }
    uint32_t count = 0;
    struct span found[DOMAIN_FORMS_MAX] = {{0}};
    enum status status = add_form(ascii, arena, found, &count);
    if (status == STATUS_OK && has_letters && strcmp(letters, ascii) != 0) {
        bool same = false;
        status = is_folded(span_text(letters), &same);
        if (status == STATUS_OK && same)
            status = add_form(letters, arena, found, &count);
    }
    if (status != STATUS_OK)
        return status;
    memcpy(forms, found, count * sizeof(*forms));
    *ret_count = count;
    return STATUS_OK;
}

enum status domain_parse(struct span entry, struct arena *arena, struct span forms[DOMAIN_FORMS_MAX],
                         uint32_t *ret_count)
{
    struct span name = bare(entry);
    char path[PATH_SIZE_MAX + 1];
    struct span found[DOMAIN_FORMS_MAX] = {{0}};
    uint32_t count = 0;
    enum status status = cut_path(&name, path);
    if (status == STATUS_OK)
        status = parse_name(name, arena, found, &count);
    for (uint32_t i = 0; status == STATUS_OK && i < count && path[0]; i++) {
        const char *form = arena_print(arena, "%s%s", (const char *)found[i].data, path);
        if (!form)
            return STATUS_NO_MEMORY;
        found[i] = span_text(form);
    }
    if (status == STATUS_OK) {
        memcpy(forms, found, count * sizeof(*forms));
        *ret_count = count;
    }
    return status;
}

/* Would `c` beside the end `edge` of a name make a longer name? Text without spaces may touch a Latin name. */
static bool continues(uint32_t c, uint32_t edge)
{
    return word_is_character(c) && (!word_is_spaceless(c) || word_is_spaceless(edge));
}

static bool word_at(struct span text, size_t at, uint32_t edge)
{
    uint32_t c;
    if (at >= text.size)
        return false;
    utf8_decode(skip(text, at), &c);
    return continues(c, edge);
}

bool domain_match_at(struct span text, size_t start, size_t end)
{
    uint32_t c, first, last;
    if (start >= end || end > text.size)
        return false;
    utf8_decode(skip(text, start), &first);
    utf8_decode_before(text, end, &last);
    if (start > 0) {
        utf8_decode_before(text, start, &c);
        if (c == '-' || continues(c, first))
            return false;
    }
    if (word_at(text, end, last))
        return false;
    if (end < text.size && text.data[end] == '.')
        return !word_at(text, end + 1, last);
    size_t at = end;
    while (at < text.size && text.data[at] == '-')
        at++;
    return at == end || !word_at(text, at, last);
}

#define WORD_CLASS "[\\p{L}\\p{M}\\p{N}_]"

static enum status append_regex(struct span form, struct buffer *out)
{
    uint32_t first, last;
    utf8_decode(form, &first);
    utf8_decode_before(form, form.size, &last);
    const char *before = word_is_spaceless(first) ? WORD_CLASS : WORD_JOINS;
    const char *after = word_is_spaceless(last) ? WORD_CLASS : WORD_JOINS;
    enum status status = buffer_print(out, "(?<!-|%s)", before);
    for (size_t i = 0; i < form.size && status == STATUS_OK; i++) {
        if (ispunct(form.data[i]) && form.data[i] < 0x80)
            status = buffer_append_byte(out, '\\');
        if (status == STATUS_OK)
            status = buffer_append_byte(out, form.data[i]);
    }
    if (status == STATUS_OK)
        status = buffer_print(out, "(?!(?:\\.|-*+)%s)", after);
    return status;
}

enum status domain_regex(struct span form, struct buffer *out)
{
    size_t size = out->size;
    enum status status = form.size ? append_regex(form, out) : STATUS_INVALID;
    if (status != STATUS_OK)
        out->size = size;
    return status;
}
