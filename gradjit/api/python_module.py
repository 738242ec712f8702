"""An extension module for Python around a library, as a text in C: it needs NumPy and nothing else.

It is written against Python's stable interface, so that one file serves all versions of Python from 3.11 on. A call
checks the types and shapes of its arguments, has NumPy pack arrays that are not row-major, and calls the C function,
which checks the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ..codegen import Check
from ..codegen.symbols import CYTHON
from ..ir.sizes import Size
from ..runtime.library.description import LibraryDescription, LibraryParameter, LibraryRoutine
from ..runtime.library.error_codes import CONDITION, INTERRUPTED, NO_MEMORY, NO_ROUTINE, PROCESSOR, code
from ..runtime.library.header import C_TYPES, c_number
from ..runtime.library.python_glue import PREAMBLE
from ..runtime.library.routines_outside import OutsideRoutine
from .backends import GIL_WORK
from .declared import Array, DeclaredSignature

TYPE_NUMBERS = {"f64": "NPY_FLOAT64", "f32": "NPY_FLOAT32", "bool": "NPY_BOOL",
                **{f"i{n}": f"NPY_INT{n}" for n in (8, 16, 32, 64)},
                **{f"u{n}": f"NPY_UINT{n}" for n in (8, 16, 32, 64)}}
STACK = 4096


def module_source(library: LibraryDescription, routines: Sequence[OutsideRoutine], version: str) -> str:
    """The module's C file."""
    functions = "\n".join(_function(r) for r in library.routines)
    table = "\n".join(
        f'    {{"{r.name}", (PyCFunction)(void (*)(void))gradjit_call_{r.name}, METH_FASTCALL | METH_KEYWORDS, '
        f'{_quoted(_documentation(r))}}},' for r in library.routines)
    return (f"/* The Python module {library.name}, made by gradjit {version}: needs NumPy alone. */\n"
            f"{PREAMBLE.strip()}\n\n#include \"{library.name}.h\"\n\n{functions}\n"
            f"static PyMethodDef gradjit_methods[] = {{\n{table}\n    {{NULL, NULL, 0, NULL}}\n}};\n\n"
            f"{_initialisation(library, routines)}")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _documentation(r: LibraryRoutine) -> str:
    return f"{r.name}($module, {', '.join(r.arguments)})\n--\n\n{r.title}: ({r.signature})"


# calls ----------------------------------------------------------------------------------------------------------------
def leaves_of(x: Any, place: str) -> Iterator[tuple[Any, str, list[str]]]:
    """What is declared of each leaf, a C expression for it, and the tests of the containers on the way, in the order of
    the leaves. (Dicts are by sorted keys there.)"""
    if isinstance(x, dict):
        yield None, "", [f"PyDict_CheckExact({place}) && PyDict_Size({place}) == {len(x)}"]
        for key in sorted(x):
            item = f"PyDict_GetItemString({place}, {_quoted(str(key))})"
            yield None, "", [f"{item} != NULL"]
            yield from leaves_of(x[key], item)
    elif isinstance(x, (tuple, list)):
        kind = "PyTuple" if isinstance(x, tuple) else "PyList"
        yield None, "", [f"{kind}_CheckExact({place}) && {kind}_Size({place}) == {len(x)}"]
        for k, item in enumerate(x):
            yield from leaves_of(item, f"{kind}_GetItem({place}, {k})")
    else:
        yield x, place, []


def _function(r: LibraryRoutine) -> str:
    return "\n".join(_CallText(r).lines())


class _CallText:
    """The function that Python calls."""

    def __init__(self, r: LibraryRoutine) -> None:
        self.r = r
        self.declared = DeclaredSignature(r.signature).arguments
        self.body: list[str] = []

    def lines(self) -> list[str]:
        r = self.r
        names = ", ".join(_quoted(n) for n in r.arguments) or "NULL"
        count = len(r.arguments)
        arrays = [p for p in r.parameters if not p.by_value and (p.shape or p.role != "out")]
        head = [
            f"static PyObject *gradjit_call_{r.name}(PyObject *self, PyObject *const *args, Py_ssize_t nargs, "
            f"PyObject *keywords) {{",
            f"    static const char *const names[] = {{{names}}};",
            "    (void)self;",
            f"    PyObject *given[{max(count, 1)}], *answer = NULL;",
            *(f"    PyArrayObject *a_{p.name} = NULL;" for p in arrays),
            *(f"    {C_TYPES[p.dtype.name]} v_{p.name} = 0;" for p in r.parameters if p not in arrays),
            *(f"    int64_t s_{d} = -1;" for d in r.sizes),
            *(f"    PyObject *r_{k} = NULL;" for k in range(len(r.outputs))),
            f"    if (gradjit_gather(\"{r.name}\", names, {count}, args, nargs, keywords, given) < 0) return NULL;",
        ]
        self.take_arguments()
        self.allocate()
        self.call()
        self.build()
        tail = ["leave:", *(f"    Py_XDECREF((PyObject *)a_{p.name});" for p in arrays),
                *(f"    Py_XDECREF(r_{k});" for k in range(len(r.outputs))), "    return answer;", "}", ""]
        return [*head, *self.body, *tail]

    def emit(self, *lines: str) -> None:
        self.body += [f"    {line}" for line in lines]

    def wrong(self, condition: str, *actions: str) -> None:
        self.emit(f"if ({condition}) {{", *(f"    {a}" for a in actions), "    goto leave;", "}")

    def take_arguments(self) -> None:
        r = self.r
        taken = iter(p for p in r.parameters if p.role != "out")
        self.places: list[str] = []
        seen: set[str] = set()
        for k, x in enumerate(self.declared):
            for leaf, place, tests in leaves_of(x, f"given[{k}]"):
                for test in tests:
                    self.wrong(f"!({test})", f"PyErr_SetString(PyExc_ValueError, \"{r.name} is declared for (\" "
                               f"{_quoted(r.signature)} \"), and is called with arguments in other containers, or "
                               f"another number of them\");")
                if tests:
                    continue
                self.places.append(place)
                if isinstance(leaf, Array) or type(leaf) is float:
                    self.take(next(taken), place, type(leaf) is float, seen)
                else:
                    self.static(r.arguments[k], place, leaf)

    def take(self, p: LibraryParameter, place: str, is_float: bool, seen: set[str]) -> None:
        r = self.r
        label, wanted = _quoted(p.label), _quoted(f"expected {p.type}")
        if is_float:
            self.wrong(f"!PyFloat_CheckExact({place})",
                       f"gradjit_refuse(\"{r.name}\", {label}, {place}, \"expected float\");")
            self.emit(f"v_{p.name} = PyFloat_AsDouble({place});")
        elif not p.shape:
            self.wrong(f"gradjit_scalar(\"{r.name}\", {label}, {place}, {TYPE_NUMBERS[p.dtype.name]}, {wanted}, "
                       f"&v_{p.name}) < 0")
        else:
            self.emit(f"a_{p.name} = gradjit_rows(\"{r.name}\", {label}, {place}, {TYPE_NUMBERS[p.dtype.name]}, "
                      f"{len(p.shape)}, {wanted}, {int(p.role == 'inout')});")
            self.emit(f"if (a_{p.name} == NULL) goto leave;")
            for axis, e in enumerate(p.shape):
                self.extent(p, place, axis, e, seen)

    def extent(self, p: LibraryParameter, place: str, axis: int, e: int, seen: set[str]) -> None:
        dim = f"PyArray_DIM(a_{p.name}, {axis})"
        told = f"gradjit_refuse(\"{self.r.name}\", {_quoted(p.label)}, {place}, "
        if type(e) is Size and e.dim is not None and e.text not in seen:
            seen.add(e.text)
            self.emit(f"s_{e.text} = {dim};")
        elif type(e) is Size:
            self.wrong(f"{dim} != {self.number(e)}", "char text[100];",
                       f"PyOS_snprintf(text, sizeof text, \"whose axis {axis} should have {e.text} = %lld elements\", "
                       f"(long long)({self.number(e)}));", f"{told}text);")
        else:
            self.wrong(f"{dim} != {e}", f"{told}{_quoted(f'expected {p.type}')});")

    def number(self, n: int) -> str:
        """A polynomial in the variables of the function."""
        text = c_number(n)
        for d in sorted(self.r.sizes, key=lambda d: -len(d.name)):
            text = renamed(text, d.name, f"s_{d.name}")
        return text

    def static(self, label: str, place: str, value: Any) -> None:
        tests = {
            bool: lambda: f"{place} != {'Py_True' if value else 'Py_False'}",
            type(None): lambda: f"{place} != Py_None",
            int: lambda: f"!PyLong_CheckExact({place}) || PyLong_AsLongLong({place}) != {value}LL",
            str: lambda: f"!PyUnicode_CheckExact({place}) || PyUnicode_CompareWithASCIIString({place}, "
                         f"{_quoted(value)}) != 0",
        }
        self.wrong(tests[type(value)](), "PyErr_Clear();",
                   f"gradjit_refuse(\"{self.r.name}\", {_quoted(label)}, {place}, "
                   f"{_quoted(f'expected {value!r}')});")

    def allocate(self) -> None:
        """Fresh arrays for the results."""
        for k, at in enumerate(self.r.outputs):
            p = self.r.parameters[at]
            if p.role == "inout" or not p.shape:
                continue
            self.emit("{", f"    npy_intp shape[] = {{{', '.join(self.number(e) for e in p.shape)}}};")
            self.wrong(" || ".join(f"shape[{axis}] < 0" for axis in range(len(p.shape))),
                       f"PyErr_SetString(PyExc_ValueError, {self.r.name}_error({code(CONDITION)}));")
            self.emit(f"    r_{k} = PyArray_SimpleNew({len(p.shape)}, shape, {TYPE_NUMBERS[p.dtype.name]});",
                      f"    if (r_{k} == NULL) goto leave;", f"    a_{p.name} = (PyArrayObject *)r_{k};",
                      f"    Py_INCREF(r_{k});", "}")

    def call(self) -> None:
        r = self.r
        data = [f"v_{p.name}" if p.by_value else f"&v_{p.name}" if not p.shape and p.role == "out" else
                f"({C_TYPES[p.dtype.name]} *)PyArray_DATA(a_{p.name})" for p in r.parameters]
        self.emit("{", f"    int64_t size = {r.name}_workspace({', '.join(f's_{d}' for d in r.sizes)});")
        self.emit("    if (size < 0) {",
                  f"        PyErr_SetString(PyExc_ValueError, {r.name}_error((int32_t)size));",
                  "        goto leave;", "    }",
                  "    static void *spare = NULL;",
                  f"    char near[{STACK + 64}], *block = size > {STACK} ? gradjit_take(&spare, size) : NULL;",
                  f"    if (size > {STACK} && block == NULL) {{ PyErr_NoMemory(); goto leave; }}",
                  "    char *workspace = size == 0 ? NULL : block != NULL ? gradjit_in_block(block) : "
                  "near + 64 - (uintptr_t)near % 64;",
                  "    int32_t status;")
        long = any(v.work > GIL_WORK for v in r.versions)
        arguments = ", ".join([*(f"s_{d}" for d in r.sizes), *data, "workspace"])
        self.emit(*(["    Py_BEGIN_ALLOW_THREADS"] if long else []), f"    status = {r.name}({arguments});",
                  *(["    Py_END_ALLOW_THREADS"] if long else []))
        self.emit("    if (status != 0) {", *(f"        {line}" for line in self.errors()),
                  "        gradjit_give_back(&spare, block);", "        goto leave;", "    }",
                  "    gradjit_give_back(&spare, block);",
                  "}")
        for p in r.parameters:
            if p.role == "inout":
                self.emit(f"if (PyArray_ResolveWritebackIfCopy(a_{p.name}) < 0) goto leave;")

    def errors(self) -> Iterator[str]:
        """What is raised for a status."""
        r = self.r
        yield "switch (status) {"
        for number, v in enumerate(r.versions):
            for k, check in enumerate(v.checks, r.first_check(number) + 1):
                yield f"case {k}:"
                yield from (f"    {line}" for line in self.raised(check, v.workspace_bytes))
                yield "    break;"
        yield f"case {code(INTERRUPTED)}:"
        yield "    if (!PyErr_Occurred()) PyErr_SetNone(PyExc_KeyboardInterrupt);"
        yield "    break;"
        for kind, error in ((NO_MEMORY, "MemoryError"), (PROCESSOR, "RuntimeError"), (NO_ROUTINE, "RuntimeError")):
            yield f"case {code(kind)}: PyErr_SetString(PyExc_{error}, {r.name}_error(status)); break;"
        yield f"default: PyErr_SetString(PyExc_ValueError, {r.name}_error(status));"
        yield "}"

    def raised(self, check: Check, workspace_bytes: int) -> Iterator[str]:
        error = f"PyExc_{builtin(check.error)}"
        if not check.is_described:
            yield f"PyErr_SetString({error}, {_quoted(check.describe(0, 0))});"
            return
        yield f"{{ int64_t at[2]; memcpy(at, workspace + ({self.number(workspace_bytes)}) - 16, 16);"
        yield (f"PyErr_Format({error}, \"index %lld is out of bounds for an axis with size %lld%s\", "
               f"(long long)(at[0] >= 0 ? at[0] : at[0] - at[1]), (long long)at[1], {_quoted(check.where)}); }}")

    def build(self) -> None:
        """The result."""
        r = self.r
        for k, at in enumerate(r.outputs):
            p = r.parameters[at]
            if p.role == "inout" or p.shape:
                continue
            number = TYPE_NUMBERS[p.dtype.name]
            if r.forms[k] == "array":
                self.emit(f"r_{k} = PyArray_SimpleNew(0, NULL, {number});",
                          f"if (r_{k} != NULL) memcpy(PyArray_DATA((PyArrayObject *)r_{k}), &v_{p.name}, "
                          f"sizeof v_{p.name});")
            elif r.forms[k] == "python" and p.dtype.name == "f64":
                self.emit(f"r_{k} = PyFloat_FromDouble(v_{p.name});")
            else:
                self.emit("{", f"    PyArray_Descr *descr = PyArray_DescrFromType({number});",
                          f"    r_{k} = PyArray_Scalar(&v_{p.name}, descr, NULL);", "    Py_DECREF((PyObject *)descr);",
                          "}")
            self.emit(f"if (r_{k} == NULL) goto leave;")
        text, values = self.format(r.result)
        self.emit(f"answer = Py_BuildValue({_quoted(text)}{''.join(f', {v}' for v in values)});")

    def format(self, node: Any) -> tuple[str, list[str]]:
        """A result for `Py_BuildValue`."""
        ((kind, value),) = node.items()
        if kind == "output":
            return "O", [f"r_{value}"]
        if kind == "argument":
            return "O", [self.places[value]]
        if kind == "constant":
            if value is None or isinstance(value, bool):
                return "O", [{None: "Py_None", True: "Py_True", False: "Py_False"}[value]]
            letter = {int: "L", float: "d", str: "s"}[type(value)]
            return letter, [f"{value}LL" if letter == "L" else repr(value) if letter == "d" else _quoted(value)]
        items = [(k, *self.format(v)) for k, v in (value if kind == "dict" else enumerate(value))]
        marks = {"tuple": "()", "list": "[]", "dict": "{}"}[kind]
        text = ",".join(("s:" if kind == "dict" else "") + t for _, t, _ in items)
        values = [v for k, _, vs in items for v in ([_quoted(str(k))] if kind == "dict" else []) + vs]
        return marks[0] + text + marks[1], values


def builtin(error: type[BaseException]) -> str:
    """The exception of Python's own that an error is."""
    return next(c.__name__ for c in error.__mro__ if c.__module__ == "builtins")


def renamed(text: str, name: str, new: str) -> str:
    """A formula with another name for a variable."""
    return re.sub(rf"(?<!\w){name}(?!\w)", new, text)


# the module -----------------------------------------------------------------------------------------------------------
def _initialisation(library: LibraryDescription, routines: Sequence[OutsideRoutine]) -> str:
    connect = ""
    if routines:
        rows = "\n".join(f"    if (!gradjit_has_{x.name}() && "
                         f"gradjit_connect({_quoted(module_of(x)[0])}, {_quoted(module_of(x)[1])}, "
                         f"\"{x.name}\") < 0) return -1;" for x in routines)
        weak = "\n".join(f"extern void {x.fortran}(void) __attribute__((weak));\n"
                         f"static int gradjit_has_{x.name}(void) {{ return {x.fortran} != NULL; }}" for x in routines)
        connect = f"""{weak}

/* a routine of SciPy's, where the module was not linked with one */
static int gradjit_connect(const char *where, const char *name, const char *routine) {{
    PyObject *found = PyImport_ImportModule(where), *every = NULL, *capsule = NULL;
    int answer = -1;
    if (found != NULL) every = PyObject_GetAttrString(found, "__pyx_capi__");
    if (every != NULL) capsule = PyMapping_GetItemString(every, name);
    if (capsule != NULL) {{
        void *address = PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule));
        if (address != NULL) answer = {library.name}_set_routine(routine, (void (*)(void))address);
    }}
    Py_XDECREF(found);
    Py_XDECREF(every);
    Py_XDECREF(capsule);
    return answer;
}}

"""
        rows += "\n"
    else:
        rows = ""
    return f"""{connect}static int gradjit_start(PyObject *module) {{
    (void)module;
    if (PyArray_ImportNumPyAPI() < 0) return -1;
{rows}    {library.name}_set_interrupt(gradjit_interrupted);
    return 0;
}}

static PyModuleDef_Slot gradjit_slots[] = {{{{Py_mod_exec, (void *)gradjit_start}}, {{0, NULL}}}};
static struct PyModuleDef gradjit_definition = {{
    PyModuleDef_HEAD_INIT, "{library.name}", "Functions compiled by gradjit.", 0, gradjit_methods, gradjit_slots,
    NULL, NULL, NULL
}};

PyMODINIT_FUNC PyInit_{library.name}(void) {{
    return PyModuleDef_Init(&gradjit_definition);
}}
"""


def module_of(x: OutsideRoutine) -> tuple[str, str]:
    """SciPy's module that exports a routine, and the name that it has there."""
    return CYTHON[x.symbol]


__all__ = ["builtin", "module_source", "renamed"]
