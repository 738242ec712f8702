"""What every extension module for Python has in it, as a text in C: arguments taken, memory kept between calls."""

PREAMBLE = r"""
#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>
#include <stdlib.h>
#include <string.h>

/* the positional arguments, keywords among them; 0, or -1 with an error set */
static int gradjit_gather(const char *function, const char *const *names, Py_ssize_t count, PyObject *const *args,
                  Py_ssize_t nargs, PyObject *keywords, PyObject **given) {
    Py_ssize_t more = keywords == NULL ? 0 : PyTuple_Size(keywords);
    if (nargs > count) {
        PyErr_Format(PyExc_TypeError, "%s() takes %zd arguments but %zd were given", function, count, nargs);
        return -1;
    }
    for (Py_ssize_t k = 0; k < count; k++) given[k] = k < nargs ? args[k] : NULL;
    for (Py_ssize_t j = 0; j < more; j++) {
        PyObject *name = PyTuple_GetItem(keywords, j);
        Py_ssize_t k = 0;
        while (k < count && PyUnicode_CompareWithASCIIString(name, names[k]) != 0) k++;
        if (k == count || given[k] != NULL) {
            PyErr_Format(PyExc_TypeError, "%s() got %s argument %R", function,
                         k == count ? "an unexpected" : "twice the", name);
            return -1;
        }
        given[k] = args[nargs + j];
    }
    for (Py_ssize_t k = 0; k < count; k++)
        if (given[k] == NULL) {
            PyErr_Format(PyExc_TypeError, "%s() lacks the argument '%s'", function, names[k]);
            return -1;
        }
    return 0;
}

/* ValueError: what came, and what was expected */
static void gradjit_refuse(const char *function, const char *label, PyObject *x, const char *wanted) {
    if (PyArray_Check(x)) {
        PyObject *dtype = PyObject_GetAttrString(x, "dtype"), *shape = PyObject_GetAttrString(x, "shape");
        if (dtype != NULL && shape != NULL)
            PyErr_Format(PyExc_ValueError, "%s: the argument %s is an array of %S and shape %S, %s", function, label,
                         dtype, shape, wanted);
        Py_XDECREF(dtype);
        Py_XDECREF(shape);
        return;
    }
    PyErr_Format(PyExc_ValueError, "%s: the argument %s is %.40R, %s", function, label, x, wanted);
}

/* a row-major array of a type and rank: the argument itself, or a copy; NULL with an error set */
static PyArrayObject *gradjit_rows(const char *function, const char *label, PyObject *x, int type, int rank,
                           const char *wanted, int writes) {
    if (!PyArray_Check(x) || PyArray_NDIM((PyArrayObject *)x) != rank
        || !PyArray_EquivTypenums(PyArray_TYPE((PyArrayObject *)x), type)) {
        gradjit_refuse(function, label, x, wanted);
        return NULL;
    }
    PyArrayObject *a = (PyArrayObject *)x;
    if (writes && !PyArray_ISWRITEABLE(a)) {
        PyErr_Format(PyExc_ValueError, "%s writes to %s, which is read-only; pass a copy", function, label);
        return NULL;
    }
    if (PyArray_ISCARRAY_RO(a)) {
        Py_INCREF(x);
        return a;
    }
    return (PyArrayObject *)PyArray_FromArray(a, PyArray_DescrFromType(type),
                                              NPY_ARRAY_CARRAY_RO | NPY_ARRAY_ENSUREARRAY
                                              | (writes ? NPY_ARRAY_WRITEABLE | NPY_ARRAY_WRITEBACKIFCOPY : 0));
}

/* a NumPy scalar of a type; 0, or -1 with an error set */
static int gradjit_scalar(const char *function, const char *label, PyObject *x, int type, const char *wanted,
                          void *value) {
    if (PyArray_Check(x)) {
        PyArrayObject *a = gradjit_rows(function, label, x, type, 0, wanted, 0);
        if (a == NULL) return -1;
        memcpy(value, PyArray_DATA(a), (size_t)PyArray_ITEMSIZE(a));
        Py_DECREF((PyObject *)a);
        return 0;
    }
    if (PyArray_IsScalar(x, Generic)) {
        PyArray_Descr *descr = PyArray_DescrFromScalar(x);
        int fits = descr != NULL && PyArray_EquivTypenums(descr->type_num, type);
        Py_XDECREF((PyObject *)descr);
        if (fits) {
            PyArray_ScalarAsCtype(x, value);
            return 0;
        }
    }
    if (!PyErr_Occurred()) gradjit_refuse(function, label, x, wanted);
    return -1;
}

/* Ctrl-C, asked on the thread of the call */
static int gradjit_interrupted(void) {
    PyGILState_STATE state = PyGILState_Ensure();
    int answer = PyErr_CheckSignals();
    PyGILState_Release(state);
    return answer != 0;
}

/* memory that is kept from one call to the next: its size stands in front of it */
static char *gradjit_take(void **spare, int64_t size) {
    char *block = (char *)*spare;
    *spare = NULL;
    if (block != NULL && *(int64_t *)(void *)block < size) {
        free(block);
        block = NULL;
    }
    if (block == NULL) {
        block = (char *)malloc((size_t)size + 128);
        if (block == NULL) return NULL;
        *(int64_t *)(void *)block = size;
    }
    return block;
}

static void gradjit_give_back(void **spare, char *block) {
    if (block == NULL) return;
    if (*spare != NULL || *(int64_t *)(void *)block > 268435456) free(block);
    else *spare = block;
}

static char *gradjit_in_block(char *block) {
    return block + 128 - (uintptr_t)block % 64;
}
"""
