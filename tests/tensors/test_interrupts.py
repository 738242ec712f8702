"""Ctrl-C leaves nothing open, wherever it comes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gradjit as gj
from gradjit.tensors import trie
from gradjit.tracer import recorder
from gradjit.tracer.fresh_arrays import FreshArrays


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("method", ["open", "close"])
def test_it_comes_while_a_trace_is_opened_or_closed(monkeypatch: pytest.MonkeyPatch, method: str, before: bool) -> None:
    plain = getattr(FreshArrays, method)
    pressed: list[bool] = []

    def interrupted(self: FreshArrays) -> None:
        if before and not pressed:
            pressed.append(True)
            raise KeyboardInterrupt
        plain(self)
        if not pressed:
            pressed.append(True)
            raise KeyboardInterrupt

    def f(x):
        return np.sum(x * 7.0)

    trie.clear()
    x = gj.tensor([1.0, 2.0], requires_grad=True)
    count = recorder.tracing.value
    for first in (lambda: x * 3, lambda: gj.grad(f)(np.ones(3))):
        with monkeypatch.context() as m:
            m.setattr(FreshArrays, method, interrupted)
            pressed.clear()
            with pytest.raises(KeyboardInterrupt):
                first()
            assert pressed
        assert_array_equal(gj.jit(f)(np.ones(2)), 14.0)
        assert_array_equal(gj.vjp(f, np.ones(2))[1](1.0)[0], [7, 7])
        (x * 3).sum().backward()
        assert not recorder.recorders()
        assert recorder.tracing.value == count
    assert_array_equal(x.grad, [6, 6])


def test_traces_within_a_trace_are_no_such_case() -> None:
    x = gj.tensor([1.0, 2.0], requires_grad=True)

    def f(y):
        return np.sum(y * (x + 4.0).sum().item())

    with pytest.raises(gj.TraceError, match="a tensor is used in a function while gradjit traces it"):
        gj.grad(f)(np.ones(2))
    assert not recorder.recorders()
