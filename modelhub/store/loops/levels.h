/* Levels of quantised items that are to be expected where their scales moved. Said in docstrings in plain.py. */

#ifndef MODELHUB_LEVELS_H
#define MODELHUB_LEVELS_H

#include <Python.h>
#include <stdint.h>

#define ONE_BITS 14
#define PART_BITS 3

static inline void expect_row(const uint8_t *levels, const int32_t *ratio, const int32_t *offset, const uint8_t *turn,
                              uint8_t *expected, uint8_t *keys, Py_ssize_t items, int32_t most) {
    for (Py_ssize_t at = 0; at < items; at++) {
        int32_t parts = (int32_t)(levels[at] * (uint32_t)ratio[at] + (uint32_t)offset[at]) >> (ONE_BITS - PART_BITS);
        parts = parts < 0 ? 0 : parts;
        parts = (parts > most ? most : parts) + (1 << (PART_BITS - 1));
        expected[at] = (uint8_t)(parts >> PART_BITS);
        keys[at] = (uint8_t)((parts & ((1 << PART_BITS) - 1)) + turn[at]);
    }
}

#endif
