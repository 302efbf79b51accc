/* Numbers of 8, 16, 32 and 64 bits: steps between them, keys, and steps sorted by key. Said in docstrings in plain.py. */

#ifndef MODELHUB_NUMBERS_H
#define MODELHUB_NUMBERS_H

#include <Python.h>
#include <stdint.h>
#include <string.h>

#define KEYS 256

#define NUMBERS(N)                                                                                                     \
    typedef uint##N##_t u##N;                                                                                          \
    static inline u##N load##N(const void *from, Py_ssize_t at) {                                                      \
        u##N value;                                                                                                    \
        memcpy(&value, (const char *)from + at * (Py_ssize_t)sizeof value, sizeof value);                              \
        return value;                                                                                                  \
    }                                                                                                                  \
    static inline void store##N(void *to, Py_ssize_t at, u##N value) {                                                 \
        memcpy((char *)to + at * (Py_ssize_t)sizeof value, &value, sizeof value);                                      \
    }                                                                                                                  \
    static inline u##N flips##N(u##N bits) { return (u##N)((u##N)(0 - (bits >> (N - 1))) >> 1); }                      \
    static inline u##N step##N(u##N new, u##N old, int is_float) {                                                     \
        u##N steps = is_float ? (u##N)((new ^ flips##N(new)) - (old ^ flips##N(old))) : (u##N)(new - old);             \
        return (u##N)((u##N)(steps << 1) ^ (u##N)(0 - (steps >> (N - 1))));                                            \
    }                                                                                                                  \
    static inline u##N walk##N(u##N natural, u##N old, int is_float) {                                                 \
        u##N steps = (u##N)((u##N)(natural >> 1) ^ (u##N)(0 - (natural & 1)));                                         \
        if (!is_float)                                                                                                 \
            return (u##N)(old + steps);                                                                                \
        steps = (u##N)(steps + (old ^ flips##N(old)));                                                                 \
        return (u##N)(steps ^ flips##N(steps));                                                                        \
    }                                                                                                                  \
    static inline void step_all##N(const void *new, const void *old, void *out, Py_ssize_t count, int is_float) {      \
        for (Py_ssize_t at = 0; at < count; at++)                                                                      \
            store##N(out, at, step##N(load##N(new, at), load##N(old, at), is_float));                                  \
    }                                                                                                                  \
    static inline void walk_all##N(const void *steps, const void *old, void *out, Py_ssize_t count, int is_float) {    \
        for (Py_ssize_t at = 0; at < count; at++)                                                                      \
            store##N(out, at, walk##N(load##N(steps, at), load##N(old, at), is_float));                                \
    }                                                                                                                  \
    static inline void sort_all##N(const void *new, const void *old, const uint8_t *keys, int64_t (*places)[KEYS],      \
                                   void *out, Py_ssize_t count, int is_float) {                                        \
        const Py_ssize_t half = count / 2;                                                                             \
        for (Py_ssize_t at = 0, then = half; then < count; at++, then++) {                                             \
            if (at < half)                                                                                             \
                store##N(out, (Py_ssize_t)places[0][keys[at]]++, step##N(load##N(new, at), load##N(old, at), is_float)); \
            store##N(out, (Py_ssize_t)places[1][keys[then]]++,                                                         \
                     step##N(load##N(new, then), load##N(old, then), is_float));                                       \
        }                                                                                                              \
    }                                                                                                                  \
    static inline void unsort##N(const void *steps, const uint8_t *keys, int64_t (*places)[KEYS], void *out,           \
                                 Py_ssize_t count) {                                                                   \
        const Py_ssize_t half = count / 2;                                                                             \
        for (Py_ssize_t at = 0, then = half; then < count; at++, then++) {                                             \
            if (at < half)                                                                                             \
                store##N(out, at, load##N(steps, (Py_ssize_t)places[0][keys[at]]++));                                  \
            store##N(out, then, load##N(steps, (Py_ssize_t)places[1][keys[then]]++));                                  \
        }                                                                                                              \
    }                                                                                                                  \
    static inline void unsort_all##N(const void *steps, const uint8_t *keys, int64_t (*places)[KEYS], const void *old, \
                                     void *out, Py_ssize_t count, int is_float) {                                      \
        unsort##N(steps, keys, places, out, count);                                                                    \
        walk_all##N(out, old, out, count, is_float);                                                                   \
    }                                                                                                                  \
    static void fields##N(const void *bits, uint8_t *keys, Py_ssize_t count, int shift, int mask) {                    \
        for (Py_ssize_t at = 0; at < count; at++)                                                                      \
            keys[at] = (uint8_t)((load##N(bits, at) >> shift) & mask);                                                 \
    }                                                                                                                  \
    static void row_keys##N(const void *bits, int sum, uint8_t *keys, Py_ssize_t count, int shift, int mask) {         \
        for (Py_ssize_t at = 0; at < count; at++) {                                                                    \
            int key = sum - 2 * (int)((load##N(bits, at) >> shift) & mask);                                            \
            keys[at] = (uint8_t)(key < 0 ? 0 : key > KEYS - 1 ? KEYS - 1 : key);                                       \
        }                                                                                                              \
    }

NUMBERS(8)
NUMBERS(16)
NUMBERS(32)
NUMBERS(64)

/* Calls the loop for this width, compiled for floats and for integers apart. */
#define BY_WIDTH(width, is_float, loop, ...)                                                                           \
    switch (width) {                                                                                                   \
    case 1: if (is_float) loop##8(__VA_ARGS__, 1); else loop##8(__VA_ARGS__, 0); break;                                \
    case 2: if (is_float) loop##16(__VA_ARGS__, 1); else loop##16(__VA_ARGS__, 0); break;                              \
    case 4: if (is_float) loop##32(__VA_ARGS__, 1); else loop##32(__VA_ARGS__, 0); break;                              \
    default: if (is_float) loop##64(__VA_ARGS__, 1); else loop##64(__VA_ARGS__, 0);                                    \
    }

/* What is sorted is cut in two halves, sorted side by side: an element with the key of the one before would wait. */
static void count_keys(const uint8_t *keys, Py_ssize_t count, int64_t (*counts)[KEYS]) {
    const Py_ssize_t half = count / 2;
    memset(counts, 0, 2 * sizeof *counts);
    for (Py_ssize_t at = 0; at < half; at++) {
        counts[0][keys[at]]++;
        counts[1][keys[half + at]]++;
    }
    if (count % 2)
        counts[1][keys[count - 1]]++;
}

/* Where the elements of both halves go: those of a key after those of smaller ones of its group, from the group's `next`
   on, which moves. False, and nothing moved, where they would not lie before the group's end, or that outside `room`. */
static int find_places(const uint8_t *keys, Py_ssize_t count, const uint8_t *group_of, int64_t *next, const int64_t *ends,
                       Py_ssize_t groups, Py_ssize_t room, int64_t (*places)[KEYS]) {
    int64_t moved[KEYS];
    memcpy(moved, next, (size_t)groups * sizeof *next);
    count_keys(keys, count, places);
    for (int key = 0; key < KEYS; key++) {
        const int64_t first = places[0][key], both = first + places[1][key];
        if (!both)
            continue;
        const int group = group_of[key];
        if (group >= groups || moved[group] < 0 || ends[group] > room || moved[group] > ends[group] ||
            both > ends[group] - moved[group])
            return 0;
        places[0][key] = moved[group];
        places[1][key] = moved[group] + first;
        moved[group] += both;
    }
    memcpy(next, moved, (size_t)groups * sizeof *next);
    return 1;
}

#endif
