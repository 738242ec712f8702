"""Layouts that are not as expected are refused before anything is read through them."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import textwrap
import types

import numpy as np
import pytest

from gradjit.errors import DtypeError, LayoutError
from gradjit.runtime import cpython, numpy_abi


def refused_by(probes, layout) -> bool:
    for probe in probes:
        try:
            probe(layout)
        except LayoutError:
            return True
    return False


CPYTHON_OFFSETS = [
    *("type", "size", "float_value", "complex_value", "tuple_items"),
    *("list_items", "bytes_data", "cell_contents", "type_flags"),
]


@pytest.mark.parametrize("shift", [-8, 8])
@pytest.mark.parametrize("name", CPYTHON_OFFSETS)
def test_every_offset_into_cpythons_objects_is_probed(name, shift):
    true = cpython.layout()
    assert not refused_by(cpython._PROBES, true)
    moved = dataclasses.replace(true, **{name: getattr(true, name) + shift})
    assert refused_by(cpython._PROBES, moved)


def test_offsets_into_cpython_are_all_known_to_the_test():
    probed_elsewhere = {"dict_version", "type_vectorcall_offset", "type_version", "function_code", "function_defaults",
                        "function_kwdefaults"}
    assert {f.name for f in dataclasses.fields(cpython.CPythonLayout)} == {*CPYTHON_OFFSETS, *probed_elsewhere}


NUMPY_OFFSETS = ["data", "ndim", "shape", "strides", "base", "descr", "flags", "descr_byteorder", "descr_type_num"]


@pytest.mark.parametrize("shift", [-8, 8])
@pytest.mark.parametrize("name", NUMPY_OFFSETS)
def test_every_offset_into_numpys_objects_is_probed(name, shift):
    true = numpy_abi.layout()
    probes = (numpy_abi._probe_headers, numpy_abi._probe_dtypes)
    assert not refused_by(probes, true)
    moved = dataclasses.replace(true, **{name: getattr(true, name) + shift})
    assert refused_by(probes, moved)


def test_offsets_into_numpy_are_all_known_to_the_test():
    made_by_probing = {"scalar_value", "type_nums"}
    assert {f.name for f in dataclasses.fields(numpy_abi.NumPyLayout)} == {*NUMPY_OFFSETS, *made_by_probing}


def test_wrong_order_of_the_numpy_interface_is_refused(monkeypatch):
    monkeypatch.setattr(numpy_abi, "_INDEX_ARRAY_TYPE", 3)
    with pytest.raises(LayoutError, match="C interface"):
        numpy_abi._probe_api()


def test_place_of_dict_versions_is_found_by_experiment():
    found = cpython.layout().dict_version
    assert (found is not None) == (sys.version_info < (3, 13))
    if found is not None:
        assert cpython._dict_version_offset(found) == found
        assert cpython._dict_version_offset(found - 8) is None
        assert cpython._dict_version_offset(found + 8) is None


def test_place_of_type_versions_is_found_by_experiment():
    found = cpython.layout().type_version
    if found is not None:
        assert cpython._type_version_offset(found) == found
        assert cpython._type_version_offset(found - 8) is None
        assert cpython._type_version_offset(found + 8) is None


@pytest.mark.parametrize("name", ["__code__", "__defaults__", "__kwdefaults__"])
def test_fields_of_functions_are_found_by_experiment(name):
    offset = getattr(cpython.layout(), "function_" + name.strip("_"))

    def f(a=1, *, b=2):
        return a, b

    assert cpython.word_at(id(f) + offset) == id(getattr(f, name))


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(sys, "implementation", types.SimpleNamespace(name="other")),
        lambda patch: patch.setattr(cpython, "WORD", 4),
        lambda patch: patch.setattr(cpython, "object", types.SimpleNamespace(__basicsize__=32), raising=False),
    ],
    ids=["not CPython", "not 64 bits", "a larger object header"],
)
def test_builds_that_are_refused(monkeypatch, change):
    change(monkeypatch)
    with pytest.raises(LayoutError):
        cpython._check_build()


def test_missing_function_is_a_layout_error():
    with pytest.raises(LayoutError, match="PyNot_There"):
        cpython.address("PyNot_There")


def test_on_a_foreign_build_functions_still_answer_through_python():
    program = """
        import sys, types
        sys.path.insert(0, ".")
        sys.modules["gradjit"] = types.ModuleType("gradjit")  # this room alone
        sys.modules["gradjit"].__path__ = ["gradjit"]
        sys.implementation = types.SimpleNamespace(**{**vars(sys.implementation), "name": "other"})
        from gradjit.errors import LayoutError
        from gradjit.runtime.callable import FastCallable

        class Compiled(FastCallable):
            method = FastCallable(lambda self, x: ("method", x))

        function = Compiled(lambda *args, **kwargs: (args, kwargs))
        assert function(1, k=2) == ((1,), {"k": 2})
        assert function.method(3) == ("method", 3)
        assert function.misses == 1
        from gradjit.runtime import support
        for use in (lambda: function.install(None), support.addresses):
            try:
                use()
            except LayoutError as error:
                print(type(error).__name__)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "LayoutError\n" * 2), done.stderr


def test_canonical_dtypes():
    for name, dtype in numpy_abi.DTYPES.items():
        assert numpy_abi.canonical(name) is dtype
        assert numpy_abi.canonical(np.dtype(dtype, metadata={"a": 1})) is dtype
        assert numpy_abi.canonical(dtype.type) is dtype
    assert numpy_abi.canonical(np.longlong) is np.dtype("i8")
    for foreign in ("g", "G", "O", "S1", "M8[s]", ">i4", "f8,f8"):
        with pytest.raises(DtypeError):
            numpy_abi.canonical(foreign)
