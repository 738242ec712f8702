"""The public transformations. Each takes a function and gives one that compiles itself when it is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, Unpack

import numpy as np

from ..ir import Func
from ..probe import text
from ..tracer import trees
from ..tracer.array import ARRAY, TracedArray
from ..tracer.layout import copied
from ..tracer.operands import as_array, as_traced, emit, laid
from ..tracer.recorder import running_recorders
from ..tracer.trace import trace as run_trace
from . import derivative_matrices as matrices, differentiate as d
from .compiled import Compiled, Recipe
from .made_once import made_once
from .mapped import mapped
from .options import Asked, Options
from .recording_arguments import is_recording
from .signatures import positional

F = TypeVar("F", bound=Callable[..., Any])
Argnums = int | tuple[int, ...]


def _decorator(make: Callable[[Callable[..., Any]], Compiled], f: Callable[..., Any] | None) -> Any:
    """`name(f, ...)`, `@name` and `@name(...)`."""
    return make if f is None else make(f)


def _checked(f: Any, name: str) -> None:
    if not callable(f):
        raise TypeError(f"gj.{name} takes a function, got {type(f).__name__}; write gj.{name}(f)(x), not "
                        f"gj.{name}(f(x))")


def _options(name: str, **asked: Unpack[Asked]) -> Options:
    """The options of one of this module's functions."""
    def others() -> list[str]:
        parameters = inspect.signature(globals()[name]).parameters.values()
        return [p.name for p in parameters if p.kind != p.VAR_KEYWORD][1:]

    return Options.of(name, others, **asked)


def _argnums(argnums: Any) -> Argnums:
    """An int, or a tuple of them (a list is taken as a tuple)."""
    if isinstance(argnums, int) and not isinstance(argnums, bool):
        return argnums
    if isinstance(argnums, (tuple, list)) and argnums and all(isinstance(a, int) for a in argnums):
        return tuple(argnums)
    raise TypeError(f"argnums={argnums!r}; it must be an int or a tuple of ints")


def jit(f: Callable[..., Any] | None = None, **options: Unpack[Asked]) -> Any:
    """Compile a function written in NumPy.

    The result takes what `f` takes and gives what it gives: arrays, numbers, and containers of them (dict, list, tuple,
    namedtuple, dataclass). It is traced and compiled at the first call with new dtypes, shapes, layouts or static
    values: float, complex, arrays and NumPy scalars are traced; int, bool, str, None and other objects are static.
    Arrays that the function captures are read at each call. Results that are 0-d are NumPy scalars. An argument that is
    returned is the very object; views of arguments are fresh arrays.

    What the function writes into its arguments, and into arrays that it captures, is written to the caller's arrays
    when it is done: `u[1:-1] += ...`, `state["u"] = ...`, `out=`. If an error is raised, nothing has been changed.
    ArgumentError (a ValueError) for a write to an array that is read-only, or that shares memory with another
    argument or captured array (one array may be passed twice).

    The function's Python code runs once for each specialisation, while it is traced: `print(x)` shows the type of `x`
    then. Traced numbers follow NumPy where Python would raise: 1.0 / 0.0 is inf, math.log(-1.0) is nan.

    backend: "native", or "interpreter" to run the IR with NumPy, one operation at a time, for debugging.
    check: whether `assert` on traced values is carried out at run time, as an AssertionError with the user's line;
        None asks the environment (GRADJIT_CHECK=1). Otherwise such assertions cost nothing. (Computed indices are
        always checked: one out of range is an IndexError with the user's line.)
    tier: what answers the first calls of each specialisation. "quick": code that LLVM has made with little effort,
        which is improved behind the third call; "interpret": the interpreter, for test suites and scripts that call
        a function once; "compile": code with all effort at once. None asks `gj.config`.

    The result can be pickled where `f` can, and takes its compiled code with it to processes on such a machine.

    Raises TraceError (UnsupportedError, LeakError) with the user's line for what cannot be compiled, DtypeError for
    arrays of objects or strings.
    """
    asked = _options("jit", **options)

    def make(f: Callable[..., Any]) -> Compiled:
        _checked(f, "jit")
        return Compiled(f, f, "jit", asked, Recipe(f))

    return _decorator(make, f)


def value_and_grad(f: Callable[..., Any] | None = None, argnums: Argnums = 0, *, has_aux: bool = False,
                   holomorphic: bool = False, **options: Unpack[Asked]) -> Any:
    """A function that gives `(value, gradient)` of a scalar function.

    argnums: which positional argument to differentiate with respect to, or a tuple of several; the gradient is then a
        tuple. A gradient has the structure, dtypes and shapes of its argument; its arrays are fresh and writable.
    has_aux: f returns `(value, aux)`; the result is `((value, aux), gradient)`.
    holomorphic: f is a holomorphic function of complex arguments; in the place of a gradient stands its complex
        derivative. (Without it the gradient by z = a + ib is dL/da + i dL/db, in whose direction L grows fastest.)

    Raises DifferentiationError, with the user's line, when f returns no real scalar, or for integer arguments; errors
    of `jit` besides. The arguments are never changed, even where f writes to them.
    """
    argnums, asked = _argnums(argnums), _options("value_and_grad", **options)

    def make(f: Callable[..., Any]) -> Compiled:
        _checked(f, "value_and_grad")

        def body(*args: Any, **kwargs: Any) -> Any:
            return d.value_and_gradient(f, d.Wrt(argnums), has_aux, args, kwargs, holomorphic)

        return Compiled(body, f, "value_and_grad", asked,
                        Recipe(f, {"argnums": argnums, "has_aux": has_aux, "holomorphic": holomorphic}))

    return _decorator(make, f)


def grad(f: Callable[..., Any] | None = None, argnums: Argnums = 0, *, has_aux: bool = False,
         holomorphic: bool = False, **options: Unpack[Asked]) -> Any:
    """A function that gives the gradient of a scalar function, or `(gradient, aux)`: see `value_and_grad`."""
    argnums, asked = _argnums(argnums), _options("grad", **options)

    def make(f: Callable[..., Any]) -> Compiled:
        _checked(f, "grad")

        def body(*args: Any, **kwargs: Any) -> Any:
            value, gradient = d.value_and_gradient(f, d.Wrt(argnums), has_aux, args, kwargs, holomorphic)
            return (gradient, value[1]) if has_aux else gradient

        return Compiled(body, f, "grad", asked,
                        Recipe(f, {"argnums": argnums, "has_aux": has_aux, "holomorphic": holomorphic}))

    return _decorator(make, f)


def hessian(f: Callable[..., Any] | None = None, argnums: Argnums = 0, **options: Unpack[Asked]) -> Any:
    """A function that gives the matrix of second derivatives of a scalar function.

    For an argument of shape s it has shape s + s; for containers each leaf holds the container of its blocks. It is
    computed as the forward derivative of the gradient along all basis vectors at once: O(n) times the cost of f.
    """
    argnums, asked = _argnums(argnums), _options("hessian", **options)

    def make(f: Callable[..., Any]) -> Compiled:
        _checked(f, "hessian")

        def body(*args: Any, **kwargs: Any) -> Any:
            return matrices.hessian_matrix(f, d.Wrt(argnums), args, kwargs)

        return Compiled(body, f, "hessian", asked, Recipe(f, {"argnums": argnums}))

    return _decorator(make, f)


def jacobian(f: Callable[..., Any] | None = None, argnums: Argnums = 0, *, holomorphic: bool = False,
             **options: Unpack[Asked]) -> Any:
    """A function that gives all first derivatives of a function of any shape.

    For a result of shape r and an argument of shape s the Jacobian has shape r + s. Containers of results hold
    containers of arguments. Forward or reverse mode is chosen by what needs fewer passes.

    Of complex arguments real results have the rows that are their gradients (see `value_and_grad`), and complex results
    the complex derivatives, if `holomorphic` says that there are such.
    """
    return _jacobian("jacobian", f, argnums, options, holomorphic)


def jacfwd(f: Callable[..., Any] | None = None, argnums: Argnums = 0, *, holomorphic: bool = False,
           **options: Unpack[Asked]) -> Any:
    """`jacobian` in forward mode: a pass for each element of the arguments, all at once."""
    return _jacobian("jacfwd", f, argnums, options, holomorphic, mode="forward")


def jacrev(f: Callable[..., Any] | None = None, argnums: Argnums = 0, *, holomorphic: bool = False,
           **options: Unpack[Asked]) -> Any:
    """`jacobian` in reverse mode: a pass for each element of the results, all at once."""
    return _jacobian("jacrev", f, argnums, options, holomorphic, mode="reverse")


def value_and_jacobian(f: Callable[..., Any] | None = None, argnums: Argnums = 0, *, holomorphic: bool = False,
                       **options: Unpack[Asked]) -> Any:
    """A function that gives `(value, jacobian)` of a function of any shape, computed together: see `jacobian`."""
    return _jacobian("value_and_jacobian", f, argnums, options, holomorphic, valued=True)


def _jacobian(name: str, f: Callable[..., Any] | None, argnums: Any, options: Asked, holomorphic: bool,
              mode: str | None = None, valued: bool = False) -> Any:
    argnums, asked = _argnums(argnums), _options(name, **options)

    def make(f: Callable[..., Any]) -> Compiled:
        _checked(f, name)

        def body(*args: Any, **kwargs: Any) -> Any:
            return matrices.jacobian_matrix(f, d.Wrt(argnums), args, kwargs, mode, valued, holomorphic)

        return Compiled(body, f, name, asked, Recipe(f, {"argnums": argnums, "holomorphic": holomorphic}))

    return _decorator(make, f)


def vmap(f: Callable[..., Any] | None = None, in_axes: Any = 0, out_axes: Any = 0, **options: Unpack[Asked]) -> Any:
    """A function of a single example, as a function of many: `vmap(f)(xs)` is `np.stack([f(x) for x in xs])`, as a new
    row-major array.

    in_axes: along which axis of each argument the examples lie; None for what is the same for all. An int holds for
        all arguments, a tuple has an entry for each positional one (and keywords are mapped along their first axis), a
        dict has entries by the names of parameters (and the others are the same for all). An entry may be a container
        like the argument, down to its leaves: `in_axes=({"w": None, "x": 0}, None)`.
    out_axes: along which axis of each result the examples are to lie; None for what does not depend on the example.

    Loops and branches go on: a loop runs until the last example is done, and where examples take both sides of a
    branch each gets the result of its own. Arrays that the function captures are the same for all. What it writes into
    the examples is written to the caller's arrays, as `f` of the rows would.

    Raises ShapeError where arguments have different numbers of examples, AxisError for an axis that is not there,
    UnsupportedError where examples would get arrays of different shapes; errors of `jit` besides.
    """
    for name, entry in (("in_axes", in_axes), ("out_axes", out_axes)):
        if not (entry is None or isinstance(entry, (int, tuple, list, dict)) or name == "out_axes") or entry is True:
            raise TypeError(f"gj.vmap: {name}={entry!r}; it must be an int, None, or a container of these")
    asked = _options("vmap", **options)

    def make(f: Callable[..., Any]) -> Compiled:
        _checked(f, "vmap")

        def body(*args: Any, **kwargs: Any) -> Any:
            return mapped(f, in_axes, out_axes, args, kwargs)

        return Compiled(body, f, "vmap", asked, Recipe(f, {"in_axes": in_axes, "out_axes": out_axes}))

    return _decorator(make, f)


def hvp(f: Callable[..., Any] | None = None, argnums: Argnums = 0, **options: Unpack[Asked]) -> Any:
    """A function that multiplies the Hessian of a scalar function with a vector, at a few times the cost of f.

    The vector follows the (last) differentiated argument: `hvp(f)(x, v, *others)` for `f(x, *others)`, the order in
    which `scipy.optimize.minimize(hessp=)` calls. With a tuple of argnums the vector is a tuple, and so is the result.
    """
    argnums, asked = _argnums(argnums), _options("hvp", **options)

    def make(f: Callable[..., Any]) -> Compiled:
        _checked(f, "hvp")

        def body(*args: Any, **kwargs: Any) -> Any:
            args, kwargs = positional(f, args, kwargs)
            at = _vector_position(argnums, len(args))
            return matrices.hessian_product(f, d.Wrt(argnums), (*args[:at], *args[at + 1:]), kwargs, args[at])

        return Compiled(body, _with_vector(f), "hvp", asked, Recipe(f, {"argnums": argnums}))

    return _decorator(make, f)


def _vector_position(argnums: Argnums, count: int) -> int:
    """Behind the last differentiated argument, among `count` arguments of which one is the vector."""
    asked = argnums if isinstance(argnums, tuple) else (argnums,)
    at = max(a % max(count - 1, 1) for a in asked) + 1
    if at >= count:
        raise TypeError("hvp(f)(x, v) takes the vector behind the differentiated argument")
    return at


def _with_vector(f: Callable[..., Any]) -> Callable[..., Any]:
    """A stand-in with f's name whose parameters are not f's."""
    def hvp(*args: Any) -> Any:
        raise NotImplementedError

    hvp.__name__ = hvp.__qualname__ = text(f, "__name__", "f")
    hvp.__doc__ = f.__doc__
    return hvp


# products at a point ------------------------------------------------------------------------------------------------
def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """`(f(*primals), tangent of it)`: the derivative of `f` along the tangents, in forward mode.

    primals, tangents: tuples of positional arguments; a tangent has its argument's structure and shapes.
    """
    _checked(f, "jvp")
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TypeError("gj.jvp(f, primals, tangents) takes tuples: gj.jvp(f, (x,), (v,))")
    if running_recorders():
        return d.push(f, tuple(primals), tuple(tangents))
    return made_once(f, _push)(tuple(primals), tuple(tangents))


def _push(f: Callable[..., Any]) -> Compiled:
    def jvp(primals: Any, tangents: Any) -> Any:
        return d.push(f, primals, tangents)

    return Compiled(jvp, jvp, "jvp")


def jet(f: Callable[..., Any], primals: Sequence[Any], series: Sequence[Sequence[Any]]) -> Any:
    """`(f(*primals), [first, second, ... derivative])` of `f` along a curve: Taylor mode.

    primals: a tuple of positional arguments, where the curve stands. series: for each argument the derivatives of the
        curve there, first order first, each of the argument's structure and shapes; as many for all.

    A straight line x + t v has the series `([v, 0 * v, ...],)` and gives the derivatives of f along v. The cost grows
    with the square of the order. Loops, branches and complex numbers raise UnsupportedError; nest `gj.jvp` for those.
    """
    _checked(f, "jet")
    if not isinstance(primals, (tuple, list)) or not isinstance(series, (tuple, list)) or len(primals) != len(series):
        raise TypeError("gj.jet(f, primals, series) takes tuples of equal lengths: gj.jet(f, (x,), ([v, w],))")
    if not series or len({len(s) for s in series}) != 1 or not len(series[0]):
        raise TypeError("gj.jet takes derivatives of the same orders for each argument, and of one at least")
    if running_recorders():
        return d.push_curves(f, tuple(primals), [tuple(s) for s in series])
    return made_once(f, _push_curves)(tuple(primals), tuple(map(tuple, series)))


def _push_curves(f: Callable[..., Any]) -> Compiled:
    def jet(primals: Any, series: Any) -> Any:
        return d.push_curves(f, primals, series)

    return Compiled(jet, jet, "jet")


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """`(f(*primals), pullback)`: `pullback(cotangent)` gives a tuple of the cotangents of the primals, in reverse mode.

    The pullback is compiled together with what it needs of `f`, and runs that again.
    """
    _checked(f, "vjp")
    if running_recorders():
        return d.value(f, primals), lambda cotangent: d.pull(f, primals, cotangent)
    value = made_once(f, _plainly)(*primals)
    compiled = made_once(f, _pull)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        return compiled(primals, cotangent)

    return value, pullback


def _plainly(f: Callable[..., Any]) -> Compiled:
    def value(*args: Any) -> Any:
        return d.value(f, args)

    return Compiled(value, value, "vjp")


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """`(f(*primals), linear)`: `linear(*tangents)` is the derivative of `f` at the primals along the tangents.

    The linear function is compiled once for all points and tangents of these types, together with what it needs of
    `f`, and runs that again.
    """
    _checked(f, "linearize")
    if running_recorders():
        return d.value(f, primals), lambda *tangents: d.push(f, primals, tangents, again=True)[1]
    value = made_once(f, _plainly)(*primals)
    compiled = made_once(f, _linearly)

    def linear(*tangents: Any) -> Any:
        return compiled(primals, tangents)

    return value, linear


def _linearly(f: Callable[..., Any]) -> Compiled:
    def linearize(primals: Any, tangents: Any) -> Any:
        return d.push(f, primals, tangents, again=True)[1]

    return Compiled(linearize, linearize, "linearize")


def _pull(f: Callable[..., Any]) -> Compiled:
    def vjp(primals: Any, cotangent: Any) -> Any:
        return d.pull(f, primals, cotangent)

    return Compiled(vjp, vjp, "vjp")


# the rest -----------------------------------------------------------------------------------------------------------
def stop_gradient(x: Any) -> Any:
    """A copy of x, a constant for differentiation. Takes any pytree."""
    leaves, tree = trees.flatten(x)
    return trees.unflatten(tree, [_stopped(leaf) for leaf in leaves])


def _stopped(x: Any) -> Any:
    if is_recording(x):
        return x.detach()
    if not isinstance(x, (TracedArray, np.ndarray)):
        return x
    if not running_recorders():
        return np.array(x)
    h = as_traced(x)
    if not h.ir_dtype.is_inexact or h.is_known:
        return as_array(h) if h.kind == ARRAY else h
    return laid(emit("stop_gradient", h, kind=h.kind), copied(h.extents, h.strides_in_elements, "K"))


def trace(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Func:
    """The array IR of `f` for these arguments, as it is traced: nothing is differentiated, optimised or run.

    The parameters are the traced leaves of the arguments, then the captured arrays. `print` it.
    """
    _checked(f, "trace")
    args, kwargs = positional(f, args, kwargs)
    return run_trace(f, args, kwargs).func


__all__ = [
    "grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jet", "jit", "jvp", "linearize", "stop_gradient",
    "trace", "value_and_grad", "value_and_jacobian", "vjp", "vmap",
]
