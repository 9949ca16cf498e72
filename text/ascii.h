/*
 * Folding of plain ASCII, many bytes at a time. Inside text/ only (and for its tests).
 *
 * Vector instructions where the compiler has SSE2 (and where the machine has AVX2, these), eight bytes in a register
 * elsewhere. All give the same. Pure functions; `from` and `to` must not overlap.
 */
#ifndef TEXT_ASCII_H
#define TEXT_ASCII_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Writes `from` with small letters as far as it is plain: no control characters, and no two spaces side by side. Of such
 * text the folded view, and the raw view without case, are these bytes. Returns how many bytes were plain; what stands
 * in `to`, which has room for `size` bytes, behind them is of no use.
 */
size_t ascii_fold(const uint8_t *from, size_t size, uint8_t *to);

/* The same; says also whether a capital I stands right after a small letter in what was plain. */
size_t ascii_fold_noting(const uint8_t *from, size_t size, uint8_t *to, bool *ret_inner_capital);

/* Writes `from` with small letters as far as it is ASCII of any kind. Returns how many bytes that were. */
size_t ascii_lower(const uint8_t *from, size_t size, uint8_t *to);

/* The same without vector instructions. */
size_t ascii_fold_portable(const uint8_t *from, size_t size, uint8_t *to);
size_t ascii_fold_noting_portable(const uint8_t *from, size_t size, uint8_t *to, bool *ret_inner_capital);
size_t ascii_fold_noting_sse2(const uint8_t *from, size_t size, uint8_t *to, bool *ret_inner_capital); /* at most */
size_t ascii_lower_portable(const uint8_t *from, size_t size, uint8_t *to);

#define ASCII_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Eight bytes, the first one lowest. */
static inline uint64_t ascii_load(const uint8_t *from)
{
    uint64_t block;
    memcpy(&block, from, 8);
    return le64toh(block);
}

/* Eight bytes with small letters; what is no ASCII, and all behind it, is of no use. */
static inline void ascii_store_lower(uint64_t block, uint8_t *to)
{
    uint64_t upper = ((block + ASCII_EACH(0x80 - 'A')) ^ (block + ASCII_EACH(0x7F - 'Z'))) & ASCII_EACH(0x80);
    block = htole64(block | upper >> 2);
    memcpy(to, &block, 8);
}

/*
 * Of eight bytes, how many from the first on are plain: not so are control characters, what is no ASCII, and a space
 * after a space. `space_before`: so the first one must not be a space.
 */
static inline unsigned ascii_plain(uint64_t block, bool space_before)
{
    uint64_t others = block ^ ASCII_EACH(' '); /* zero where a space stands */
    uint64_t spaces = ~((((others & ASCII_EACH(0x7F)) + ASCII_EACH(0x7F)) | others) | ASCII_EACH(0x7F));
    uint64_t controls = ~(block << 1 | block << 2) & ASCII_EACH(0x80);
    uint64_t refused = (block & ASCII_EACH(0x80)) | controls | (spaces & (spaces << 8 | (space_before ? 0x80u : 0u)));
    return refused ? (unsigned)__builtin_ctzll(refused) / 8 : 8;
}

static inline unsigned ascii_count(uint64_t block)
{
    uint64_t refused = block & ASCII_EACH(0x80);
    return refused ? (unsigned)__builtin_ctzll(refused) / 8 : 8;
}

#endif
