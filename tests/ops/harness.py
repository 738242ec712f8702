"""One operation, or a small body of some, checked in every respect: `check(case)`.

Value, dtype and shape against NumPy; reverse and forward mode against finite differences and each other; second order
in three orders of composition; batching against a loop; float32 against float64; the text against its own parse; that
the rule under test is the one that ran; that arguments are left alone; each compiled backend against the interpreter.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import numpy as np

from gradjit.codegen import lower
from gradjit.ir import F32, F64, Builder, Func, Module, Value, interpret, parse, print_module, type_of, verify
from gradjit.ir.builder import build
from gradjit.ir.ops import can_fail
from gradjit.passes import jvp as jvp_tables, vjp as vjp_tables
from gradjit.passes.batching import batch
from gradjit.passes.jvp import jvp
from gradjit.passes.vjp import reverse
from tests.ops.backends import COMPILED

Arrays = Sequence[np.ndarray]
STEP = 1e-6


@dataclass(frozen=True)
class Case:
    """An operation with inputs, and what is known of it.

    op, inputs, attrs: what is built. `body(b, *params)`, if given, builds something else around the operation.
    reference: the meaning, written in NumPy independently of the table; gives an array or a tuple.
    smooth: whether derivatives exist around the inputs (no kink within a finite difference's reach).
    second: whether second derivatives are compared with finite differences too.
    float32: whether the operation is tried in float32 too.
    rtol: of derivatives against finite differences, relative to the largest; rtol32: of float32 against float64.
    varied: other data of the same domain, for the examples of a stack; without it elements are moved round.
    """

    op: str
    inputs: tuple[Any, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    reference: Callable[..., Any] | None = None
    body: Callable[..., Any] | None = None
    smooth: bool = True
    second: bool = True
    float32: bool = True
    rtol: float = 2e-7
    rtol32: float = 2e-5
    note: str = ""
    varied: Callable[[np.ndarray, int], np.ndarray] | None = None

    @property
    def id(self) -> str:
        shapes = "-".join("x".join(map(str, a.shape)) or "0d" for a in self.arrays)
        return "-".join(filter(None, (self.op, shapes, self.note)))

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(np.asarray(a) for a in self.inputs)

    @property
    def wrt(self) -> tuple[int, ...]:
        return tuple(k for k, a in enumerate(self.arrays) if a.dtype == np.float64)

    def func(self, float32: bool = False) -> Func:
        """The function under test, of the inputs' types."""
        def body(b: Builder, *params: Value) -> Sequence[Value]:
            made = self.body(b, *params) if self.body else b.emit(self.op, *params, **self.attrs)
            return made if isinstance(made, (tuple, list)) else (made,)

        types = [type_of(a) for a in self.arrays]
        if float32:
            types = [t.with_dtype(F32) if t.dtype == F64 else t for t in types]
        return build(self.op, types, body, tuple("xyzuvw"[:len(types)]))

    def random(self, like: Arrays, salt: int) -> list[np.ndarray]:
        """Standard normal arrays, the same in each run."""
        rng = np.random.default_rng(zlib.crc32(self.id.encode()) + salt)
        return [np.asarray(rng.standard_normal(np.shape(a))) for a in like]


def check(case: Case) -> None:
    """Everything about a case; see the module's text."""
    check_value(case)
    check_text(case)
    check_compiled(case)
    check_batching(case)
    check_float32(case)
    if case.smooth and case.wrt:
        check_first_order(case)
        check_inactive(case)
        check_jacobians(case)
        if case.second:
            check_second_order(case)


# helpers ------------------------------------------------------------------------------------------------------------
def run(func: Func, args: Arrays) -> list[np.ndarray]:
    """The results of a well-formed function, which must leave its arguments as they are."""
    verify(func)
    before = [np.array(a) for a in args]
    results = interpret(func, args)
    for a, old in zip(args, before, strict=True):
        np.testing.assert_array_equal(a, old, f"an argument was changed\n{func}")
    return results


def everywhere(func: Func, args: Arrays) -> list[np.ndarray]:
    """The same; every compiled backend must give these results too, and leave the arguments."""
    results = run(func, args)
    before = [np.array(a) for a in args]
    for name, compiled in COMPILED.items():
        for got, expected in zip(compiled(func, args), results, strict=True):
            same(got, expected, f"{name} against the interpreter\n{func}", rtol=1e-12, atol=1e-13)
        for a, old in zip(args, before, strict=True):
            np.testing.assert_array_equal(a, old, f"an argument was changed\n{func}")
    return results


def same(got: Any, expected: Any, what: str, rtol: float, atol: float = 0.0) -> None:
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    assert got.dtype == expected.dtype, f"{what}: dtype {got.dtype}, expected {expected.dtype}"
    if got.dtype.kind in "fc":
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol, err_msg=what)
    else:
        np.testing.assert_array_equal(got, expected, what)


def close(got: Any, expected: Any, scale: Any, rtol: float, what: str) -> None:
    """Equal up to rtol of the largest magnitude involved."""
    got, expected = np.asarray(got), np.asarray(expected)
    bound = rtol * max(1.0, *(float(np.max(np.abs(a), initial=0.0)) for a in (expected, scale)))
    np.testing.assert_allclose(got, expected, rtol=0, atol=bound, err_msg=what)


def floats(arrays: Arrays) -> list[np.ndarray]:
    return [a for a in arrays if np.asarray(a).dtype.kind == "f"]


def dot(xs: Arrays, ys: Arrays) -> float:
    return float(sum(np.sum(x * y) for x, y in zip(xs, ys, strict=True)))


def moved(args: Arrays, wrt: Sequence[int], direction: Arrays, step: float) -> list[np.ndarray]:
    """The arguments with those of `wrt` moved along a direction."""
    out = [np.array(a) for a in args]
    for k, d in zip(wrt, direction, strict=True):
        out[k] = out[k] + step * d
    return out


def difference(f: Callable[[Arrays], list[np.ndarray]], args: Arrays, wrt: Sequence[int], direction: Arrays
               ) -> list[np.ndarray]:
    """The central difference of f's results along a direction."""
    up, down = f(moved(args, wrt, direction, STEP)), f(moved(args, wrt, direction, -STEP))
    return [(a - b) / (2 * STEP) for a, b in zip(up, down, strict=True)]


# facets -------------------------------------------------------------------------------------------------------------
def check_value(case: Case) -> None:
    results = run(case.func(), case.arrays)
    if case.reference is None:
        return
    with np.errstate(all="ignore"):
        expected = case.reference(*case.arrays)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for got, e in zip(results, expected, strict=True):
        same(got, e, "the value against NumPy", rtol=1e-13, atol=1e-14)


def check_compiled(case: Case) -> None:
    """Each compiled backend against the interpreter, on the derivatives, which hold the operation itself too."""
    f, args = case.func(), case.arrays
    if case.body is None and not can_fail(f.ops[0]):
        assert not lower(f).checks, f"{case.op} is said never to fail, and its code looks whether it does"
    todo = [(f, list(args))]
    if case.smooth and case.wrt:
        value, chosen = floats(interpret(f, args)), [args[k] for k in case.wrt]
        todo = [(reverse(f, case.wrt), [*args, *case.random(value, 1)]),
                (jvp(f, case.wrt), [*args, *case.random(chosen, 2)])]
    for g, inputs in todo:
        everywhere(g, inputs)


def check_text(case: Case) -> None:
    """Print -> parse -> print is the identity, for the function and its derivatives."""
    f = case.func()
    derived = [reverse(f, case.wrt), jvp(f, case.wrt)] if case.wrt and case.smooth else []
    for g in (f, *derived):
        text = print_module(Module({g.name: g}))
        assert print_module(parse(text)) == text


def spied(rules: dict[str, Any], op: str) -> Any:
    """A context in which calls of `op`'s rule are recorded; gives the table."""
    return mock.patch.dict(rules, {op: mock.Mock(side_effect=rules[op])})


def check_first_order(case: Case) -> None:
    f, args, wrt = case.func(), case.arrays, case.wrt
    value = floats(run(f, args))
    u, v = case.random(value, 1), case.random([args[k] for k in wrt], 2)
    with spied(vjp_tables.LOCAL, case.op) as table:
        back = reverse(f, wrt)
        assert table[case.op].called, "the operation's own pullback did not run"
    with spied(jvp_tables.LOCAL, case.op) as table:
        forward = jvp(f, wrt)
        assert table[case.op].called, "the operation's own pushforward did not run"
    pulled = run(back, [*args, *u])
    pushed = run(forward, [*args, *v])
    for derived, what in ((pulled, "vjp"), (pushed, "jvp")):
        for got, expected in zip(derived, run(f, args), strict=False):
            same(got, expected, f"the primal result beside the {what}", rtol=0)
    gradients, tangents = pulled[-len(wrt):], pushed[len(f.results):]
    slopes = difference(lambda a: floats(run(f, a)), args, wrt, v)
    for t, s in zip(tangents, slopes, strict=True):
        close(t, s, value[0], case.rtol, "jvp against finite differences")
    close(dot(gradients, v), dot(u, slopes), [abs(dot(u, value))], 10 * case.rtol, "vjp against finite differences")
    close(dot(gradients, v), dot(u, tangents), 1.0, 1e-11, "vjp against jvp")


def check_inactive(case: Case) -> None:
    """A gradient for one operand costs no more operations than for all, and differs in nothing."""
    f, args = case.func(), case.arrays
    u = case.random(floats(interpret(f, args)), 1)
    everything = reverse(f, case.wrt)
    expected = run(everything, [*args, *u])[-len(case.wrt):]
    for k, e in zip(case.wrt, expected, strict=True):
        one = reverse(f, [k])
        same(run(one, [*args, *u])[-1], e, f"the gradient for operand {k} alone", rtol=1e-14)
        assert len(one.ops) <= len(everything.ops)


def check_jacobians(case: Case) -> None:
    """The whole Jacobian, by stacks of tangents and by stacks of cotangents: every element of both modes."""
    f, args, wrt = case.func(), case.arrays, case.wrt
    value = floats(run(f, args))
    n, m = sum(args[k].size for k in wrt), sum(a.size for a in value)
    if not 0 < n <= 64 or not 0 < m <= 64:
        return
    fixed = [False] * len(args)
    columns = run(batch(jvp(f, wrt), fixed + [True] * len(wrt), n), [*args, *basis([args[k] for k in wrt])])
    rows = run(batch(reverse(f, wrt), fixed + [True] * len(value), m), [*args, *basis(value)])
    pushed = np.concatenate([c.reshape(n, -1) for c in columns[len(f.results):]], axis=1)
    pulled = np.concatenate([r.reshape(m, -1) for r in rows[-len(wrt):]], axis=1)
    close(pushed.T, pulled, 1.0, 1e-12, "the Jacobian by jvp against that by vjp")


def basis(arrays: Arrays) -> list[np.ndarray]:
    """The unit vectors of the arrays' joint space, stacked."""
    sizes = [a.size for a in arrays]
    parts = np.split(np.eye(sum(sizes)), np.cumsum(sizes)[:-1], axis=1)
    return [p.reshape(sum(sizes), *a.shape) for p, a in zip(parts, arrays, strict=True)]


def check_second_order(case: Case) -> None:
    """The derivative of <v, vjp(x, u)> along w: by differences, forward over reverse, reverse over reverse and reverse
    over forward."""
    f, args, wrt = case.func(), case.arrays, case.wrt
    value = floats(run(f, args))
    chosen = [args[k] for k in wrt]
    u, v, w = case.random(value, 3), case.random(chosen, 4), case.random(chosen, 5)
    back = reverse(f, wrt)
    n = len(wrt)
    first = run(back, [*args, *u])[-n:]
    slopes = difference(lambda a: run(back, [*a, *u])[-n:], args, wrt, w)
    expected = dot(v, slopes)
    pushed = run(jvp(back, wrt), [*args, *u, *w])[-n:]
    close(dot(v, pushed), expected, [abs(dot(v, first))], 20 * case.rtol, "forward over reverse, against differences")
    zero = [np.zeros_like(a) for a in value]
    twice = run(reverse(back, wrt), [*args, *u, *zero, *v])[-n:]
    close(dot(w, twice), dot(v, pushed), 1.0, 1e-11, "reverse over reverse")
    mixed = run(reverse(jvp(f, wrt), wrt), [*args, *v, *zero, *u])[-n:]
    close(dot(w, mixed), dot(v, pushed), 1.0, 1e-11, "reverse over forward")


def check_batching(case: Case) -> None:
    """Each choice of batched operands against a loop over the examples."""
    f, args, size = case.func(), case.arrays, 3
    single = [tuple(k == j for k in range(len(args))) for j in range(len(args))]
    for flags in {(True,) * len(args), *(single if len(args) > 1 else ())}:
        if not any(flags):
            continue
        vary = case.varied or rolled
        examples = [[vary(a, i) if flag else a for a, flag in zip(args, flags, strict=True)] for i in range(size)]
        stacked = [np.stack([e[k] for e in examples]) if flag else args[k] for k, flag in enumerate(flags)]
        got = run(batch(f, flags, size), stacked)
        for k, g in enumerate(got):
            expected = np.stack([interpret(f, e)[k] for e in examples])
            same(g, expected, f"batched along {flags} against a loop", rtol=1e-12, atol=1e-13)


def rolled(a: np.ndarray, by: int) -> np.ndarray:
    """Other data of the same range: the elements moved round."""
    return np.roll(a, by)


def check_float32(case: Case) -> None:
    """float32 stays float32, in the value and in both derivatives, and means the same."""
    if not case.wrt or not case.float32:
        return
    f, f32, args = case.func(), case.func(float32=True), case.arrays
    small = [a.astype(np.float32) if a.dtype == np.float64 else a for a in args]
    exact = [s.astype(a.dtype) for s, a in zip(small, args, strict=True)]
    agree32(case, run(f32, small), run(f, exact), "value")
    if not case.smooth:
        return
    u, v = case.random(floats(interpret(f, args)), 6), case.random([args[k] for k in case.wrt], 7)
    for derive, extra in ((reverse, u), (jvp, v)):
        got = run(derive(f32, case.wrt), [*small, *(e.astype(np.float32) for e in extra)])
        agree32(case, got, run(derive(f, case.wrt), [*exact, *(e.astype(np.float32).astype(float) for e in extra)]),
                derive.__name__)


def agree32(case: Case, got: Arrays, expected: Arrays, what: str) -> None:
    for g, e in zip(got, expected, strict=True):
        if e.dtype == np.float64:
            assert g.dtype == np.float32, f"{what} in {g.dtype}"
            close(g, e, e, case.rtol32, f"float32 against float64: {what}")
        else:
            same(g, e, f"float32 against float64: {what}", rtol=0)
