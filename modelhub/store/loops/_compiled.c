/* The inner loops of the codecs, compiled. `plain.py` beside it says the same in numpy, with docstrings; both give the
   same bytes for every input. Little-endian processors only: elsewhere numpy's loops are used.

   Every function checks the sizes of its buffers and every place it is to write or read at before it begins, so that a
   damaged file cannot make it leave them. The loops run without the interpreter's lock. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the compiled loops are for little-endian processors"
#endif

#include "binned.h"
#include "floats.h"
#include "levels.h"
#include "numbers.h"
#include "planes.h"

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

static int is_width(Py_ssize_t width) { return width == 1 || width == 2 || width == 4 || width == 8; }

/* The bytes of each of so many numbers; 0 where they are not of one known width. Of no numbers it does not matter. */
static int width_of(Py_ssize_t nbytes, Py_ssize_t count) {
    if (count == 0)
        return nbytes == 0 ? MOST_WIDTH : 0;
    return nbytes % count == 0 && is_width(nbytes / count) ? (int)(nbytes / count) : 0;
}

/* Steps, and back: of two buffers of numbers one is made, number by number. */
static PyObject *one_by_one(PyObject *args, int is_walk, const char *problem) {
    Py_buffer views[3] = {0};
    int width, is_float;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*w*ip", &views[0], &views[1], &views[2], &width, &is_float))
        return NULL;
    if (!is_width(width) || views[0].len % width || views[1].len != views[0].len || views[2].len != views[0].len)
        wrong(problem);
    else {
        Py_ssize_t count = views[0].len / width;
        Py_BEGIN_ALLOW_THREADS
        if (is_walk)
            BY_WIDTH(width, is_float, walk_all, views[0].buf, views[1].buf, views[2].buf, count)
        else
            BY_WIDTH(width, is_float, step_all, views[0].buf, views[1].buf, views[2].buf, count)
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(views, 3);
    return result;
}

static PyObject *step(PyObject *module, PyObject *args) {
    return one_by_one(args, 0, "the numbers to step between are not as many");
}

static PyObject *walk(PyObject *module, PyObject *args) {
    return one_by_one(args, 1, "the steps are not as many as the numbers they are taken from");
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
    int shift, mask;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*w*ii", &views[0], &views[1], &shift, &mask))
        return NULL;
    const Py_ssize_t count = views[1].len;
    const int width = width_of(views[0].len, count);
    if (!width || shift < 0 || shift >= 8 * width)
        wrong("there is not one key for each number");
    else {
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

static PyObject *walk_usual(PyObject *module, PyObject *args) {
    Py_buffer views[4] = {0};
    Py_ssize_t length;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*y*w*n", &views[0], &views[1], &views[2], &views[3], &length))
        return NULL;
    const Py_ssize_t rows = views[1].len;
    if (length < 1 || views[0].len % 4 || views[0].len / 4 != rows * length || views[3].len != views[0].len ||
        views[2].len != MANTISSA_KEYS * 4)
        wrong("there is not one mark for each row");
    else {
        Py_BEGIN_ALLOW_THREADS
        uint32_t added[MANTISSA_KEYS];
        read_usual(added, views[2].buf);
        for (Py_ssize_t row = 0; row < rows; row++)
            if (((const uint8_t *)views[1].buf)[row])
                walk_row(added, views[2].buf, (const char *)views[0].buf + 4 * row * length,
                         (char *)views[3].buf + 4 * row * length, length);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(views, 4);
    return result;
}

static PyObject *row_keys(PyObject *module, PyObject *args) {
    Py_buffer views[3] = {0};
    int shift, mask;
    Py_ssize_t length;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*w*iin", &views[0], &views[1], &views[2], &shift, &mask, &length))
        return NULL;
    const Py_ssize_t count = views[2].len, rows = views[1].len / (Py_ssize_t)sizeof(int16_t);
    const int width = width_of(views[0].len, count);
    if (!width || shift < 0 || shift >= 8 * width || views[1].len % 2)
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
    int is_float, are_right = 0;
    if (!PyArg_ParseTuple(args, "y*y*y*(y*w*y*)w*p", &views[0], &views[1], &views[2], &views[3], &views[4], &views[5],
                          &views[6], &is_float))
        return NULL;
    const Py_ssize_t count = views[2].len, groups = views[4].len / (Py_ssize_t)sizeof(int64_t);
    const int width = width_of(views[0].len, count);
    if (width && views[1].len == count * width && (views[6].len % width == 0 || !count) &&
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
    int is_float, are_right = 0;
    if (!PyArg_ParseTuple(args, "y*y*(y*w*y*)y*w*p", &views[0], &views[1], &views[2], &views[3], &views[4], &views[5],
                          &views[6], &is_float))
        return NULL;
    const Py_ssize_t count = views[1].len, groups = views[3].len / (Py_ssize_t)sizeof(int64_t);
    const int width = width_of(views[5].len, count);
    if (width && (views[0].len % width == 0 || !count) && views[6].len == count * width &&
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

/* Whether keys, turns and spikes are there for so many symbols. */
static int are_bins(Py_ssize_t count, const Py_buffer *keys, const Py_buffer *turns, const Py_buffer *spikes) {
    int are_right = keys->len == count && turns->len == KEYS && spikes->len % 4 == 0 && spikes->len <= 4 * MOST_SPIKES;
    for (int key = 0; are_right && key < KEYS; key++)
        are_right = ((const uint8_t *)turns->buf)[key] < BINS;
    return are_right;
}

static PyObject *bin_steps(PyObject *module, PyObject *args) {
    Py_buffer views[7] = {0};
    long long bit, end = -1;
    if (!PyArg_ParseTuple(args, "y*y*y*(w*w*y*y*)L", &views[0], &views[1], &views[2], &views[5], &views[6], &views[3],
                          &views[4], &bit))
        return NULL;
    const Py_ssize_t count = views[5].len;
    if (views[0].len == 4 * count && views[1].len == 4 * count && are_bins(count, &views[2], &views[3], &views[4]) &&
        bit >= 0 && bit / 8 <= views[6].len && views[6].len - bit / 8 >= 16 + 4 * count) {
        Py_BEGIN_ALLOW_THREADS
        Spikes spikes;
        read_spikes(&spikes, views[4].buf, views[4].len / 4);
        end = bin_all(views[0].buf, views[1].buf, views[2].buf, views[3].buf, &spikes, views[5].buf, views[6].buf, bit,
                      count);
        Py_END_ALLOW_THREADS
    }
    release(views, 7);
    return end >= 0 ? PyLong_FromLongLong(end) : wrong("the bins of steps do not fit where they are to go");
}

static PyObject *walk_binned(PyObject *module, PyObject *args) {
    Py_buffer views[7] = {0};
    long long bit, end = -1;
    if (!PyArg_ParseTuple(args, "y*(y*y*y*y*)Ly*w*", &views[2], &views[0], &views[1], &views[3], &views[4], &bit,
                          &views[5], &views[6]))
        return NULL;
    const Py_ssize_t count = views[0].len;
    if (views[5].len == 4 * count && views[6].len == 4 * count && are_bins(count, &views[2], &views[3], &views[4]) &&
        bit >= 0 && bit / 8 <= views[1].len) {
        Py_BEGIN_ALLOW_THREADS
        Place places[PLACES];
        build_places(places, views[4].buf, (int)(views[4].len / 4));
        end = walk_bins(views[0].buf, views[1].buf, views[1].len, bit, views[2].buf, views[3].buf, places, views[5].buf,
                        views[6].buf, count);
        Py_END_ALLOW_THREADS
    }
    release(views, 7);
    return end >= 0 ? PyLong_FromLongLong(end) : wrong("bins and what lies below them do not fit together");
}

static PyObject *predict(PyObject *module, PyObject *args) {
    Py_buffer views[5] = {0};
    PyObject *before, *moved;
    Py_ssize_t length;
    int kind, are_right = 0;
    if (!PyArg_ParseTuple(args, "y*OOw*in", &views[0], &before, &moved, &views[1], &kind, &length))
        return NULL;
    if ((before != Py_None && !PyArg_Parse(before, "(y*y*)", &views[2], &views[3])) ||
        (moved != Py_None && PyObject_GetBuffer(moved, &views[4], PyBUF_SIMPLE) < 0)) {
        release(views, 5);
        return NULL;
    }
    const Py_ssize_t width = kind == FLOAT32 ? 4 : 2, count = views[0].len / width;
    const Py_ssize_t rows = length < 1 ? 0 : count / length + (count % length != 0);
    if (kind >= FLOAT32 && kind <= FLOAT16 && length >= 1 && views[0].len % width == 0 && views[1].len == views[0].len &&
        (before == Py_None || (views[2].len == views[0].len && views[3].len == rows * 4)) &&
        (moved == Py_None || views[4].len == count * 4)) {
        are_right = 1;
        Py_BEGIN_ALLOW_THREADS
        predict_rows(views[0].buf, views[2].buf, views[3].buf, views[4].buf, views[1].buf, count, length, kind);
        Py_END_ALLOW_THREADS
    }
    release(views, 5);
    return are_right ? Py_NewRef(Py_None) : wrong("what a prediction is made of does not fit together");
}

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
    are_right = apart >= 0 && width >= 2 && width <= MOST_WIDTH && is_width(width) && items->len % width == 0;
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

static PyObject *expect(PyObject *module, PyObject *args) {
    Py_buffer views[6] = {0};
    int top, are_right;
    Py_ssize_t items;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*(y*y*y*)w*w*ni", &views[0], &views[1], &views[2], &views[3], &views[4], &views[5],
                          &items, &top))
        return NULL;
    const Py_ssize_t count = views[0].len, scales = views[3].len;
    are_right = items > 0 && scales > 0 && scales % items == 0 && count % scales == 0 && top >= 0 && top <= UINT8_MAX &&
                views[1].len == 4 * scales && views[2].len == 4 * scales && views[4].len == count &&
                views[5].len == count;
    if (!are_right)
        wrong("there is not one scale for as many levels each");
    else {
        const Py_ssize_t shared = count / scales;
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t row = 0; row < count / items; row++) {
            const Py_ssize_t from = row * items, scale = row / shared * items;
            expect_row((const uint8_t *)views[0].buf + from, (const int32_t *)views[1].buf + scale,
                       (const int32_t *)views[2].buf + scale, (const uint8_t *)views[3].buf + scale,
                       (uint8_t *)views[4].buf + from, (uint8_t *)views[5].buf + from, items, top << PART_BITS);
        }
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    release(views, 6);
    return result;
}

static PyMethodDef METHODS[] = {
    {"step", step, METH_VARARGS, NULL},
    {"walk", walk, METH_VARARGS, NULL},
    {"walk_binned", walk_binned, METH_VARARGS, NULL},
    {"bin_steps", bin_steps, METH_VARARGS, NULL},
    {"count", count, METH_VARARGS, NULL},
    {"expect", expect, METH_VARARGS, NULL},
    {"fields", fields, METH_VARARGS, NULL},
    {"row_keys", row_keys, METH_VARARGS, NULL},
    {"sort_steps", sort_steps, METH_VARARGS, NULL},
    {"walk_sorted", walk_sorted, METH_VARARGS, NULL},
    {"walk_usual", walk_usual, METH_VARARGS, NULL},
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
