/* Sums over float32 numbers, compiled. `statistics.py` beside it says the same in numpy; both give the same bits.
   Little-endian processors only: elsewhere numpy adds. The loops run without the interpreter's lock. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the compiled sums are for little-endian processors"
#endif

#define LANES 8
#define RUN 128

typedef struct {
    double mean, spread, minimum, maximum;
    Py_ssize_t zeros;
    int is_finite;
} Sums;

static inline float number(const char *from, Py_ssize_t at) {
    float value;
    memcpy(&value, from + at * (Py_ssize_t)sizeof value, sizeof value);
    return value;
}

static inline double term(const char *from, Py_ssize_t at, double mean, int is_square) {
    const double far = (double)number(from, at) - mean;
    return is_square ? far * far : far;
}

static inline double add_few(const char *from, Py_ssize_t count, double mean, int is_square) {
    double lanes[LANES], total = 0;
    Py_ssize_t at = 0;
    if (count >= LANES) {
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane] = term(from, lane, mean, is_square);
        for (at = LANES; at < count - count % LANES; at += LANES)
            for (int lane = 0; lane < LANES; lane++)
                lanes[lane] += term(from, at + lane, mean, is_square);
        total = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    }
    for (; at < count; at++)
        total += term(from, at, mean, is_square);
    return total;
}

/* Adds in the order of numpy's pairwise addition: up to 128 numbers in eight lanes, more in two halves. */
static double add(const char *from, Py_ssize_t count, double mean, int is_square) {
    if (count <= RUN)
        return is_square ? add_few(from, count, mean, 1) : add_few(from, count, mean, 0);
    const Py_ssize_t half = count / 2 - count / 2 % LANES;
    return add(from, half, mean, is_square) + add(from + 4 * half, count - half, mean, is_square);
}

static void find_range(const char *from, Py_ssize_t count, Sums *found) {
    float least[LANES], most[LANES];
    int32_t zeros[LANES] = {0};
    for (int lane = 0; lane < LANES; lane++)
        least[lane] = most[lane] = number(from, 0);
    for (Py_ssize_t at = 0; at < count; at += LANES)
        for (int lane = 0; lane < LANES && lane < count - at; lane++) {
            const float value = number(from, at + lane);
            least[lane] = value < least[lane] ? value : least[lane];
            most[lane] = value > most[lane] ? value : most[lane];
            zeros[lane] += value == 0;
        }
    found->minimum = least[0];
    found->maximum = most[0];
    for (int lane = 0; lane < LANES; lane++) {
        found->minimum = least[lane] < found->minimum ? least[lane] : found->minimum;
        found->maximum = most[lane] > found->maximum ? most[lane] : found->maximum;
        found->zeros += zeros[lane];
    }
}

static Sums sum_up(const char *from, Py_ssize_t count) {
    Sums found = {0};
    const double total = add(from, count, 0, 0);
    found.is_finite = isfinite(total) != 0;
    if (!found.is_finite)
        return found;
    find_range(from, count, &found);
    const double mean = total / (double)count;
    found.mean = mean < found.minimum ? found.minimum : mean > found.maximum ? found.maximum : mean;
    found.spread = add(from, count, found.mean, 1);
    return found;
}

static PyObject *told(const Sums *found, Py_ssize_t count) {
    PyObject *list = PyList_New(count);
    for (Py_ssize_t at = 0; list != NULL && at < count; at++) {
        const Sums *one = &found[at];
        PyObject *item = one->is_finite ? Py_BuildValue("ddddn", one->mean, one->spread, one->minimum + 0.0,
                                                        one->maximum + 0.0, one->zeros)
                                        : Py_NewRef(Py_None);
        if (item == NULL || PyList_SetItem(list, at, item) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *of_slices(PyObject *module, PyObject *args) {
    Py_buffer view = {0};
    Py_ssize_t length;
    if (!PyArg_ParseTuple(args, "y*n", &view, &length))
        return NULL;
    const Py_ssize_t count = view.len / 4;
    if (length < 1 || view.len % 4) {
        PyBuffer_Release(&view);
        PyErr_SetString(PyExc_ValueError, "there are no whole numbers, or no slices of them");
        return NULL;
    }
    const Py_ssize_t slices = count / length + (count % length != 0);
    Sums *found = PyMem_Malloc((size_t)(slices ? slices : 1) * sizeof *found);
    if (found != NULL) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t at = 0; at < slices; at++)
            found[at] = sum_up((const char *)view.buf + 4 * at * length,
                               at + 1 < slices ? length : count - at * length);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&view);
    PyObject *list = found == NULL ? PyErr_NoMemory() : told(found, slices);
    PyMem_Free(found);
    return list;
}

static PyMethodDef functions[] = {
    {"of_slices", of_slices, METH_VARARGS,
     "Return for each slice of so many float32 (mean, spread, minimum, maximum, zeros), or None where its sum is not "
     "finite."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_sums", NULL, 0, functions, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__sums(void) { return PyModule_Create(&module); }
