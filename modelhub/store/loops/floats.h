/* Predicted floats: a share of the step before, for each row, and what else they are moved by. Said in plain.py. */

#ifndef MODELHUB_FLOATS_H
#define MODELHUB_FLOATS_H

#include "numbers.h"
#include "processors.h"

enum { FLOAT32, BFLOAT16, FLOAT16 };

static const float LEAST = 0x1p-90f;
static const float LARGEST[] = {0x1p127f, 0x1p127f, 65504.0f};

static inline float float_of(u32 bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline u32 bits_of(float value) {
    u32 bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float value_of_half(u32 half) {
    u32 sign = (half & 0x8000) << 16, exponent = half >> 10 & 0x1F, fraction = half & 0x3FF;
    if (exponent == 0x1F)
        return float_of(sign | 0x7F800000 | fraction << 13);
    if (exponent)
        return float_of(sign | (exponent + 112) << 23 | fraction << 13);
    float value = (float)fraction * 0x1p-24f;
    return sign ? -value : value;
}

/* To nearest, ties to even; for values of less than 65504 in size. */
static inline u32 half_of(float value) {
    u32 bits = bits_of(value), sign = bits >> 16 & 0x8000, size = bits & 0x7FFFFFFF;
    if (size < 0x38800000) { /* less than 2^-14: a multiple of 2^-24 */
        float sum = float_of(size) + 0.5f;
        return sign | (bits_of(sum) - bits_of(0.5f));
    }
    return sign | ((size + 0xFFF + (size >> 13 & 1) - (112u << 23)) >> 13);
}

static inline float value_at(const void *bits, Py_ssize_t at, int kind) {
    if (kind == FLOAT32)
        return float_of(load32(bits, at));
    if (kind == BFLOAT16)
        return float_of((u32)load16(bits, at) << 16);
    return value_of_half(load16(bits, at));
}

static inline u32 nearest(float value, int kind) {
    u32 bits = bits_of(value);
    if (kind == FLOAT32)
        return bits;
    return kind == BFLOAT16 ? (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 : half_of(value);
}

static inline float size_of(float value) { return float_of(bits_of(value) & 0x7FFFFFFF); }

/* `second` and `product` may be NULL. Sums are rounded one by one: the same on every processor. */
static inline void predict_row(const void *known, const void *second, float share, const void *product, void *out,
                               Py_ssize_t begin, Py_ssize_t end, int kind) {
    for (Py_ssize_t at = begin; at < end; at++) {
        float base = value_at(known, at, kind), value = base;
        if (second != NULL) {
            float before = base - value_at(second, at, kind);
            before = before * share;
            value = before + base;
        }
        if (product != NULL)
            value = value + float_of(load32(product, at));
        u32 old = kind == FLOAT32 ? load32(known, at) : load16(known, at);
        u32 is_certain = (u32)0 - ((size_of(base) >= LEAST) & (size_of(value) >= LEAST) & (size_of(value) < LARGEST[kind]));
        u32 bits = (nearest(value, kind) & is_certain) | (old & ~is_certain);
        if (kind == FLOAT32)
            store32(out, at, bits);
        else
            store16(out, at, (u16)bits);
    }
}

/* Compiled for each kind, with and without each of the two that may be missing. */
COMPILED_TWICE static void predict_rows(const void *known, const void *second, const void *shares, const void *product, void *out,
                         Py_ssize_t count, Py_ssize_t length, int kind) {
    for (Py_ssize_t begin = 0, row = 0; begin < count; begin += length, row++) {
        float share = shares == NULL ? 0.0f : float_of(load32(shares, row));
        Py_ssize_t end = length < count - begin ? begin + length : count;
#define PREDICT(kind)                                                                                                  \
    if (second == NULL)                                                                                                \
        predict_row(known, NULL, share, product, out, begin, end, kind);                                               \
    else if (product == NULL)                                                                                          \
        predict_row(known, second, share, NULL, out, begin, end, kind);                                                \
    else                                                                                                               \
        predict_row(known, second, share, product, out, begin, end, kind);
        if (kind == FLOAT32) {
            PREDICT(FLOAT32)
        } else if (kind == BFLOAT16) {
            PREDICT(BFLOAT16)
        } else {
            PREDICT(FLOAT16)
        }
    }
}

#endif
