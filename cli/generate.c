#include "cli/generate.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/generate_texts.h"

#define ACTIVE_MAX 48            /* conversations that go on at the same time */
#define LINES_MAX 24             /* of one conversation */
#define HARM_PER_THOUSAND 55     /* conversations with harm in them */
#define EVASIVE_PER_THOUSAND 350 /* of those: disguised */
#define TEXT_SIZE_MAX 16384u     /* in disguise, when a letter may take three bytes */
#define ID_SIZE 32

enum disguise {
    DISGUISE_NONE,
    DISGUISE_FULL_WIDTH,
    DISGUISE_LOOK_ALIKE,
    DISGUISE_ZERO_WIDTH,
    DISGUISE_SPACING,
    DISGUISE_COUNT
};

struct line {
    const char *template;
    bool by_first; /* who says it */
    bool harmful;
    bool planted; /* the last of the harmful ones */
};

struct conversation {
    const struct generate_language *language;
    const char *slots[GENERATE_SLOT_COUNT];
    char number[8];
    char id[ID_SIZE];
    char people[2][ID_SIZE];
    struct line lines[LINES_MAX];
    uint32_t count, next;
    const char *theme;
    enum disguise disguise;
};

struct generate {
    uint64_t state; /* of the random numbers */
    uint64_t count, index, started;
    int64_t now_ms;
    struct conversation active[ACTIVE_MAX];
    char message_id[ID_SIZE], sender[ID_SIZE], recipient[ID_SIZE], conversation[ID_SIZE];
    struct buffer text;
};

/* SplitMix64: small, and the same on every machine. */
static uint64_t random_next(struct generate *generate)
{
    uint64_t value = generate->state += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

static uint32_t random_below(struct generate *generate, uint32_t limit)
{
    return limit > 0 ? (uint32_t)(random_next(generate) % limit) : 0;
}

static const struct generate_language *pick_language(struct generate *generate)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < generate_language_count; i++) {
        sum += generate_languages[i].weight;
    }
    uint32_t at = random_below(generate, sum);
    uint32_t i = 0;
    while (at >= generate_languages[i].weight) {
        at -= generate_languages[i++].weight;
    }
    return &generate_languages[i];
}

static const struct generate_language *language_of(const char *locale)
{
    for (uint32_t i = 0; i < generate_language_count; i++) {
        if (strcmp(generate_languages[i].locale, locale) == 0) {
            return &generate_languages[i];
        }
    }
    return &generate_languages[0];
}

static void add_line(struct conversation *conversation, const char *template, bool by_first, bool harmful, bool planted)
{
    if (conversation->count < LINES_MAX) {
        conversation->lines[conversation->count++] =
            (struct line){.template = template, .by_first = by_first, .harmful = harmful, .planted = planted};
    }
}

static void add_scene(struct generate *generate, struct conversation *conversation)
{
    const struct generate_language *language = conversation->language;
    const struct generate_scene *scene = &language->scenes[random_below(generate, language->scene_count)];
    bool by_first = random_below(generate, 2) == 0;
    for (uint32_t i = 0; i < GENERATE_SCENE_LINES_MAX && scene->lines[i]; i++, by_first = !by_first) {
        add_line(conversation, scene->lines[i], by_first, false, false);
    }
}

static void add_harm(struct generate *generate, struct conversation *conversation, const struct generate_harm *harm)
{
    conversation->theme = harm->theme;
    if (random_below(generate, 1000) < EVASIVE_PER_THOUSAND) {
        conversation->disguise = (enum disguise)(1 + random_below(generate, DISGUISE_COUNT - 1));
    }
    for (uint32_t i = 0; i < GENERATE_HARM_LINES_MAX && harm->lines[i]; i++) {
        add_line(conversation, harm->lines[i], true, true, !harm->lines[i + 1]);
    }
}

static void fill_slots(struct generate *generate, struct conversation *conversation)
{
    (void)snprintf(conversation->number, sizeof conversation->number, "%u", 2 + random_below(generate, 28));
    for (uint32_t i = 0; i < GENERATE_SLOT_COUNT; i++) {
        const char *const *values = conversation->language->slots[i];
        uint32_t count = 0;
        while (values && values[count]) {
            count++;
        }
        conversation->slots[i] = count ? values[random_below(generate, count)] : conversation->number;
    }
}

static void start_conversation(struct generate *generate, struct conversation *conversation)
{
    *conversation = (struct conversation){0};
    (void)snprintf(conversation->id, ID_SIZE, "c%05" PRIu64, generate->started++);
    uint32_t first = random_below(generate, 4000);
    (void)snprintf(conversation->people[0], ID_SIZE, "user-%04u", first);
    (void)snprintf(conversation->people[1], ID_SIZE, "user-%04u", (first + 1 + random_below(generate, 3998)) % 4000);
    const struct generate_harm *harm = NULL;
    if (random_below(generate, 1000) < HARM_PER_THOUSAND) {
        harm = &generate_harms[random_below(generate, generate_harm_count)];
    }
    conversation->language = harm ? language_of(harm->locale) : pick_language(generate);
    fill_slots(generate, conversation);
    uint32_t scenes = 1 + random_below(generate, 3);
    for (uint32_t i = 0; i < scenes; i++) {
        if (harm && i == scenes - 1) {
            add_harm(generate, conversation, harm);
        }
        add_scene(generate, conversation);
    }
}

static enum status fill_template(const struct conversation *conversation, const char *template, struct buffer *out)
{
    buffer_clear(out);
    enum status status = STATUS_OK;
    for (const char *at = template; *at && status == STATUS_OK;) {
        const char *close = *at == '{' ? strchr(at, '}') : NULL;
        uint32_t slot = GENERATE_SLOT_COUNT;
        if (close) {
            size_t size = (size_t)(close - at - 1);
            for (slot = 0; slot < GENERATE_SLOT_COUNT; slot++) {
                if (strlen(generate_slot_names[slot]) == size && memcmp(generate_slot_names[slot], at + 1, size) == 0) {
                    break;
                }
            }
        }
        if (slot < GENERATE_SLOT_COUNT) {
            status = buffer_append_text(out, conversation->slots[slot]);
            at = close + 1;
        } else {
            status = buffer_append_byte(out, (uint8_t)*at++);
        }
    }
    return status;
}

/* U+FF01..U+FF5E are ASCII 0x21..0x7E at full width. */
static enum status append_full_width(uint8_t byte, struct buffer *out)
{
    uint32_t point = 0xFF00u + byte - 0x20u;
    uint8_t bytes[3] = {(uint8_t)(0xE0u | point >> 12), (uint8_t)(0x80u | (point >> 6 & 0x3F)),
                        (uint8_t)(0x80u | (point & 0x3F))};
    return buffer_append(out, bytes, sizeof bytes);
}

/* A Cyrillic letter that looks like a Latin one, or NULL. */
static const char *look_alike(uint8_t byte)
{
    static const struct {
        uint8_t latin;
        const char *other;
    } pairs[] = {{'a', "\u0430"}, {'e', "\u0435"}, {'o', "\u043e"}, {'c', "\u0441"}, {'p', "\u0440"}, {'x', "\u0445"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i].latin == byte) {
            return pairs[i].other;
        }
    }
    return NULL;
}

static bool is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static enum status append_disguised(struct generate *generate, enum disguise disguise, uint8_t byte, uint32_t letter,
                                    bool letter_follows, struct buffer *out)
{
    enum status status;
    const char *other;
    switch (disguise) {
    case DISGUISE_FULL_WIDTH:
        return is_letter(byte) ? append_full_width(byte, out) : buffer_append_byte(out, byte);
    case DISGUISE_LOOK_ALIKE:
        /* One letter of a word, never its first: a word that mixes scripts. */
        other = letter == 1 || letter == 2 ? look_alike(byte) : NULL;
        return other ? buffer_append_text(out, other) : buffer_append_byte(out, byte);
    case DISGUISE_ZERO_WIDTH:
        status = buffer_append_byte(out, byte);
        if (status == STATUS_OK && is_letter(byte) && letter_follows && random_below(generate, 3) == 0) {
            status = buffer_append_text(out, random_below(generate, 2) ? "\u200b" : "\u00ad");
        }
        return status;
    case DISGUISE_SPACING:
        if (byte != ' ') {
            return buffer_append_byte(out, byte);
        }
        static const char *const gaps[] = {"  ", "\u00a0", "\n", "\t", "\u2003", "   "};
        return buffer_append_text(out, gaps[random_below(generate, sizeof gaps / sizeof *gaps)]);
    default:
        return buffer_append_byte(out, byte);
    }
}

/* Rewrites generate->text in disguise. `ret_changed` says whether there was anything to change. */
static enum status disguise_text(struct generate *generate, enum disguise disguise, bool *ret_changed)
{
    struct buffer out = BUFFER_INIT(TEXT_SIZE_MAX);
    enum status status = STATUS_OK;
    const struct buffer *text = &generate->text;
    for (size_t i = 0, letter = 0; i < text->size && status == STATUS_OK; i++) {
        uint8_t byte = text->data[i];
        bool follows = i + 1 < text->size && is_letter(text->data[i + 1]);
        status = append_disguised(generate, disguise, byte, (uint32_t)letter, follows, &out);
        letter = is_letter(byte) ? letter + 1 : 0;
    }
    if (status != STATUS_OK) {
        buffer_free(&out);
        return status;
    }
    bool changed = out.size != text->size || memcmp(out.data, text->data, out.size) != 0;
    buffer_free(&generate->text);
    generate->text = out;
    *ret_changed = changed;
    return STATUS_OK;
}

enum status generate_new(uint64_t seed, uint64_t count, int64_t start_ms, struct generate **ret_generate)
{
    struct generate *generate = calloc(1, sizeof *generate);
    if (!generate) {
        return STATUS_NO_MEMORY;
    }
    generate->state = seed;
    generate->count = count;
    generate->now_ms = start_ms;
    generate->text = BUFFER_INIT(TEXT_SIZE_MAX);
    for (uint32_t i = 0; i < ACTIVE_MAX; i++) {
        start_conversation(generate, &generate->active[i]);
    }
    *ret_generate = generate;
    return STATUS_OK;
}

void generate_free(struct generate **generate)
{
    if (generate && *generate) {
        buffer_free(&(*generate)->text);
        free(*generate);
        *generate = NULL;
    }
}

enum status generate_next(struct generate *generate, struct generate_message *ret_message)
{
    if (generate->index >= generate->count) {
        return STATUS_CLOSED;
    }
    struct conversation *conversation = &generate->active[random_below(generate, ACTIVE_MAX)];
    if (conversation->next >= conversation->count) {
        start_conversation(generate, conversation);
    }
    const struct line *line = &conversation->lines[conversation->next];
    bool evasive = false;
    enum status status = fill_template(conversation, line->template, &generate->text);
    if (status == STATUS_OK && line->harmful && conversation->disguise != DISGUISE_NONE) {
        status = disguise_text(generate, conversation->disguise, &evasive);
    }
    if (status == STATUS_OK) {
        status = buffer_append_byte(&generate->text, 0);
    }
    if (status != STATUS_OK) {
        return status;
    }
    conversation->next++;
    generate->now_ms += random_below(generate, 900);
    (void)snprintf(generate->message_id, ID_SIZE, "m%06" PRIu64, generate->index);
    memcpy(generate->conversation, conversation->id, ID_SIZE);
    memcpy(generate->sender, conversation->people[line->by_first ? 0 : 1], ID_SIZE);
    memcpy(generate->recipient, conversation->people[line->by_first ? 1 : 0], ID_SIZE);
    *ret_message = (struct generate_message){.message_id = generate->message_id,
                                             .conversation_id = generate->conversation,
                                             .sender_id = generate->sender,
                                             .recipient_id = generate->recipient,
                                             .locale = conversation->language->locale,
                                             .text = (const char *)generate->text.data,
                                             .theme = line->harmful ? conversation->theme : NULL,
                                             .index = generate->index++,
                                             .sent_at_ms = generate->now_ms,
                                             .planted = line->planted,
                                             .evasive = evasive};
    return STATUS_OK;
}

enum status generate_write_json(const struct generate_message *message, struct buffer *out)
{
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:[s], s:s, s:s, s:I}", "message_id", message->message_id, "conversation_id",
                  message->conversation_id, "sender_id", message->sender_id, "recipient_ids", message->recipient_id,
                  "locale", message->locale, "text", message->text, "sent_at_ms", (json_int_t)message->sent_at_ms);
    char *line = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!line) {
        return STATUS_NO_MEMORY;
    }
    enum status status = buffer_append_text(out, line);
    if (status == STATUS_OK) {
        status = buffer_append_byte(out, '\n');
    }
    free(line);
    return status;
}
