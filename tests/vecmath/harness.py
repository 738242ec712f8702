"""Compile one vector math function over arrays and measure its error against exact mathematics.

`compile_elementwise("exp", 1, np.float64, 8)` gives a callable on NumPy arrays. Width 1 is truly scalar: LLVM's
vectorisers are off. The error unit is the ulp of the exact value's own binade: 0.5 is the error of correct rounding.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from llvmlite import binding

from gradjit.codegen import llvm
from gradjit.codegen.vecmath.lanes import F32, F64, I64, Lanes
from gradjit.codegen.vecmath.outlined import Outlined, needed, undefined
from gradjit.runtime.llvmlite_versions import new_context

WIDE = {np.dtype(np.float64): 8, np.dtype(np.float32): 16}  # one 512-bit register
_UINT = {np.dtype(np.float64): np.uint64, np.dtype(np.float32): np.uint32}

binding.initialize_native_target()
binding.initialize_native_asmprinter()


# compiling ------------------------------------------------------------------------------------------------------------
class Elementwise:
    """A compiled `out[i] = fn(args[0][i], ...)`: call it with NumPy arrays of one shape."""

    def __init__(self, fn: Callable[..., llvm.Value], arity: int, dtype: Any, width: int, features: str | None = None):
        self.dtype, self.arity, self.width = np.dtype(dtype), arity, width
        emitted = _module(fn, arity, self.dtype, width)
        self.llvm_ir = str(emitted)
        machine = _target_machine(features)
        module = _optimised(self.llvm_ir, needed(undefined(emitted))[0], machine)
        self.assembly = machine.emit_assembly(module)
        self._engine = binding.create_mcjit_compiler(module, machine)  # keeps the code alive
        self._engine.finalize_object()
        kernel_args = [ctypes.c_int64, *[ctypes.c_void_p] * (arity + 1)]
        self.kernel = ctypes.CFUNCTYPE(None, *kernel_args)(self._engine.get_function_address("kernel"))
        self._repeated = ctypes.CFUNCTYPE(None, ctypes.c_int64, *kernel_args)(
            self._engine.get_function_address("repeated"))

    def __call__(self, *args: Any) -> np.ndarray:
        given = np.broadcast_arrays(*[np.asarray(a, self.dtype) for a in args])
        padded = [self._padded(a.ravel()) for a in given]
        out = np.empty(padded[0].size, self.dtype)
        self.kernel(out.size, out.ctypes.data, *[a.ctypes.data for a in padded])
        return out[:given[0].size].reshape(given[0].shape)

    def _padded(self, a: np.ndarray) -> np.ndarray:
        rest = -a.size % self.width
        return np.ascontiguousarray(np.concatenate([a, np.ones(rest, self.dtype)]) if rest else a)

    def ns_per_element(self, *args: Any, repeats: int = 9, seconds: float = 0.002) -> float:
        """Best time of an element over `repeats` rounds; give arrays that fit into the first-level cache."""
        padded = [_aligned(self._padded(np.asarray(a, self.dtype))) for a in args]
        n, out = padded[0].size, _aligned(np.empty(padded[0].size, self.dtype))
        times = max(1, int(seconds * 1e9 / n))
        best = float("inf")
        for _ in range(repeats):
            start = time.perf_counter()
            self._repeated(times, n, out.ctypes.data, *[a.ctypes.data for a in padded])
            best = min(best, time.perf_counter() - start)
        return best / (n * times) * 1e9


def _aligned(a: np.ndarray) -> np.ndarray:
    """A copy of `a` at an address that is a multiple of 64, so that no vector straddles two cache lines."""
    raw = np.empty(a.nbytes + 64, np.uint8)
    start = -raw.ctypes.data % 64
    copy = raw[start:start + a.nbytes].view(a.dtype)
    copy[:] = a
    return copy


def compile_elementwise(name_or_fn: str | Callable[..., llvm.Value], arity: int, dtype: Any, width: int,
                        features: str | None = None) -> Elementwise:
    """Compile `fn(L, x, ...)`, or the function of that name in `vecmath.FUNCTIONS`, over arrays of `dtype`.

    `features` replaces the host's CPU features (`"+avx2,+fma"`), to see the code of a lesser machine.
    """
    if isinstance(name_or_fn, str):
        from gradjit.codegen.vecmath import FUNCTIONS
        name_or_fn = FUNCTIONS[name_or_fn]
    return Elementwise(name_or_fn, arity, dtype, width, features)


def _emit_repeated(kernel: llvm.Function) -> None:
    """repeated(times, n, out, ...): call the kernel so often; a timing through ctypes alone would time ctypes."""
    kernel.attributes.add("noinline")
    signature = llvm.FunctionType(llvm.VoidType(), [I64, *[a.type for a in kernel.args]])
    repeated = llvm.Function(kernel.module, signature, "repeated")
    entry, body, done = (repeated.append_basic_block(name) for name in ("entry", "body", "done"))
    llvm.IRBuilder(entry).branch(body)
    b = llvm.IRBuilder(body)
    left = b.phi(I64)
    left.add_incoming(repeated.args[0], entry)
    b.call(kernel, repeated.args[1:])
    remaining = b.sub(left, I64(1))
    left.add_incoming(remaining, body)
    b.cbranch(b.icmp_signed(">", remaining, I64(0)), body, done)
    llvm.IRBuilder(done).ret_void()


def _module(fn: Callable[..., llvm.Value], arity: int, dtype: np.dtype, width: int) -> llvm.Module:
    """kernel(n, out, in0, ...): a loop in steps of `width`; n is a multiple of it."""
    element = F64 if dtype == np.float64 else F32
    lanes = element if width == 1 else llvm.VectorType(element, width)
    module = llvm.Module("elementwise")
    pointers = [llvm.PointerType()] * (arity + 1)
    kernel = llvm.Function(module, llvm.FunctionType(llvm.VoidType(), [I64, *pointers]), "kernel")
    n, out, *inputs = kernel.args
    for a in kernel.args[1:]:
        a.attributes.append("noalias")
    entry, body, done = (kernel.append_basic_block(name) for name in ("entry", "body", "done"))
    b = llvm.IRBuilder(entry)
    b.cbranch(b.icmp_signed(">", n, I64(0)), body, done)
    b.position_at_end(body)
    i = b.phi(I64)
    i.add_incoming(I64(0), entry)

    def lane_pointer(base: llvm.Value) -> llvm.Value:
        return b.gep(base, [i], of=element)

    size = dtype.itemsize
    values = [b.load(lane_pointer(a), lanes, align=size) for a in inputs]
    b.store(fn(Lanes.like(b, values[0]), *values), lane_pointer(out), align=size)
    following = b.add(i, I64(width))
    i.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, n), body, done)
    llvm.IRBuilder(done).ret_void()
    _emit_repeated(kernel)
    return module


def _target_machine(features: str | None) -> binding.TargetMachine:
    cpu, default = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    target = binding.Target.from_default_triple()
    if features is not None:
        cpu, default = "", features
    return target.create_target_machine(cpu=cpu, features=default, opt=3, jit=True)


def _optimised(text: str, outlined: list[Outlined], machine: binding.TargetMachine) -> binding.ModuleRef:
    context = new_context()
    module = binding.parse_assembly(text, context)
    for part in outlined:
        module.link_in(binding.parse_assembly(part.text, context))
    module.verify()
    options = binding.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return module


# measuring ------------------------------------------------------------------------------------------------------------
def ulp_error(got: np.ndarray, exact_fn_mp: Callable[..., Any], *args: np.ndarray, precision: int = 160) -> np.ndarray:
    """|got - exact| in ulps of the exact value's binade, in the dtype of `got`; `exact_fn_mp` takes and gives mpf.

    An exact result that is undefined or complex counts as nan. nan against a number is an infinite error; inf is right
    where the exact value rounds to it.
    """
    info = np.finfo(got.dtype)
    with mpmath.workprec(precision):
        limit, smallest = mpmath.mpf(2) ** int(info.maxexp), int(info.minexp) - int(info.nmant)
        columns = [np.asarray(a).ravel().tolist() for a in args]
        errors = [_error(g, _exact(exact_fn_mp, point), limit, smallest, int(info.nmant))
                  for g, *point in zip(got.ravel().tolist(), *columns, strict=True)]
    return np.array(errors).reshape(got.shape)


def _exact(fn: Callable[..., Any], point: list[float]) -> Any:
    try:
        value = fn(*[mpmath.mpf(p) for p in point])
    except (ZeroDivisionError, ValueError):
        return mpmath.nan
    return mpmath.nan if isinstance(value, mpmath.mpc) else mpmath.mpf(value)


def _error(got: float, exact: Any, limit: Any, smallest: int, nmant: int) -> float:
    if mpmath.isnan(exact) or math.isnan(got):
        return 0.0 if mpmath.isnan(exact) and math.isnan(got) else float("inf")
    overflowed = limit - mpmath.ldexp(limit, -nmant - 2)  # from here on the nearest number is inf
    if abs(exact) >= overflowed:
        exact = limit if exact > 0 else -limit
    value = mpmath.mpf(got) if abs(got) != float("inf") else (limit if got > 0 else -limit)
    if value == exact:
        return 0.0
    exponent = smallest if exact == 0 else max(mpmath.frexp(exact)[1] - 1 - nmant, smallest)
    return float(mpmath.ldexp(abs(value - exact), -exponent))


def ulp_error_wide(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """As `ulp_error`, against values of a wider dtype (float64 for float32, longdouble for float64): dense sweeps."""
    info = np.finfo(got.dtype)
    wide = exact.dtype.type
    limit = np.ldexp(wide(1), int(info.maxexp))
    overflowed = limit - np.ldexp(limit, -int(info.nmant) - 2)
    with np.errstate(all="ignore"):
        target = np.where(np.abs(exact) >= overflowed, np.copysign(limit, exact), exact)
        value = got.astype(wide)
        value = np.where(np.isinf(value), np.copysign(limit, value), value)
        exponent = np.maximum(np.frexp(target)[1] - 1 - int(info.nmant), int(info.minexp) - int(info.nmant))
        error = np.ldexp(np.abs(value - target), -exponent)
    undefined, nan = np.isnan(exact), np.isnan(got)
    return np.where(undefined | nan, np.where(undefined & nan, 0.0, np.inf), error).astype(np.float64)


def assert_same_bits(a: np.ndarray, b: np.ndarray) -> None:
    """Equal bit for bit, any nan equal to any nan."""
    unsigned = _UINT[a.dtype]
    same = (a.view(unsigned) == b.view(unsigned)) | (np.isnan(a) & np.isnan(b))
    where = np.flatnonzero(~same)
    assert where.size == 0, f"{where.size} lanes differ, first {where[0]}: {a[where[0]]!r} != {b[where[0]]!r}"


# sampling -------------------------------------------------------------------------------------------------------------
def specials(dtype: Any) -> np.ndarray:
    """nan, infinities, zeros, units, the ends of the normal and subnormal ranges, both signs."""
    info = np.finfo(dtype)
    positive = [0, 0.5, 1, 1.5, 2, 3, 4, info.eps, 1 + info.eps, 1 - info.epsneg, info.max, info.tiny,
                np.nextafter(info.tiny, 0, dtype=dtype), info.smallest_subnormal, 3 * info.smallest_subnormal, np.inf]
    half = np.array(positive, dtype)
    return np.concatenate([half, -half, np.array([np.nan], dtype)])


def random_bits(dtype: Any, count: int, seed: int = 0) -> np.ndarray:
    """Uniform bit patterns: every binade alike, subnormals, infinities and nans included."""
    unsigned = _UINT[np.dtype(dtype)]
    return np.random.default_rng(seed).integers(0, np.iinfo(unsigned).max, count, unsigned, endpoint=True).view(dtype)


def per_binade(dtype: Any, low: int, high: int, count: int, seed: int = 1) -> np.ndarray:
    """`count` random values of each sign in every binade [2**e, 2**(e+1)) for e in range(low, high)."""
    rng = np.random.default_rng(seed)
    mantissa = rng.uniform(1, 2, (high - low, count)).astype(dtype)
    values = np.ldexp(mantissa, np.arange(low, high)[:, None]).astype(dtype).ravel()
    return np.concatenate([values, -values])


def near(dtype: Any, points: Any, steps: int = 40) -> np.ndarray:
    """Each of `points` with its `steps` neighbours on both sides."""
    unsigned, top = _UINT[np.dtype(dtype)], 1 << (np.dtype(dtype).itemsize * 8 - 1)
    found = []
    for p in np.array(points, dtype).ravel():
        rank = int(p.view(unsigned))  # made monotone: negative numbers count downwards from zero
        rank = top - rank if rank >= top else rank
        around = range(rank - steps, rank + steps + 1)
        found += [r if r >= 0 else top - r for r in around]
    return np.array(found, unsigned).view(dtype)
