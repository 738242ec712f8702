"""Compile functions into a library with a C interface, which needs no Python.

    gradjit build model.py:loss --signature 'f64[3], f64[n,3], f64[n]' --derivative value_and_grad --output build/
    gradjit build model.py:loss --signature 'f64[n]' --and model.py:other --signature 'f64[n]' --derivative grad

--signature, --derivative, --argnums and --as belong to the function in front of them. Written are the object file, a
static and a shared library, the header, an example in C, and files for pkg-config and CMake.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from . import load
from .ir import numbers
from .usage import UsageError

HELP = "compile functions into a library with a C interface"
DERIVATIVES = ("value_and_grad", "grad", "hessian", "hvp", "jacobian", "jacfwd", "jacrev", "value_and_jacobian")


class OfLastFunction(argparse.Action):
    """An option of the function that was named last."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        every = list(getattr(namespace, "each", None) or [{}])
        if self.dest in every[-1]:
            parser.error(f"{option_string} is given twice for one function; --and names another one")
        every[-1] = {**every[-1], self.dest: values}
        namespace.each = every


class AnotherFunction(argparse.Action):
    """One more function."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        every = list(getattr(namespace, "each", None) or [{}])
        namespace.each = [*every, {"function": values}]


def options(p: argparse.ArgumentParser) -> None:
    p.add_argument("function", metavar="FILE.py:FUNCTION")
    p.add_argument("--and", action=AnotherFunction, metavar="FILE.py:FUNCTION", dest="another",
                   help="one more function of the library")
    p.add_argument("--signature", action=OfLastFunction, metavar="TYPES",
                   help="of its arguments: 'f64[n,3], f64[n]'; extents that are named are open")
    p.add_argument("--derivative", action=OfLastFunction, choices=DERIVATIVES,
                   help="what is compiled of it (default: the function itself)")
    p.add_argument("--argnums", action=OfLastFunction, type=numbers, metavar="N[,N]",
                   help="differentiated arguments (default: 0)")
    p.add_argument("--as", action=OfLastFunction, dest="name", metavar="NAME", help="the function's name in C")
    p.add_argument("--name", dest="library", metavar="NAME", help="of the library (default: the first function's)")
    p.add_argument("--output", default="build", metavar="DIR", help="to write to (default: %(default)s)")
    p.add_argument("--target", "--targets", dest="targets", default="native", metavar="NAME[,NAME]",
                   help="processors: native (default), x86-64-v2, v3, v4 (several: the library chooses), a triple")
    p.add_argument("--python", action="store_true", help="also an extension module that needs NumPy alone")
    p.add_argument("--link", action="append", default=[], metavar="LIBRARY",
                   help="what the shared library is linked with, such as openblas")


def command(o: argparse.Namespace) -> int:
    from ..api.export import Routine, export

    every: Sequence[dict[str, Any]] = getattr(o, "each", None) or [{}]
    routines = []
    for number, asked in enumerate(every):
        target = o.function if number == 0 else asked["function"]
        if "signature" not in asked:
            raise UsageError(f"{target} has no --signature; write for example --signature 'f64[n,3], f64[n]'")
        routines.append(Routine(load.function(target), asked["signature"], asked.get("derivative"),
                                asked.get("argnums", 0), asked.get("name")))
    try:
        made = export(routines, name=o.library, output=o.output, targets=o.targets.split(","), libraries=o.link,
                      python=o.python)
    except OSError as e:
        raise UsageError(f"cannot write to {o.output}: {e}") from e
    print(made)
    return 0
