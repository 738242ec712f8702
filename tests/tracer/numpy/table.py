"""Writes docs/numpy.md: which of NumPy's public functions are supported, which are not, and why.

`python -m tests.tracer.numpy.table` rewrites the page; test_table.py fails when it is out of date.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import scipy.special

from gradjit.ir.ops.special_functions import SIGNATURES, signature
from gradjit.passes.partials.special_functions import ROWS, row as special_row
from gradjit.tracer import libraries
from gradjit.tracer.numpy import RULES, UFUNC_METHODS, UFUNCS, refused, special
from gradjit.tracer.scipy.stats.distribution_methods import COMMON, POINTS

SCIPY_RULES = {**libraries.rules("scipy"), **libraries.solvers()}

PAGE = Path(__file__).resolve().parents[3] / "docs" / "numpy.md"

METHODS = (*POINTS, *(m for m in COMMON if m not in ("expect", "fit", "moment")))

FAMILIES = {
    "elementwise": "Elementwise functions", "reduction": "Reductions and scans", "statistics": "Statistics",
    "movement": "Shapes, axes and order", "joining": "Joining, splitting, padding", "creation": "Making arrays",
    "indexing": "Reading and writing by index", "search": "Sorting, searching, counting",
    "sets": "Sets",
    "calculus": "Differences, integrals, interpolation, polynomials", "linalg": "Linear algebra",
    "factorisation": "Factorisations", "complex_matrices": "Complex matrices, eigenvalues",
    "fourier": "Fourier transforms",
    "contraction": "einsum",
}

HEAD = """# NumPy and SciPy inside a compiled function

This page is generated (`python -m tests.tracer.numpy.table`, with {versions}) from the tracer's own tables, and a test
fails when it is out of date. A function that is listed as supported takes every argument that NumPy's does, with
NumPy's meaning, dtypes and errors, except those named behind it and in the table below; using one of those is an
`UnsupportedError` that names it and your line. So is calling a function that is not supported. What is not about traced
arrays at all (`np.load`, `np.printoptions`, ...) runs as ordinary Python while the function is compiled.

Where results can differ from NumPy's:

- `np.argsort`, `np.sort` and their kin are always stable; NumPy's default is not, so equal elements may come in another
  order.
- `np.partition` and `np.argpartition` sort fully, which is a partition, too.
- What would be float16 (`np.sin` of an int8 array) is refused: cast first.
- A warning of NumPy's (division by zero, all-nan slices) is not given; the value is the same.
- Indices and counts that are only known at run time are checked then and raise IndexError, also where NumPy raises
  ValueError (`np.choose`, `np.ravel_multi_index`). Where what is read is not used, or all elements are known to be
  one number (`np.ones(3)[k]`), nothing is read and nothing is checked.
- Numbers that NumPy does not take end the call with an error of NumPy's class and your line: a nan that is stored in
  integers, weights that sum to 0, quantiles beyond 1. Floats of Python's are NumPy's: `1.0 / x` and `math.log(x)` of
  0.0 give inf, where Python raises. Python's integers have 64 bits: `int(1e30)` is an error,
  and so is a product, a sum or a power of them that goes beyond (`f *= k`, `3**k`), where it does. Loops of known
  length up to 40 iterations are run one by one for such numbers: there Python computes them.
- Where the shape of a result depends on the elements (`x[mask]`, `np.nonzero`, `np.unique`, `np.repeat` by traced
  counts), its extent is computed: there is memory for the greatest number that it can be, and what is returned is as
  long as NumPy's. Sorting, scans, joining, indexing, elementwise functions, reductions and products take such arrays;
  what needs numbers for its extents (`np.linalg.solve`, `np.fft.fft`) says so. How long `np.bincount` of traced numbers
  or `np.repeat` by traced counts can be must follow from how these are computed (`np.digitize`, `np.minimum(n, 9)`).
- Elementwise functions and reductions of `x[mask]` run over all of x, under the mask. Of elements that are known while
  tracing (constants, arrays from outside of the function and what is computed of them alone) the shape is known, too;
  they are then watched: when they change, the function is compiled anew.
- `np.select` and `np.piecewise` evaluate every branch on all elements.
- NumPy takes `x**0.5` for `np.sqrt(x)`, and so does gradjit where the exponent is written in the function. An exponent
  that is an argument goes to C's `pow`, which gives 0.0 and inf for a base of -0.0 and -inf, where the square root is
  -0.0 and nan.
"""


def public() -> Iterator[tuple[str, Any]]:
    """Every public function of np, np.linalg and np.fft, by name."""
    for prefix, module in (("np", np), ("np.linalg", np.linalg), ("np.fft", np.fft)):
        for name in sorted(module.__all__):
            f = getattr(module, name)
            if callable(f) and not isinstance(f, type):
                yield f"{prefix}.{name}", f


def is_supported(f: Any) -> bool:
    return (f in UFUNCS and f not in refused.UFUNCS) if isinstance(f, np.ufunc) else (f in RULES
                                                                                      and f not in refused.FUNCTIONS)


def reason(name: str, f: Any) -> str | None:
    """Why it is not supported; None where nothing is said."""
    return refused.UFUNCS.get(f) or refused.FUNCTIONS.get(f) or refused.OUTSIDE.get(name.removeprefix("np."))


def family(f: Any) -> str:
    """The file that holds the rule."""
    if isinstance(f, np.ufunc):
        from gradjit.tracer.numpy import linalg
        return "linalg" if f in linalg.UFUNCS else "elementwise"
    import gradjit.tracer.numpy as tables
    for name in FAMILIES:
        if f in getattr(tables, name).RULES:
            return name
    raise AssertionError(f"{f} stands in no family's table")


def missing_arguments(f: Any) -> list[str]:
    """Parameters of NumPy's that the rule does not have."""
    if isinstance(f, np.ufunc):
        return []
    try:
        theirs = inspect.signature(f).parameters
    except (TypeError, ValueError):
        return []
    ours = inspect.signature(RULES[f]).parameters
    if any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in ours.values()):
        return []
    return [f"{p}=" for p in theirs if p not in ours and p not in ("subok", "like", "device", "prototype")]


def supported_lines() -> Iterator[str]:
    by_family: dict[str, dict[str, str]] = {name: {} for name in FAMILIES}
    for name, f in public():
        if is_supported(f):
            without = missing_arguments(f)
            by_family[family(f)][name] = f"`{name}`" + (f" (without {', '.join(without)})" if without else "")
    for key, title in FAMILIES.items():
        yield f"\n### {title}\n"
        yield ", ".join(by_family[key].values())
    yield "\n### Methods of ufuncs\n"
    yield (", ".join(f"`{m}`" for m in UFUNC_METHODS) + ": of sums, products, extremes, logical and bitwise ufuncs, "
           "`logaddexp` and `hypot`; `at` and `outer` of all.")
    yield "\n### scipy.special\n"
    yield ", ".join(f"`{n}`" for n in special_names())
    yield "\nNot differentiable with regard to all arguments:\n"
    yield "| arguments without a derivative | of |\n| --- | --- |"
    by_arguments: dict[str, list[str]] = {}
    for name, missing in without_derivative():
        by_arguments.setdefault(missing, []).append(f"`{name}`")
    for missing, names in by_arguments.items():
        yield f"| {missing} | {', '.join(names)} |"


def other_lines() -> Iterator[str]:
    """SciPy's other packages, by name."""
    by_package: dict[str, set[str]] = {}
    for module, name in SCIPY_RULES:
        package = ".".join(module.split(".")[:2])
        if "." not in name and package != "scipy.special":
            by_package.setdefault(package, set()).add(name)
    for package, names in sorted(by_package.items()):
        yield f"\n### {package}\n"
        yield ", ".join(f"`{n}`" for n in sorted(names))
        if package == "scipy.stats":
            methods = ", ".join(f"`{m}`" for m in METHODS)
            yield (f"\nMethods of distributions, of frozen ones, too: {methods}, where the distribution has a formula "
                   "for it; `dirichlet` and `multinomial`. See [special-functions.md](special-functions.md).")


def special_names() -> list[str]:
    """The functions of scipy.special that are supported."""
    own = {name for module, name in SCIPY_RULES if module.startswith("scipy.special")}
    return sorted({*special.UFUNCS_BY_NAME, *own, *(n for n in SIGNATURES if not n.startswith("_"))})


def without_derivative() -> Iterator[tuple[str, str]]:
    """Functions by SciPy's loops that have no derivative by some argument, with those."""
    for name in special_names():
        if name in ROWS:
            row, operands = special_row(name, 0), signature(name).operands
            missing = [a for a, entry in zip(operands, row, strict=True) if isinstance(entry, str)]
            if missing:
                yield name, ", ".join(missing)


def limit_lines() -> Iterator[str]:
    yield "| function or argument | what is supported, or not |\n| --- | --- |"
    for what, text in refused.LIMITS.items():
        yield f"| {what} | {text} |"


def unsupported_lines() -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for name, f in public():
        if not is_supported(f) and name.removeprefix("np.") not in refused.OUTSIDE:
            by_reason.setdefault(reason(name, f) or "", []).append(f"`{name}`")
    yield "| functions | why, or what to write |\n| --- | --- |"
    for why, names in by_reason.items():
        yield f"| {', '.join(names)} | {why} |"
    ufuncs = {n for n in scipy.special.__all__ if isinstance(getattr(scipy.special, n), np.ufunc)}
    rest = ", ".join(f"`{n}`" for n in sorted(ufuncs - {*special_names(), "jn"}))
    yield f"| of `scipy.special`'s {len(ufuncs)} ufuncs: {rest} | they give complex numbers |"
    yield ("| `np.random.*` | what all the program draws from: make a generator, `np.random.default_rng(seed)`, inside "
           "or outside |")


def outside_lines() -> Iterator[str]:
    by_reason: dict[str, list[str]] = {}
    for name, why in refused.OUTSIDE.items():
        by_reason.setdefault(why, []).append(f"`np.{name}`")
    for why, names in by_reason.items():
        yield f"- {', '.join(names)}: {why}."


def versions() -> str:
    """The libraries whose public names the page lists."""
    return " and ".join(f"{m.__name__} {'.'.join(m.__version__.split('.')[:2])}" for m in (np, scipy))


def page() -> str:
    """The text of docs/numpy.md."""
    return "\n".join([HEAD.replace("{versions}", versions()), "## Supported", *supported_lines(), *other_lines(),
                      "\n## Supported in part\n", *limit_lines(),
                      "\n## Not supported\n", *unsupported_lines(),
                      "\n## Not about traced arrays\n", *outside_lines()]) + "\n"



if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"wrote {PAGE}")
