"""Compares NumPy functions on traced arrays, interpreted, with NumPy itself: value, dtype, shape, kind, error class.

A case is a call: `case(np.sum, X, axis=1)`. It runs three ways: with its arrays traced (as arguments),
with its arrays known
(constants folded while tracing), and through NumPy. Where NumPy raises, gradjit must raise an error of the same builtin
class; a case marked `refused` must raise UnsupportedError that names the function and the line.
"""

from __future__ import annotations

import functools
import types
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from gradjit.errors import DtypeError, GradjitError, UnsupportedError
from gradjit.ir import interpret, verify
from gradjit.tracer import trees
from gradjit.tracer.array import ARRAY, PYTHON, root
from gradjit.tracer.trace import trace

CLASSES = (ZeroDivisionError, OverflowError, IndexError, ValueError, TypeError)
"""The builtin classes of errors, the more special first."""


class Outer:
    """An array that the call takes from outside of the traced function instead of as an argument."""

    def __init__(self, array: Any):
        self.array = np.asarray(array)


def plain(x: Any) -> Any:
    """Arguments with every Outer replaced by its array."""
    if isinstance(x, Outer):
        return x.array
    return type(x)(map(plain, x)) if type(x) in (list, tuple) else x


@dataclass
class Case:
    """A call, and how its result is compared."""

    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    name: str
    tolerance: float = 1e-13
    refused: str = ""
    traced_only: bool = False
    kinds: bool = True
    """Whether array, scalar and Python number are told apart."""
    raises: type[Exception] | None = None
    """The class of the error, where it is found at run time only and has another class than NumPy's."""
    floats: bool = False
    """Whether Python floats are traced, as they are as arguments of the user's function."""


def case(func: Callable[..., Any], *args: Any, _tolerance: float = 1e-13, _refused: str = "",
         _traced_only: bool = False,
         _kinds: bool = True, _raises: Any | None = None, _floats: bool = False, **kwargs: Any) -> Any:
    """A pytest parameter for a call."""
    c = Case(func, args, kwargs, describe(func, args, kwargs), _tolerance, _refused, _traced_only, _kinds, _raises,
             _floats)
    return pytest.param(c, id=c.name)


def describe(func: Any, args: Any, kwargs: Any) -> str:
    name = getattr(func, "__name__", str(func))
    if getattr(func, "__self__", None) is not None and isinstance(func.__self__, np.ufunc):
        name = f"{func.__self__.__name__}.{name}"
    parts = [text_of(a) for a in args] + [f"{k}={text_of(v)}" for k, v in kwargs.items()]
    return f"{name}({', '.join(parts)})"[:110]


def text_of(x: Any) -> str:
    if isinstance(x, Outer):
        return "outer " + text_of(x.array)
    if isinstance(x, np.ndarray):
        return f"{x.dtype.char}{list(x.shape)}".replace(" ", "")
    if isinstance(x, np.generic):
        return f"{x.dtype.char}{x}"
    if isinstance(x, (list, tuple)):
        return "(" + ",".join(map(text_of, x)) + ")"
    return getattr(x, "__name__", str(x))


def by_function(cases: Sequence[Any]) -> list[Any]:
    """The cases of each function as one parameter: thousands of small ones cost less in groups."""
    groups: dict[str, list[Case]] = {}
    for p in cases:
        groups.setdefault(p.values[0].func.__name__, []).append(p.values[0])
    return [pytest.param(group, id=name) for name, group in groups.items()]


def check_all(cases: Sequence[Case]) -> None:
    """Every case; all failures are reported together."""
    failures = []
    for c in cases:
        try:
            check(c)
        except Exception as e:
            failures.append(f"{c.name}: {type(e).__name__}: {e}")
    assert not failures, "\n".join(failures)


def copied(x: Any) -> Any:
    """Arguments of their own: a call may write into them."""
    if isinstance(x, np.ndarray):
        return x.copy()
    return type(x)(map(copied, x)) if type(x) in (list, tuple) else x


def check(c: Case) -> None:
    """The case, with its arrays traced and with its arrays known."""
    if c.refused:
        with pytest.raises(UnsupportedError) as caught:
            evaluate_traced(c)
        assert c.refused in str(caught.value), str(caught.value)
        assert "line" in str(caught.value)
        return
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected: Any
        try:
            own_args, own_kwargs = plain(copied(c.args)), {k: plain(v) for k, v in copied_dict(c.kwargs).items()}
            expected = c.func(*own_args, **own_kwargs)
        except Exception as e:
            for run in (evaluate_traced, evaluate_known):
                compare_error(e, c, run)
            return
        if gives_float16(expected):
            with pytest.raises(DtypeError, match="float16"):
                evaluate_traced(c)
            return
        compare(evaluate_traced(c), expected, c)
        compare_sharing(expected, (own_args, own_kwargs), c)
        if not c.traced_only:
            compare(evaluate_known(c), expected, c)


def gives_float16(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return any(map(gives_float16, x))
    return getattr(x, "dtype", None) == np.float16


def copied_dict(d: dict[str, Any]) -> dict[str, Any]:
    return {k: copied(v) for k, v in d.items()}


def compare_error(e: Exception, c: Case, run: Callable[[Case], Any]) -> None:
    expected = c.raises or next((cls for cls in CLASSES if isinstance(e, cls)), Exception)
    try:
        got = run(c)
    except Exception as raised:
        assert isinstance(raised, expected), f"{c.name}: NumPy raises {e!r}, gradjit {raised!r}"
        own = isinstance(raised, GradjitError) or type(raised) in (ZeroDivisionError, OverflowError, IndexError)
        assert own or run is evaluate_known or not any(isinstance(x, np.ndarray) for x in c.args), repr(raised)
    else:
        raise AssertionError(f"{c.name}: NumPy raises {e!r}, gradjit gives {got!r}")


# running ------------------------------------------------------------------------------------------------------------
def unlifted(f: Any) -> Any:
    """The harness's own work, which is not to be traced: as if it stood in gradjit."""
    return types.FunctionType(f.__code__.replace(co_filename=trees.__file__), f.__globals__, f.__name__)


def evaluate_traced(c: Case) -> Any:
    """The call traced with its arrays (and NumPy scalars; floats on request) as arguments, and interpreted."""
    leaves, tree = trees.flatten((copied(c.args), copied_dict(c.kwargs)))
    kinds = (np.ndarray, np.generic, float, complex) if c.floats else (np.ndarray, np.generic)
    places = [i for i, x in enumerate(leaves) if isinstance(x, kinds)]
    arguments = [leaves[i] for i in places]
    leaves = [x.array if isinstance(x, Outer) else None if i in places else x for i, x in enumerate(leaves)]
    return run_trace(trace(functools.partial(rebuilt, c.func, tree, leaves, places), arguments, {}), copied(arguments))


SHARED: list[tuple[int, int]] = []
"""Of the call traced last: which leaves of the result are views of (or are) which arrays among its arguments."""


def rebuilt(func: Any, tree: Any, leaves: Any, places: Any, *arguments: Any) -> Any:
    """The call, some of its leaves replaced."""
    args, kwargs = placed(tree, leaves, places, arguments)
    result = func(*args, **kwargs)
    note_sharing(result, arguments)
    return result


@unlifted
def placed(tree: Any, leaves: Any, places: Any, arguments: Any) -> Any:
    new = list(leaves)
    for i, x in zip(places, arguments, strict=True):
        new[i] = x
    return trees.unflatten(tree, new)


@unlifted
def note_sharing(result: Any, arguments: Any) -> None:
    roots = [a.root for a in arguments if getattr(a, "kind", "") == ARRAY]
    leaves = trees.flatten(result)[0]
    SHARED[:] = [(i, j) for i, r in enumerate(leaves) for j, a in enumerate(roots) if getattr(r, "root", None) is a]


def compare_sharing(expected: Any, arguments: Any, c: Case) -> None:
    """A result is a view of an argument where NumPy's is one: so writes to either are seen, or not, as in NumPy."""
    arrays = [a for a in trees.flatten(arguments)[0] if isinstance(a, np.ndarray)]
    leaves = trees.flatten(expected)[0]
    shared = [(i, j) for i, r in enumerate(leaves) for j, a in enumerate(arrays)
              if isinstance(r, np.ndarray) and r.size and np.shares_memory(r, a)]
    ours = [(i, j) for i, j in SHARED if np.size(leaves[i])]
    if not any(isinstance(x, Outer) for x in trees.flatten((c.args, c.kwargs))[0]):
        assert ours == shared, f"{c.name}: (result, argument) pairs that share memory are {ours}, NumPy's {shared}"


def run_trace(t: Any, args: Any) -> Any:
    """The result of a trace on its own arguments, through the interpreter."""
    verify(t.func)
    leaves, _ = trees.flatten((tuple(args), {}))
    inputs = [leaves[i] for i in t.traced] + [h.array for h in t.captured]
    values = interpret(t.func, inputs)
    results = [leaf.value if leaf.index is None else as_kind(values[leaf.index], leaf.kind) for leaf in t.result]
    return trees.unflatten(t.result_tree, results)


def evaluate_known(c: Case) -> Any:
    """The call traced with its arrays as constants: what can be folded is folded."""
    leaves, tree = trees.flatten((copied(c.args), copied_dict(c.kwargs)))
    leaves = [x.array if isinstance(x, Outer) else x for x in leaves]
    handles = [root(x, None, ARRAY) if isinstance(x, np.ndarray) else x for x in leaves]
    args, kwargs = trees.unflatten(tree, handles)
    return run_trace(trace(functools.partial(c.func, *args, **kwargs), (), {}), ())


def as_kind(a: np.ndarray, kind: str) -> Any:
    return a.item() if kind == PYTHON else (np.asarray(a) if kind == ARRAY else a[()])


# comparing ----------------------------------------------------------------------------------------------------------
def compare(got: Any, expected: Any, c: Case) -> None:
    if isinstance(expected, (tuple, list)):
        assert isinstance(got, (tuple, list)), f"{c.name}: {type(got)} instead of {type(expected)}"
        assert len(got) == len(expected), f"{c.name}: {len(got)} results instead of {len(expected)}"
        for g, e in zip(got, expected, strict=True):
            compare(g, e, c)
        return
    if expected is None or isinstance(expected, (str, np.dtype, type)):
        assert got == expected, f"{c.name}: {got!r} instead of {expected!r}"
        return
    g, e = np.asarray(got), np.asarray(expected)
    assert g.shape == e.shape, f"{c.name}: shape {g.shape} instead of {e.shape}"
    assert g.dtype == e.dtype, f"{c.name}: dtype {g.dtype} instead of {e.dtype}"
    if c.kinds:
        kinds = [np.ndarray if isinstance(x, np.ndarray) else np.generic if isinstance(x, np.generic) else type(x)
                 for x in (got, expected)]
        assert kinds[0] is kinds[1], f"{c.name}: {type(got)} instead of {type(expected)}"
    if e.dtype.kind in "biu":
        np.testing.assert_array_equal(g, e, err_msg=c.name)
    else:
        scale = c.tolerance * (1.0 if e.dtype.itemsize >= 8 and e.dtype != np.complex64 else 2e8)
        np.testing.assert_allclose(g, e, rtol=scale, atol=scale * 1e-3, err_msg=c.name)
