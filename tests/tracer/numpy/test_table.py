"""Nothing of NumPy's public surface is silently missing."""

from __future__ import annotations

import numpy as np
import pytest

from gradjit.errors import UnsupportedError
from gradjit.tracer.numpy import RULES, UFUNCS, refused
from gradjit.tracer.trace import trace
from tests.tracer.numpy.table import PAGE, is_supported, page, public, reason, versions


@pytest.mark.parametrize(("name", "func"), [pytest.param(n, f, id=n) for n, f in public()])
def test_supported_or_explained(name: str, func: object) -> None:
    """Each public function has a rule, or a reason why it has none; none has both."""
    why = reason(name, func)
    assert is_supported(func) or why, f"{name}: neither supported nor refused"
    assert not (is_supported(func) and why), f"{name}: both supported and refused"


def test_refused_ones_exist() -> None:
    """The tables of what is refused name functions that NumPy has."""
    known = {n.removeprefix("np.") for n, _ in public()}
    assert not set(refused.OUTSIDE) - known
    assert all(f in RULES for f in refused.FUNCTIONS)
    assert all(f in UFUNCS for f in refused.UFUNCS)


@pytest.mark.parametrize("func", [pytest.param(f, id=f.__name__) for f in (*refused.FUNCTIONS, *refused.UFUNCS)])
def test_refusal_names_function_and_line(func: np.ufunc) -> None:
    def f(x):  # type: ignore[no-untyped-def]
        return func(x, x) if getattr(func, "nin", 1) == 2 else func(x)

    with pytest.raises(UnsupportedError) as caught:
        trace(f, (np.ones((2, 2)),), {})
    assert func.__name__ in str(caught.value)
    assert "test_table.py" in str(caught.value)


def test_page() -> None:
    """docs/numpy.md says what the tables say."""
    if versions() not in PAGE.read_text():
        pytest.skip(f"the page lists the names of other libraries than {versions()}")
    assert PAGE.read_text() == page(), "docs/numpy.md is out of date: run `python -m tests.tracer.numpy.table`"
