"""The memory layout and the C functions of the running CPython, for machine code that speaks its calling convention.

Nothing here is taken on trust. The offsets are those of CPython's public headers, and `layout()` compares each of
them, before the first use, with what live objects of this very process look like: a build that differs (free-threaded,
reference-tracing, a future release) is refused with `LayoutError` instead of being read as wild memory. Every probe
reads inside an object that it holds, so that probing a foreign layout is itself harmless.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable

from gradjit.errors import LayoutError
from gradjit.records import dataclass

WORD = ctypes.sizeof(ctypes.c_void_p)

# The C functions that emitted code may call: name -> (result, parameters), one letter a type.
# p pointer, n Py_ssize_t, i int, d double, q long long, v void.
SIGNATURES: dict[str, tuple[str, str]] = {
    "Py_IncRef": ("v", "p"),
    "Py_DecRef": ("v", "p"),
    "PyErr_SetObject": ("v", "pp"),
    "PyErr_Clear": ("v", ""),
    "PyErr_Occurred": ("p", ""),
    "PyErr_ExceptionMatches": ("i", "p"),
    "PyErr_NoMemory": ("p", ""),
    "PyErr_SetString": ("v", "pp"),
    "PyErr_CheckSignals": ("i", ""),
    "PyGILState_Ensure": ("i", ""),
    "PyGILState_Release": ("v", "i"),
    "PyThread_get_thread_ident": ("n", ""),
    "Py_EnterRecursiveCall": ("i", "p"),
    "Py_LeaveRecursiveCall": ("v", ""),
    "PyEval_SaveThread": ("p", ""),
    "PyEval_RestoreThread": ("v", "p"),
    "PyMem_RawMalloc": ("p", "n"),
    "PyMem_RawFree": ("v", "p"),
    "PyNumber_Float": ("p", "p"),
    "PyObject_GetAttr": ("p", "pp"),
    "_PyObject_GetMethod": ("i", "ppp"),
    "PyObject_RichCompareBool": ("i", "ppi"),
    "PyObject_Vectorcall": ("p", "ppnp"),
    "PyDict_GetItemWithError": ("p", "pp"),
    "PyDict_Next": ("i", "pppp"),
    "PyDict_New": ("p", ""),
    "PyDict_Size": ("n", "p"),
    "PyDict_SetItem": ("i", "ppp"),
    "PyTuple_New": ("p", "n"),
    "PyList_New": ("p", "n"),
    "PyFloat_FromDouble": ("p", "d"),
    "PyComplex_FromDoubles": ("p", "dd"),
    "PyLong_FromLongLong": ("p", "q"),
    "PyLong_FromUnsignedLongLong": ("p", "q"),
    "PyBool_FromLong": ("p", "n"),
}
if ctypes.sizeof(ctypes.c_long) == 4:  # Windows
    SIGNATURES["PyBool_FromLong"] = ("p", "i")

# The immortal objects that emitted code names, by their C names.
OBJECTS: dict[str, object] = {
    "PyFloat_Type": float,
    "PyComplex_Type": complex,
    "PyLong_Type": int,
    "PyUnicode_Type": str,
    "PyBytes_Type": bytes,
    "PyTuple_Type": tuple,
    "PyList_Type": list,
    "PyDict_Type": dict,
    "PyBool_Type": bool,
    "_Py_NoneStruct": None,
    "_Py_TrueStruct": True,
    "PyExc_AttributeError": AttributeError,
    "PyExc_KeyboardInterrupt": KeyboardInterrupt,
    "PyExc_MemoryError": MemoryError,
    "PyExc_RuntimeError": RuntimeError,
    "PyExc_TypeError": TypeError,
}

NAMES = SIGNATURES.keys() | OBJECTS.keys()

PY_EQ = 2
PY_TP_ALLOC = 47
PY_TP_CALL = 50
PY_TP_MEMBERS = 72
METH_FASTCALL = 0x80
T_PYSSIZET = 19
T_ULONGLONG = 18
READONLY = 1
TPFLAGS_BASETYPE = 1 << 10
TPFLAGS_HAVE_VECTORCALL = 1 << 11
TPFLAGS_METHOD_DESCRIPTOR = 1 << 17

# Releases whose every dict modification draws a new, never reused `ma_version_tag` (PEP 509, withdrawn by PEP 699:
# from 3.13 on instances write attributes past the dict, and 3.14 has other uses for the field).
_RELEASES_WITH_DICT_VERSIONS = ((3, 11), (3, 12))


@dataclass(frozen=True)
class CPythonLayout:
    """Byte offsets into CPython's objects, all verified on this process.

    `tuple_items` and `bytes_data` are where the inline contents begin; `list_items` is where the pointer to them is.
    `dict_version` and `type_version` are None where this release has no usable version tag.
    """

    type: int
    size: int
    float_value: int
    complex_value: int
    tuple_items: int
    list_items: int
    bytes_data: int
    cell_contents: int
    dict_version: int | None
    function_code: int
    function_defaults: int
    function_kwdefaults: int
    type_version: int | None
    type_flags: int
    type_vectorcall_offset: int


def word_at(address: int) -> int:
    """The machine word at `address`."""
    return ctypes.c_size_t.from_address(address).value


def require(condition: bool, what: str) -> None:
    """Raise `LayoutError` unless the layout is as expected."""
    if not condition:
        raise LayoutError(
            f"this build of Python ({sys.version.split()[0]}) does not lay out {what} as gradjit expects; "
            "compiled functions need a standard CPython build with the GIL"
        )


@functools.cache
def layout() -> CPythonLayout:
    """The verified layout of this process; raises `LayoutError` if it is not the one that emitted code needs."""
    _check_build()
    header = object.__basicsize__
    found = CPythonLayout(
        type=WORD,
        size=header,
        float_value=header,
        complex_value=header,
        tuple_items=tuple.__basicsize__,
        list_items=header + WORD,
        bytes_data=bytes.__basicsize__ - 1,
        cell_contents=header,
        dict_version=_dict_version_offset(header + WORD),
        function_code=_field_of_function("__code__"),
        function_defaults=_field_of_function("__defaults__"),
        function_kwdefaults=_field_of_function("__kwdefaults__"),
        type_version=_type_version_offset(header + 46 * WORD),
        type_flags=header + 19 * WORD,
        type_vectorcall_offset=header + 5 * WORD,
    )
    for probe in _PROBES:
        probe(found)
    return found


def _check_build() -> None:
    require(sys.implementation.name == "cpython", "objects (it is not CPython)")
    require(WORD == 8, "pointers (it is not a 64-bit build)")
    require(object.__basicsize__ == 2 * WORD, "the object header (free-threaded and tracing builds have larger ones)")


def _probe_header(at: CPythonLayout) -> None:
    class Slotless:
        __slots__ = ()

    probe = Slotless()
    require(word_at(id(probe) + at.type) == id(Slotless), "the type pointer")


def _probe_numbers(at: CPythonLayout) -> None:
    number = float("1.6180339887498949")
    require(float.__basicsize__ == at.float_value + 8, "float")
    require(ctypes.c_double.from_address(id(number) + at.float_value).value == number, "float")
    pair = complex("2.5-0.375j")
    require(complex.__basicsize__ == at.complex_value + 16, "complex")
    parts = (ctypes.c_double * 2).from_address(id(pair) + at.complex_value)
    require((parts[0], parts[1]) == (2.5, -0.375), "complex")


def _probe_containers(at: CPythonLayout) -> None:
    items = [object(), object(), object()]
    row = tuple(items)
    require(word_at(id(row) + at.size) == 3, "tuple")
    require(all(word_at(id(row) + at.tuple_items + WORD * k) == id(x) for k, x in enumerate(items)), "tuple")
    require(list.__basicsize__ >= at.list_items + WORD, "list")
    require(word_at(id(items) + at.size) == 3, "list")
    start = word_at(id(items) + at.list_items)
    require(start > 4096 and all(word_at(start + WORD * k) == id(x) for k, x in enumerate(items)), "list")
    text = bytes(range(17))
    require(word_at(id(text) + at.size) == 17, "bytes")
    require(ctypes.string_at(id(text) + at.bytes_data, 17) == text, "bytes")


def _probe_cell(at: CPythonLayout) -> None:
    import types

    content = object()
    cell = types.CellType(content)
    require(types.CellType.__basicsize__ >= at.cell_contents + WORD, "cell")
    require(word_at(id(cell) + at.cell_contents) == id(content), "cell")
    del cell.cell_contents
    require(word_at(id(cell) + at.cell_contents) == 0, "an empty cell")


def _probe_types(at: CPythonLayout) -> None:
    require(type.__dict__["__basicsize__"].__get__(type) > at.type_flags + WORD, "type")
    for cls in (int, float, dict, CPythonLayout, LayoutError, type(len)):
        require(word_at(id(cls) + at.type_flags) & 0xFFFFFFFF == cls.__flags__ & 0xFFFFFFFF, "the flags of a type")


_PROBES: tuple[Callable[[CPythonLayout], None], ...] = (
    _probe_header,
    _probe_numbers,
    _probe_containers,
    _probe_cell,
    _probe_types,
)


def _dict_version_offset(offset: int) -> int | None:
    """Where a dict keeps its version, or None unless every kind of modification is seen to change it."""
    if sys.version_info[:2] not in _RELEASES_WITH_DICT_VERSIONS or dict.__basicsize__ < offset + WORD:
        return None
    probe: dict[object, object] = {"a": 1}
    modifications: tuple[Callable[[], object], ...] = (
        lambda: probe.__setitem__("b", 2),
        lambda: probe.__setitem__("a", 3),
        lambda: probe.__delitem__("a"),
        lambda: probe.update(c=4),
        lambda: probe.setdefault("d", 5),
        lambda: probe.pop("c"),
        lambda: probe.__ior__({7: 8}),
        lambda: probe.popitem(),
        lambda: probe.clear(),
    )
    seen = [word_at(id(probe) + offset)]
    for modify in modifications:
        modify()
        seen.append(word_at(id(probe) + offset))
        if probe.get("b") is object() or word_at(id(probe) + offset) != seen[-1]:
            return None
    return offset if len(set(seen)) == len(seen) else None


def _field_of_function(name: str) -> int:
    """Where a function keeps an attribute: the one word of it that follows the attribute, 0 for None."""
    import types

    def probe(a: object = object(), *, b: object = object()) -> object:
        return a, b

    size = types.FunctionType.__basicsize__
    found = [k for k in range(0, size, WORD) if word_at(id(probe) + k) == id(getattr(probe, name))]
    require(len(found) == 1, f"the {name} of a function")
    if name != "__code__":
        setattr(probe, name, None)
        require(word_at(id(probe) + found[0]) == 0, f"the {name} of a function")
    return found[0]


def _type_version_offset(offset: int) -> int | None:
    """Where a type keeps the version of its attributes, or None unless every modification is seen to change it."""
    if type.__dict__["__basicsize__"].__get__(type) < offset + WORD:
        return None

    class Base:
        pass

    class Probe(Base):
        pass

    modifications: tuple[Callable[[], object], ...] = (
        lambda: setattr(Probe, "a", 1),
        lambda: setattr(Probe, "a", 2),
        lambda: setattr(Base, "a", 3),
        lambda: delattr(Probe, "a"),
        lambda: setattr(Base, "b", 4),
        lambda: setattr(Probe, "__bases__", (type("Other", (), {}),)),
    )
    at = ctypes.c_uint32.from_address(id(Probe) + offset)
    seen = []
    for modify in modifications:
        for _ in range(4):
            getattr(Probe, "a", None)
        before = at.value
        if before == 0 or before in seen:
            return None
        seen.append(before)
        modify()
        if at.value == before:
            return None
    return offset


@functools.cache
def address(name: str) -> int:
    """The address of a C function of `SIGNATURES` or of one of `OBJECTS`; `LayoutError` if this Python has it not."""
    if name in OBJECTS:
        return id(OBJECTS[name])
    try:
        return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
    except AttributeError:
        raise LayoutError(f"this build of Python does not export {name}") from None


def has(name: str) -> bool:
    """Whether this Python exports a C function."""
    return hasattr(ctypes.pythonapi, name)


def type_slot(cls: type, slot: int) -> int:
    """The C function in a slot of a type object (`PyType_GetSlot`), 0 if it has none."""
    get = ctypes.pythonapi.PyType_GetSlot
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_int]
    return get(cls, slot) or 0


class _MethodDef(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


def method_def(name: str, function: int, flags: int, doc: str) -> ctypes.Structure:
    """A PyMethodDef for machine code at `function`; builtins made from it point into it, so keep it for ever."""
    return _MethodDef(name.encode(), function, flags, doc.encode())


def builtin(definition: ctypes.Structure, owner: object) -> Callable[..., object]:
    """A builtin function object that passes `owner`, which it keeps alive, as the C function's first argument."""
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p]
    return new(ctypes.addressof(definition), owner, None)


class _MemberDef(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("offset", ctypes.c_ssize_t),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


class _Slot(ctypes.Structure):
    _fields_ = [("slot", ctypes.c_int), ("value", ctypes.c_void_p)]


class _Spec(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("basicsize", ctypes.c_int),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("slots", ctypes.POINTER(_Slot)),
    ]


_kept: list[object] = []  # what CPython holds plain pointers to


def raw_type(name: str, words: dict[str, int]) -> type:
    """A heap type whose instances begin, after the header, with zeroed machine words, one for each entry of `words`.

    `words` maps a member's name to its C type code; members are read-only from Python. A member called
    `__vectorcalloffset__` makes that word the instance's vectorcall function, which subclasses use if they have the
    flag (see `enable_type_flags`).
    """
    header = object.__basicsize__
    members = (_MemberDef * (len(words) + 1))()
    for k, (member, code) in enumerate(words.items()):
        members[k] = _MemberDef(member.encode(), code, header + WORD * k, READONLY, None)
    call = ctypes.cast(ctypes.pythonapi.PyVectorcall_Call, ctypes.c_void_p).value
    chosen = [_Slot(PY_TP_MEMBERS, ctypes.addressof(members))]
    chosen += [_Slot(PY_TP_CALL, call)] if "__vectorcalloffset__" in words else []
    slots = (_Slot * (len(chosen) + 1))(*chosen)
    spec = _Spec(name.encode(), header + WORD * len(words), 0, TPFLAGS_BASETYPE, slots)
    _kept.extend((members, slots, spec))
    make = ctypes.pythonapi.PyType_FromSpec
    make.restype, make.argtypes = ctypes.py_object, [ctypes.POINTER(_Spec)]
    return make(ctypes.byref(spec))


def enable_type_flags(cls: type, flags: int) -> None:
    """Set flags of a type that no Python statement sets: `TPFLAGS_HAVE_VECTORCALL`, `TPFLAGS_METHOD_DESCRIPTOR`.

    CPython 3.11 gives the vectorcall flag to no class made by a class statement, and later releases not to one with a
    `__call__` of its own.
    """
    at = ctypes.c_ulong.from_address(id(cls) + layout().type_flags)
    at.value |= flags


def mortal_words(name: str, at_death: Callable[[int], None]) -> Callable[[int], object]:
    """A maker of objects that hold a word and call `at_death(word)` when they are deallocated.

    What memory such an object stands for outlives every use of it, also in a garbage cycle. There, the `__del__`
    methods of all objects run one after the other, and a later one may still use what an earlier one has freed. These
    objects take no part in that: the garbage collector does not know them (which no class statement can have), so that
    they die last, by reference counting, when the cycle has been cleared.
    """
    cls = raw_type(name, {"word": T_ULONGLONG})
    offset = object.__basicsize__
    read = ctypes.c_size_t.from_address

    def finalise(self: object, exiting: Callable[[], bool] = sys.is_finalizing) -> None:
        if not exiting():  # else the modules that would do the work are half gone, and the process frees it all
            at_death(read(id(self) + offset).value)

    cls.__del__ = finalise  # type: ignore[attr-defined]

    def make(word: int) -> object:
        made = cls()
        read(id(made) + offset).value = word
        return made

    return make
