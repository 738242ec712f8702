"""Arguments that a function does not have, or has and gradjit does not take: what there is is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradjit as gj

X = np.arange(1.0, 7.0)


@pytest.mark.parametrize(("f", "message"), [
    (lambda x: np.sin(x, wher=x > 0), r"np\.sin: got an unexpected .* 'wher'; it has out=, where="),
    (lambda x: np.clip(x, a_low=0), r"np\.clip: got an unexpected .* 'a_low'; it has min= and max="),
    (lambda x: np.sum(x, axes=0), r"np\.sum: .*'axes'; its arguments are a, axis, dtype, out, keepdims, initial"),
    (lambda x: np.histogram(x, 3, rang=(0, 1)), r"np\.histogram: .*'rang'; its arguments are a, bins, range"),
])
def test_a_keyword_that_there_is_not(f: Callable[..., Any], message: str) -> None:
    with pytest.raises(TypeError):
        f(X)
    with pytest.raises(TypeError, match=message):
        gj.jit(f)(X)


def test_a_keyword_that_is_not_taken() -> None:
    with pytest.raises(gj.errors.UnsupportedError, match=r"np\.array: .*this argument is not supported; leave"):
        gj.jit(lambda x: np.array(x, ndmax=3))(X)


def test_a_mode_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="mode 'foo' is not supported; there are 'constant', 'edge'"):
        gj.jit(lambda x: np.pad(x, 2, mode="foo"))(X)


def test_the_global_generator_is_named_as_it_is_written() -> None:
    with pytest.raises(TypeError, match=r"np\.random\.normal gives another .* rng = np\.random\.default_rng\(seed\)"):
        gj.jit(lambda x: x + np.random.normal(size=6))(X)
