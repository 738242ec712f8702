"""Compiled kernels against the interpreter."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.codegen import lower, lower_loops
from gradjit.codegen.loop_passes import statements
from gradjit.codegen.loops import Call, LoopStmt
from gradjit.codegen.routines import blas
from gradjit.codegen.target import Machine
from gradjit.errors import UnsupportedError
from gradjit.ir import interpret, parse, verify
from gradjit.ir.builder import build
from gradjit.runtime.kernel import compile_func
from tests.codegen.cases import CASES, Case, f32, f64, i64, logistic


def agree(got: list[np.ndarray], want: list[np.ndarray]) -> None:
    for g, w in zip(got, want, strict=True):
        assert g.dtype == w.dtype and g.shape == w.shape
        np.testing.assert_allclose(g, w, rtol=2e-5 if g.dtype == np.float32 else 1e-11, atol=1e-12)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_compiled_agrees_with_interpreted(case: Case) -> None:
    func = case.func()
    verify(func)
    args = case.arguments()
    agree(compile_func(func)(*args), interpret(func, args))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_text_survives_parsing(case: Case) -> None:
    func = case.func()
    func.name = "f"
    assert str(parse(str(func))) == str(func)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100, 511, 513])
def test_every_remainder(n: int) -> None:
    """Vectors overlap at the end of a loop: every element is stored once and counted once."""
    def body(b, x, y):
        z = b.mul(x, y)
        return [z, b.sum(z, axes=(0,)), b.max(x, axes=(0,)), b.sum(b.exp(x), axes=(0,))]
    func = build("f", (f64(n), f64(n)), body)
    rng = np.random.default_rng(n)
    args = [rng.normal(size=n), rng.normal(size=n)]
    agree(compile_func(func)(*args), interpret(func, args))


def test_nan_and_infinity_travel() -> None:
    x = np.array([1.0, np.nan, -np.inf, np.inf, -0.0, 0.0, 3.0, -2.0, 5.0])
    y = x[::-1].copy()

    def body(b, x, y):
        return [b.maximum(x, y), b.minimum(x, y), b.fmax(x, y), b.fmin(x, y), b.max(x, axes=(0,)), b.sign(x),
                b.argmax(x, axis=0), b.argmin(x, axis=0), b.sort(x, axis=0), b.argsort(x, axis=0), b.isnan(x),
                b.isinf(x), b.isfinite(x), b.lt(x, y), b.ne(x, y), b.div(x, y), b.sub(x, x)]
    func = build("f", (f64(9), f64(9)), body)
    for g, w in zip(compile_func(func)(x, y), interpret(func, [x, y]), strict=True):
        np.testing.assert_array_equal(g, w)


@pytest.mark.parametrize("bad", [-1, 5, 2**62])
def test_index_out_of_range_is_an_error_and_harmless(bad: int) -> None:
    func = build("f", (f64(5), i64(3)), lambda b, x, i: [b.gather(x, i, axes=(0,)), b.scatter_add(x, i, b.gather(
        x, i, axes=(0,)), axes=(0,))])
    kernel = compile_func(func)
    with pytest.raises(IndexError, match="size 5"):
        kernel(np.arange(5.0), np.array([0, bad, 1]))
    agree(kernel(np.arange(5.0), np.array([4, 4, 1])), interpret(func, [np.arange(5.0), np.array([4, 4, 1])]))


@pytest.mark.parametrize("view", [np.s_[14:2:-2, 1:33:4], np.s_[3:9, 2:10], np.s_[::-3, ::5]])
def test_parameters_in_any_layout(view: object) -> None:
    """A kernel lowered for an argument's strides reads it where it lies."""
    import ctypes

    from gradjit.codegen.symbols import resolve
    from gradjit.runtime.jit import compile_module
    base = np.random.default_rng(0).normal(size=(20, 40))
    for x in (base[view], base[view].T):
        m, n = x.shape
        func = build("f", (f64(m, n),), lambda b, x, m=m, n=n: [
            b.exp(x), b.reshape(x, shape=(m * n,)), b.sum(x, axes=(0,)), x,
            b.contract(x, x, xbatch=(), ybatch=(), xsum=(1,), ysum=(1,))])
        low = lower(func, [tuple(s // 8 for s in x.strides)])
        code = compile_module(low.module, {s: resolve(s) for s in low.externals})
        outs = [np.zeros(b.shape) for b in low.program.outputs]
        run = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 7)(code.addresses[low.kernel.name])
        workspace = np.zeros(low.workspace_bytes + 64, np.uint8)
        assert run(*(a.ctypes.data for a in (x, *outs, workspace))) == 0
        agree(outs, interpret(func, [x]))


# What the schedule is expected to do --------------------------------------------------------------------------------
def test_logistic_regression_reads_its_matrix_once() -> None:
    program = lower_loops(build("f", (f64(57, 13), f64(13), f64(57)), logistic))
    outer = [s for s in program.body if isinstance(s, LoopStmt) and s.var.extent == 57]
    assert len(outer) == 1
    assert not program.workspace


COMPLEX = {
    "add": "func @f(%z: c128[3]) -> c128[3] {\n  %0: c128[3] = add %z, %z\n  return %0\n}",
    "cast": "func @f(%z: c128[3]) -> c64[3] {\n  %0: c64[3] = cast %z dtype=c64\n  return %0\n}",
    "sum": "func @f(%z: c128[3]) -> c128[] {\n  %0: c128[] = sum %z axes=[0]\n  return %0\n}",
    "transpose": "func @f(%z: c128[3,2]) -> c128[2,3] {\n  %0: c128[2,3] = transpose %z perm=[1, 0]\n  return %0\n}",
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_numbers_move_but_are_not_computed_with(name: str) -> None:
    (func,) = parse(COMPLEX[name]).funcs.values()
    shape = func.params[0].type.extents
    z = np.arange(np.prod(shape)).reshape(shape) * (1 + 2j)
    if name == "transpose":
        agree(compile_func(func)(z), interpret(func, [z]))
    else:
        with pytest.raises(UnsupportedError, match=f"{name} of complex numbers"):
            compile_func(func)


def test_memory_that_is_never_alive_together_is_shared() -> None:
    def body(b, x):
        for _ in range(6):
            x = b.contract(x, x, xbatch=(), ybatch=(), xsum=(1,), ysum=(0,))
        return [x]
    program = lower_loops(build("f", (f64(64, 64),), body))
    assert len(program.workspace) == 5
    assert program.workspace_bytes == 2 * 64 * 64 * 8


@pytest.mark.parametrize("shape", [(), (40,)])
def test_long_chains_compile(shape: tuple[int, ...]) -> None:
    """A Python loop that was unrolled: neither Python's stack nor LLVM's time may grow out of hand."""
    def body(b, x):
        y = x
        for k in range(600):
            y = b.sin(b.mul(b.mul(y, x), b.like(0.3, x))) if k % 3 else b.add(y, x)
        return [y]
    func = build("f", (f64(*shape),), body)
    x = np.random.default_rng(0).normal(size=shape)
    agree(compile_func(func)(x), interpret(func, [x]))
    assert "f" in str(lower_loops(func))


@pytest.mark.parametrize("shape", [(), (40,), (3, 1)])
def test_many_sines_with_their_cosines_are_calls(shape: tuple[int, ...]) -> None:
    """As the gradient of an unrolled loop with a sine has them: one function for both, not inlined at every use."""
    def body(b, x):
        y = x
        for _ in range(40):
            y = b.add(b.mul(b.sin(y), x), b.cos(y))
        return [y]
    func = build("f", (f64(*shape),), body)
    x = np.random.default_rng(0).normal(size=shape)
    agree(compile_func(func)(x), interpret(func, [x]))
    text = str(lower(func).module)
    (head,) = [line for line in text.splitlines() if "define" in line and "gradjit.sincos" in line]
    assert "noinline" in head
    assert sum("call" in line and "gradjit.sincos" in line for line in text.splitlines()) == 40


def test_a_result_is_the_memory_of_what_it_is_made_from() -> None:
    """Softmax of one line: the exponentials are kept once, in the result's own memory."""
    def body(b, x):
        e = b.exp(b.sub(x, b.broadcast(b.max(x, axes=(0,)), shape=x.shape, dims=())))
        return [b.div(e, b.broadcast(b.sum(e, axes=(0,)), shape=x.shape, dims=()))]
    for n, places in ((4096, 0), (4099, 1)):  # where the last vector overlaps, nothing is overwritten
        func = build("f", (f64(n),), body)
        x = np.random.default_rng(0).normal(size=n)
        assert len(lower_loops(func, machine=Machine(64)).workspace) == places
        agree(compile_func(func)(x), interpret(func, [x]))


@pytest.mark.parametrize("shape, where", [
    ((10**9,), [0]), ((10**5, 10**5), [0]), ((10, 10**8), [1]), ((10**8, 8), [0]), ((1000, 1000), []), ((3, 7), []),
])
def test_what_takes_long_asks_whether_the_user_interrupts(shape: tuple[int, ...], where: list[int]) -> None:
    """Of nested loops the one whose single iteration is short: neither one that takes long between two iterations, nor
    two."""
    def body(b, x):
        return [b.max(b.sin(x), axes=(len(shape) - 1,))]
    program = lower_loops(build("f", (f64(*shape),), body))
    loops = [s for s in statements(program.body) if isinstance(s, LoopStmt)]
    assert [k for k, s in enumerate(loops) if s.asks] == where


def test_a_long_sort_asks_within_a_line() -> None:
    """One line, for its parts are merged in strips."""
    texts = [str(lower(build("f", (f64(n),), lambda b, x: [b.sort(x, axis=0)])).module) for n in (1 << 21, 1 << 10)]
    assert ["gradjit_interrupted" in text for text in texts] == [True, False]


@pytest.mark.parametrize("n", [1 << 20, (1 << 20) + 3])
def test_long_sorts(n: int) -> None:
    x = np.random.default_rng(n).integers(0, 1000, n).astype(float)
    x[7] = np.nan
    func = build("f", (f64(n),), lambda b, x: [b.sort(x, axis=0), b.argsort(x, axis=0)])
    agree(compile_func(func)(x), interpret(func, [x]))


@pytest.mark.parametrize("xsum, ysum", [(1, 0), (0, 0), (1, 1), (0, 1)])
def test_a_very_long_product_is_done_by_rows(xsum: int, ysum: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blas, "BLOCK", 1)
    monkeypatch.setattr(blas, "ROWS", 8)
    x, y = f64(*((30, 20) if xsum else (20, 30))), f64(*((25, 20) if ysum else (20, 25)))
    func = build("f", (x, y), lambda b, x, y: [b.contract(x, y, xbatch=(), ybatch=(), xsum=(xsum,), ysum=(ysum,))])
    rng = np.random.default_rng(1)
    args = [rng.normal(size=t.extents) for t in (x, y)]
    agree(compile_func(func)(*args), interpret(func, args))
    assert str(lower(func).module).count("call void @\"gradjit.blas.dgemm\"") == 2  # by eights, and the rest


@pytest.mark.parametrize("k", [2, 3, 8])
@pytest.mark.parametrize("axes", [((1, 0), (0, 1)), ((0, 1), (0, 1)), ((1, 0), (1, 0)), ((0, 1), (1, 0))], ids=str)
def test_thin_products_are_computed_where_they_are_read(k: int, axes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """Each operand once as it is and once transposed; what stands across the vectors is copied first, once."""
    xsum, (ysum, yfree) = axes[0].index(1), (axes[1].index(0), axes[1].index(1))

    def body(b, x, y, w):
        z = b.contract(x, y, xbatch=(), ybatch=(), xsum=(xsum,), ysum=(ysum,))
        return [b.mul(z, w), b.sum(b.mul(z, z), axes=(1,))]
    x = f64(*(30, k) if xsum else (k, 30))
    y = f64(*(k, 40) if yfree else (40, k))
    func = build("f", (x, y, f64(30, 40)), body)
    rng = np.random.default_rng(k)
    args = [rng.normal(size=t.extents) for t in (x, y, f64(30, 40))]
    agree(compile_func(func)(*args), interpret(func, args))
    program = lower_loops(func)
    assert not any(isinstance(s, Call) for s in statements(program.body))
    assert [b.shape for b in program.workspace] == ([] if yfree else [(k, 40)])


@pytest.mark.parametrize("k, read", [(4, "nothing"), (9, "once"), (4, "product")])
def test_other_products_are_calls(k: int, read: str) -> None:
    """What is a result itself, what is read as a whole, and what is not thin."""
    def body(b, x, y, w):
        z = b.contract(x, y, xbatch=(), ybatch=(), xsum=(1,), ysum=(0,))
        if read == "nothing":
            return [z]
        return [b.mul(z, z) if read == "once" else b.contract(z, w, xbatch=(), ybatch=(), xsum=(1,), ysum=(0,))]
    program = lower_loops(build("f", (f64(30, k), f64(k, 40), f64(40, 50)), body))
    assert sum(isinstance(s, Call) for s in statements(program.body)) == (2 if read == "product" else 1)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("count", [1, 19])
def test_seldom_run_parts_are_linked(count: int, dtype: type) -> None:
    """The reduction of huge arguments, the poles of gamma: modules of their own, which many kernels share."""
    kind = f64(count) if dtype is np.float64 else f32(count)
    func = build("f", (kind,), lambda b, x: [b.sin(x), b.cos(x), b.tan(x), b.gammaln(x), b.digamma(x)])
    x = np.resize(np.array([3e30, -0.75, 1e9, 2.5, np.inf, -1e20, -3.0], dtype), count)
    low = lower(func)
    parts = "\n".join(low.outlined)
    assert all(name in parts for name in ("remainder", "gammaln", "digamma")) and "lgamma" in low.externals
    with np.errstate(all="ignore"):
        agree(compile_func(func)(x), interpret(func, [x]))
