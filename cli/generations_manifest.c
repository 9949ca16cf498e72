#include "cli/generations_manifest.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_FORMAT 1

static json_t *files_json(const struct generations_pack *pack)
{
    json_t *list = json_array();
    for (uint32_t i = 0; list && i < pack->file_count; i++) {
        const struct generations_file *file = &pack->files[i];
        json_t *item = json_pack("{s:s, s:s}", "path", file->path, "object", file->object);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

char *generations_manifest_text(const struct generations_item *item)
{
    json_t *packs = json_array();
    bool whole = packs != NULL;
    for (uint32_t i = 0; whole && i < item->pack_count; i++) {
        whole = json_array_append_new(packs, files_json(&item->packs[i])) == 0;
    }
    if (!whole) {
        json_decref(packs);
        return NULL;
    }
    json_t *root = json_pack("{s:i, s:s, s:I, s:I, s:I, s:o}", "format", MANIFEST_FORMAT, "generation", item->id,
                             "number", (json_int_t)item->number, "live_at_ms", (json_int_t)item->live_at_ms, "rules",
                             (json_int_t)item->rules, "packs", packs);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    json_decref(root);
    return text;
}

static bool is_hexadecimal(const char *text, size_t size)
{
    return strlen(text) == size && strspn(text, "0123456789abcdef") == size;
}

static enum status parse_files(const json_t *list, struct arena *arena, struct generations_pack *pack)
{
    size_t count = json_array_size(list);
    if (count == 0 || count > UINT32_MAX) {
        return STATUS_INVALID;
    }
    struct generations_file *files = arena_array(arena, count, sizeof *files);
    if (!files) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        const char *path = json_string_value(json_object_get(json_array_get(list, i), "path"));
        const char *object = json_string_value(json_object_get(json_array_get(list, i), "object"));
        if (!path || !object || !is_hexadecimal(object, GENERATIONS_OBJECT_SIZE - 1)) {
            return STATUS_INVALID;
        }
        files[i].path = arena_copy(arena, span_text(path));
        memcpy(files[i].object, object, GENERATIONS_OBJECT_SIZE);
        if (!files[i].path) {
            return STATUS_NO_MEMORY;
        }
    }
    pack->files = files;
    pack->file_count = (uint32_t)count;
    return STATUS_OK;
}

static enum status parse_packs(const json_t *list, struct arena *arena, struct generations_item *item)
{
    size_t count = json_array_size(list);
    if (count > UINT32_MAX) {
        return STATUS_INVALID;
    }
    struct generations_pack *packs = arena_array(arena, count + 1, sizeof *packs);
    enum status status = packs ? STATUS_OK : STATUS_NO_MEMORY;
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = parse_files(json_array_get(list, i), arena, &packs[i]);
    }
    item->packs = packs;
    item->pack_count = (uint32_t)count;
    return status;
}

enum status generations_manifest_parse(struct span text, bool packs, struct arena *arena,
                                       struct generations_item *ret_item)
{
    struct generations_item item = {0};
    json_int_t number = 0, live_at_ms = 0, rules = 0;
    int format = 0;
    const char *id = NULL;
    json_t *list = NULL;
    json_t *root = json_loadb((const char *)text.data, text.size, 0, NULL);
    enum status status = STATUS_INVALID;
    if (root &&
        json_unpack(root, "{s:i, s:s, s:I, s:I, s:I, s:o}", "format", &format, "generation", &id, "number", &number,
                    "live_at_ms", &live_at_ms, "rules", &rules, "packs", &list) == 0 &&
        format == MANIFEST_FORMAT && is_hexadecimal(id, GENERATIONS_ID_SIZE - 1) && number >= 0 && rules >= 0 &&
        rules <= UINT32_MAX && json_is_array(list)) {
        memcpy(item.id, id, GENERATIONS_ID_SIZE);
        item.number = (uint64_t)number;
        item.live_at_ms = live_at_ms;
        item.rules = (uint32_t)rules;
        item.pack_count = (uint32_t)json_array_size(list);
        status = packs ? parse_packs(list, arena, &item) : STATUS_OK;
    }
    json_decref(root);
    if (status == STATUS_OK) {
        *ret_item = item;
    }
    return status;
}
