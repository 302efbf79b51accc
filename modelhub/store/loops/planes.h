/* Items cut into byte planes, and put together again. Said in plain.py. */

#ifndef MODELHUB_PLANES_H
#define MODELHUB_PLANES_H

#include "numbers.h"

/* With `top` the two high-order bytes of each item are together there, and not among the planes. */
#define PLANES(N)                                                                                                      \
    static inline void split_all##N(const void *items, uint8_t *planes, void *top, Py_ssize_t count, int turn) {       \
        const int apart = top == NULL ? N / 8 : N / 8 - 2;                                                             \
        for (Py_ssize_t at = 0; at < count; at++) {                                                                    \
            u##N bits = load##N(items, at);                                                                            \
            if (turn)                                                                                                  \
                bits = (u##N)((u##N)(bits << 1) | (bits >> (N - 1)));                                                  \
            for (int number = 0; number < apart; number++)                                                             \
                planes[number * count + at] = (uint8_t)(bits >> (8 * number));                                         \
            if (top != NULL)                                                                                           \
                store16(top, at, (u16)(bits >> (N - 16)));                                                             \
        }                                                                                                              \
    }                                                                                                                  \
    static inline void join_all##N(const uint8_t *const *planes, const void *top, void *items, Py_ssize_t count,       \
                                   int turn) {                                                                         \
        const int apart = top == NULL ? N / 8 : N / 8 - 2;                                                             \
        for (Py_ssize_t at = 0; at < count; at++) {                                                                    \
            u##N bits = 0;                                                                                             \
            for (int number = 0; number < apart; number++)                                                             \
                bits |= (u##N)((u##N)planes[number][at] << (8 * number));                                              \
            if (top != NULL)                                                                                           \
                bits |= (u##N)((u##N)load16(top, at) << (N - 16));                                                     \
            if (turn)                                                                                                  \
                bits = (u##N)((bits >> 1) | (u##N)(bits << (N - 1)));                                                  \
            store##N(items, at, bits);                                                                                 \
        }                                                                                                              \
    }

PLANES(16)
PLANES(32)
PLANES(64)

#endif
