/* The inner loops of the codecs, compiled. `plain.py` beside it says the same in numpy, with docstrings; both give the
   same bytes for every input. Little-endian processors only: elsewhere numpy's loops are used.

   Every function checks the sizes of its buffers and every place it is to write or read at before it begins, so that a
   damaged file cannot make it leave them. The loops run without the interpreter's lock. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the compiled loops are for little-endian processors"
#endif

#define KEYS 256
#define MOST_WIDTH 8

static PyObject *wrong(const char *what) {
    PyErr_SetString(PyExc_ValueError, what);
    return NULL;
}

static void release(Py_buffer *buffers, int count) {
    for (int number = 0; number < count; number++)
        if (buffers[number].obj != NULL)
            PyBuffer_Release(&buffers[number]);
}

static int is_width(int width) { return width == 1 || width == 2 || width == 4 || width == 8; }

/* -- numbers of 8, 16, 32 and 64 bits -- */

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

static PyObject *step(PyObject *module, PyObject *args) {
    Py_buffer views[3] = {0};
    int width, is_float;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*w*ip", &views[0], &views[1], &views[2], &width, &is_float))
        return NULL;
    if (!is_width(width) || views[0].len % width || views[1].len != views[0].len || views[2].len != views[0].len)
        wrong("the numbers to step between are not as many");
    else {
        Py_ssize_t count = views[0].len / width;
        Py_BEGIN_ALLOW_THREADS
        BY_WIDTH(width, is_float, step_all, views[0].buf, views[1].buf, views[2].buf, count)
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(views, 3);
    return result;
}

static PyObject *walk(PyObject *module, PyObject *args) {
    Py_buffer views[3] = {0};
    int width, is_float;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*w*ip", &views[0], &views[1], &views[2], &width, &is_float))
        return NULL;
    if (!is_width(width) || views[0].len % width || views[1].len != views[0].len || views[2].len != views[0].len)
        wrong("the steps are not as many as the numbers they are taken from");
    else {
        Py_ssize_t count = views[0].len / width;
        Py_BEGIN_ALLOW_THREADS
        BY_WIDTH(width, is_float, walk_all, views[0].buf, views[1].buf, views[2].buf, count)
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(views, 3);
    return result;
}

/* -- keys, and steps sorted by them -- */

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

static PyObject *count(PyObject *module, PyObject *args) {
    Py_buffer views[2] = {0};
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*w*", &views[0], &views[1]))
        return NULL;
    if (views[1].len != KEYS * (Py_ssize_t)sizeof(int64_t))
        wrong("there is not one count for each key");
    else {
        int64_t counts[2][KEYS];
        Py_BEGIN_ALLOW_THREADS
        count_keys(views[0].buf, views[0].len, counts);
        for (int key = 0; key < KEYS; key++)
            counts[0][key] += counts[1][key];
        memcpy(views[1].buf, counts[0], sizeof counts[0]);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(views, 2);
    return result;
}

static PyObject *fields(PyObject *module, PyObject *args) {
    Py_buffer views[2] = {0};
    int width, shift, mask;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*w*iii", &views[0], &views[1], &width, &shift, &mask))
        return NULL;
    if (!is_width(width) || shift < 0 || shift >= 8 * width || views[0].len != views[1].len * width)
        wrong("there is not one key for each number");
    else {
        Py_ssize_t count = views[1].len;
        Py_BEGIN_ALLOW_THREADS
        switch (width) {
        case 1: fields8(views[0].buf, views[1].buf, count, shift, mask & 0xFF); break;
        case 2: fields16(views[0].buf, views[1].buf, count, shift, mask & 0xFF); break;
        case 4: fields32(views[0].buf, views[1].buf, count, shift, mask & 0xFF); break;
        default: fields64(views[0].buf, views[1].buf, count, shift, mask & 0xFF);
        }
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(views, 2);
    return result;
}

static PyObject *row_keys(PyObject *module, PyObject *args) {
    Py_buffer views[3] = {0};
    int width, shift, mask;
    Py_ssize_t length;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*w*iiin", &views[0], &views[1], &views[2], &width, &shift, &mask, &length))
        return NULL;
    Py_ssize_t count = views[2].len, rows = views[1].len / (Py_ssize_t)sizeof(int16_t);
    if (!is_width(width) || shift < 0 || shift >= 8 * width || views[0].len != count * width || views[1].len % 2)
        wrong("there is not one key for each number");
    else if (length < 1 || rows != count / length + (count % length != 0))
        wrong("there is not one class for each row");
    else {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t row = 0; row < rows; row++) {
            const char *bits = (const char *)views[0].buf + row * length * width;
            uint8_t *keys = (uint8_t *)views[2].buf + row * length;
            Py_ssize_t some = row + 1 < rows ? length : count - row * length;
            int sum = (int16_t)load16(views[1].buf, row);
            switch (width) {
            case 1: row_keys8(bits, sum, keys, some, shift, mask & 0xFF); break;
            case 2: row_keys16(bits, sum, keys, some, shift, mask & 0xFF); break;
            case 4: row_keys32(bits, sum, keys, some, shift, mask & 0xFF); break;
            default: row_keys64(bits, sum, keys, some, shift, mask & 0xFF);
            }
        }
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(views, 3);
    return result;
}

static int are_groups(const Py_buffer *group_of, const Py_buffer *next, const Py_buffer *ends) {
    return group_of->len == KEYS && next->len == ends->len && next->len <= KEYS * (Py_ssize_t)sizeof(int64_t) &&
           next->len % (Py_ssize_t)sizeof(int64_t) == 0;
}

static PyObject *sort_steps(PyObject *module, PyObject *args) {
    Py_buffer views[7] = {0};
    int width, is_float, are_right = 0;
    if (!PyArg_ParseTuple(args, "y*y*y*y*w*y*w*ip", &views[0], &views[1], &views[2], &views[3], &views[4], &views[5],
                          &views[6], &width, &is_float))
        return NULL;
    Py_ssize_t count = views[2].len, groups = views[4].len / (Py_ssize_t)sizeof(int64_t);
    if (is_width(width) && views[0].len == count * width && views[1].len == count * width && views[6].len % width == 0 &&
        are_groups(&views[3], &views[4], &views[5])) {
        int64_t places[2][KEYS];
        Py_BEGIN_ALLOW_THREADS
        are_right = find_places(views[2].buf, count, views[3].buf, views[4].buf, views[5].buf, groups,
                                views[6].len / width, places);
        if (are_right)
            BY_WIDTH(width, is_float, sort_all, views[0].buf, views[1].buf, views[2].buf, places, views[6].buf, count)
        Py_END_ALLOW_THREADS
    }
    release(views, 7);
    return are_right ? Py_NewRef(Py_None) : wrong("steps do not fit where they are to be sorted to");
}

static PyObject *walk_sorted(PyObject *module, PyObject *args) {
    Py_buffer views[7] = {0};
    int width, is_float, are_right = 0;
    if (!PyArg_ParseTuple(args, "y*y*y*w*y*y*w*ip", &views[0], &views[1], &views[2], &views[3], &views[4], &views[5],
                          &views[6], &width, &is_float))
        return NULL;
    Py_ssize_t count = views[1].len, groups = views[3].len / (Py_ssize_t)sizeof(int64_t);
    if (is_width(width) && views[0].len % width == 0 && views[5].len == count * width && views[6].len == count * width &&
        are_groups(&views[2], &views[3], &views[4])) {
        int64_t places[2][KEYS];
        Py_BEGIN_ALLOW_THREADS
        are_right = find_places(views[1].buf, count, views[2].buf, views[3].buf, views[4].buf, groups,
                                views[0].len / width, places);
        if (are_right)
            BY_WIDTH(width, is_float, unsort_all, views[0].buf, views[1].buf, places, views[5].buf, views[6].buf, count)
        Py_END_ALLOW_THREADS
    }
    release(views, 7);
    return are_right ? Py_NewRef(Py_None) : wrong("sorted steps do not fit their keys");
}

/* -- predicted floats: a share of the step before, for each row, and a product -- */

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
static void predict_rows(const void *known, const void *second, const void *shares, const void *product, void *out,
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

static PyObject *predict(PyObject *module, PyObject *args) {
    Py_buffer views[5] = {0};
    PyObject *given[3];
    Py_ssize_t length;
    int kind, are_right = 0;
    if (!PyArg_ParseTuple(args, "y*OOOw*in", &views[0], &given[0], &given[1], &given[2], &views[4], &kind, &length))
        return NULL;
    for (int number = 0; number < 3; number++)
        if (given[number] != Py_None && PyObject_GetBuffer(given[number], &views[number + 1], PyBUF_SIMPLE) < 0) {
            release(views, 5);
            return NULL;
        }
    Py_ssize_t width = kind == FLOAT32 ? 4 : 2, count = views[0].len / width;
    Py_ssize_t rows = length < 1 ? 0 : count / length + (count % length != 0);
    const void *second = views[1].buf, *shares = views[2].buf, *product = views[3].buf;
    if (kind >= FLOAT32 && kind <= FLOAT16 && length >= 1 && views[0].len % width == 0 && views[4].len == views[0].len &&
        (second == NULL) == (shares == NULL) && (second == NULL || views[1].len == views[0].len) &&
        (shares == NULL || views[2].len == rows * 4) && (product == NULL || views[3].len == count * 4)) {
        are_right = 1;
        Py_BEGIN_ALLOW_THREADS
        predict_rows(views[0].buf, second, shares, product, views[4].buf, count, length, kind);
        Py_END_ALLOW_THREADS
    }
    release(views, 5);
    return are_right ? Py_NewRef(Py_None) : wrong("what a prediction is made of does not fit together");
}

/* -- byte planes -- */

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

static PyObject *split(PyObject *module, PyObject *args) {
    Py_buffer views[3] = {0};
    PyObject *given, *result = NULL;
    int width, turn;
    if (!PyArg_ParseTuple(args, "y*w*Oip", &views[0], &views[1], &given, &width, &turn))
        return NULL;
    if (given != Py_None && PyObject_GetBuffer(given, &views[2], PyBUF_WRITABLE) < 0) {
        release(views, 3);
        return NULL;
    }
    Py_ssize_t count = is_width(width) ? views[0].len / width : 0;
    void *top = views[2].buf;
    if (!is_width(width) || width == 1 || views[0].len % width || views[1].len + views[2].len != views[0].len ||
        (top != NULL && views[2].len != count * 2))
        wrong("the planes do not have as many bytes as the items");
    else {
        Py_BEGIN_ALLOW_THREADS
        switch (width) {
        case 2: split_all16(views[0].buf, views[1].buf, top, count, turn); break;
        case 4:
            if (top == NULL)
                split_all32(views[0].buf, views[1].buf, NULL, count, turn);
            else
                split_all32(views[0].buf, views[1].buf, top, count, turn);
            break;
        default: split_all64(views[0].buf, views[1].buf, top, count, turn);
        }
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(views, 3);
    return result;
}

static PyObject *join(PyObject *module, PyObject *args) {
    Py_buffer views[MOST_WIDTH + 2] = {0}, *top = &views[MOST_WIDTH], *items = &views[MOST_WIDTH + 1];
    const uint8_t *planes[MOST_WIDTH];
    PyObject *given, *high, *result = NULL;
    int turn, are_right;
    if (!PyArg_ParseTuple(args, "OOw*p", &given, &high, items, &turn))
        return NULL;
    Py_ssize_t apart = PySequence_Size(given), width = high == Py_None ? apart : apart + 2;
    are_right = apart >= 0 && width >= 2 && width <= MOST_WIDTH && is_width((int)width) && items->len % width == 0;
    Py_ssize_t count = are_right ? items->len / width : 0;
    if (are_right && high != Py_None)
        are_right = PyObject_GetBuffer(high, top, PyBUF_SIMPLE) == 0 && top->len == 2 * count;
    for (Py_ssize_t number = 0; are_right && number < apart; number++) {
        PyObject *plane = PySequence_GetItem(given, number);
        are_right = plane != NULL && PyObject_GetBuffer(plane, &views[number], PyBUF_SIMPLE) == 0 &&
                    views[number].len == count;
        planes[number] = views[number].buf;
        Py_XDECREF(plane);
    }
    if (are_right) {
        Py_BEGIN_ALLOW_THREADS
        switch (width) {
        case 2: join_all16(planes, top->buf, items->buf, count, turn); break;
        case 4:
            if (top->buf == NULL)
                join_all32(planes, NULL, items->buf, count, turn);
            else
                join_all32(planes, top->buf, items->buf, count, turn);
            break;
        default: join_all64(planes, top->buf, items->buf, count, turn);
        }
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    } else if (!PyErr_Occurred())
        wrong("the planes do not have as many bytes as the items");
    release(views, MOST_WIDTH + 2);
    return result;
}

static PyMethodDef METHODS[] = {
    {"step", step, METH_VARARGS, NULL},
    {"walk", walk, METH_VARARGS, NULL},
    {"count", count, METH_VARARGS, NULL},
    {"fields", fields, METH_VARARGS, NULL},
    {"row_keys", row_keys, METH_VARARGS, NULL},
    {"sort_steps", sort_steps, METH_VARARGS, NULL},
    {"walk_sorted", walk_sorted, METH_VARARGS, NULL},
    {"predict", predict, METH_VARARGS, NULL},
    {"split", split, METH_VARARGS, NULL},
    {"join", join, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot SLOTS[] = {{0, NULL}};

static struct PyModuleDef MODULE = {
    PyModuleDef_HEAD_INIT, .m_name = "_compiled", .m_size = 0, .m_methods = METHODS, .m_slots = SLOTS,
};

PyMODINIT_FUNC PyInit__compiled(void) { return PyModuleDef_Init(&MODULE); }
