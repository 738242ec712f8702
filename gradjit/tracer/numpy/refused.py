"""NumPy's functions that gradjit knows of and does not compile, each with the reason or the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..unsupported import unsupported

Rule = Callable[..., Any]

DATA_DEPENDENT = "the shape of its result depends on the elements; compute it outside"
NO_NUMBERS = "it computes no array of numbers; call it outside"
DATES = "dates and times are no numbers that can be compiled"
ALIASING = "whether memory is shared is decided when the function is compiled"
FILES = "files are written outside of the compiled function"

FUNCTIONS: dict[Callable[..., Any], str] = {
    np.polydiv: "polynomial division takes as many steps as the leading coefficients demand",
    np.packbits: NO_NUMBERS, np.unpackbits: NO_NUMBERS,
    np.may_share_memory: ALIASING, np.shares_memory: ALIASING,
    np.min_scalar_type: "it depends on the value",
    **dict.fromkeys((np.save, np.savez, np.savez_compressed, np.savetxt), FILES),
    **dict.fromkeys((np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string), DATES),
}

LIMITS: dict[str, str] = {
    "order=": "'A' and 'K' of an array whose order in memory is not known; a write to what may be a view of one",
    "np.quantile, np.percentile": "weights=; for a q that is not known, and ignoring nan, method='linear' alone",
    "np.pad": "functions as mode; reflect_type='odd'",
    "np.fill_diagonal": "wrap=True",
    "np.repeat, np.split, np.delete, np.insert": "counts, places and indices must be known",
    "x.view(dtype)": "dtypes of the same size, and complex numbers as pairs of real ones and back; the derivative of "
                     "bits, and of what is computed of them, is 0",
    "np.histogram": "a rule for the number of bins",
    "np.apply_along_axis": "at most 256 slices",
    "ufunc.reduceat": "at most 256 segments, known",
    "complex numbers": "np.max and np.min with initial= or where=; np.emath's functions and np.real_if_close where "
                       "their results are real, which the running program finds out (else an error says what to write)",
}
"""What supported functions do not do."""

UFUNCS: dict[np.ufunc, str] = {
    np.isnat: DATES,
}

OUTSIDE: dict[str, str] = {
    **dict.fromkeys(("fromfile", "fromregex", "genfromtxt", "load", "loadtxt"), FILES),
    **dict.fromkeys(("frombuffer", "fromstring", "from_dlpack", "fromfunction", "fromiter", "bmat",
                     "asmatrix", "mask_indices"),
                     "it makes arrays from other objects; call it outside and pass the result"),
    **dict.fromkeys(("base_repr", "binary_repr", "broadcast_shapes", "datetime_data", "format_float_positional",
                     "format_float_scientific", "get_include", "get_printoptions", "getbufsize", "geterr",
                     "geterrcall", "info", "isdtype", "isfortran", "issubdtype", "mintypecode",
                     "nested_iters", "printoptions", "promote_types", "set_printoptions", "setbufsize", "seterr",
                     "seterrcall", "show_config", "show_runtime", "test", "typename", "frompyfunc"), NO_NUMBERS),
}
"""Functions that never see a traced array: they run as ordinary Python while the function is traced."""


def _refuse(func: Any, reason: str) -> Rule:
    def rule(*args: Any, **kwargs: Any) -> NoReturn:
        unsupported(func, reason)

    return rule


RULES: dict[Callable[..., Any], Rule] = {f: _refuse(f, reason) for f, reason in FUNCTIONS.items()}
UFUNC_RULES: dict[np.ufunc, Rule] = {f: _refuse(f, reason) for f, reason in UFUNCS.items()}
