"""Recordings that go on where others were: what has been traced is not traced anew."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import gradjit as gj
from gradjit.tensors import trie


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the ways that are traced anew."""
    (gj.tensor(1.0) + 1.0).item()  # ends what another test has left open
    trie.clear()
    found: list[int] = []
    plain = trie.TrieNode.opened

    def opened(node: trie.TrieNode) -> object:
        found.append(len(node.path()))
        return plain(node)

    monkeypatch.setattr(trie.TrieNode, "opened", opened)
    return found


def test_a_look_on_a_known_way(traced: list[int]) -> None:
    x = gj.tensor([1.0, 2.0], requires_grad=True)
    seen = []
    for k in range(8):
        (x * x).sum().backward()
        with gj.no_grad():
            x -= 0.25 * x.grad
            x.grad = None
        if k % 3 == 2:
            seen.append(x.item(1))
    assert seen == [2 * 0.5**3, 2 * 0.5**6]
    assert max(traced) <= 1  # no more than the mode


def test_a_recording_goes_on_behind_an_ended_one(traced: list[int]) -> None:
    def run(more: bool) -> np.ndarray:
        x = gj.tensor([1.0, 2.0], requires_grad=True)
        y = x * x
        y[0] = 5.0
        if more:
            z = y * x
            z.sum().backward()
            return x.grad.numpy()
        return y.numpy()

    assert_array_equal(run(False), [5, 4])
    assert_array_equal(run(True), [5, 12])
    assert_array_equal(run(False), [5, 4])
    assert max(traced) == 0


def test_other_traces_of_a_way_know_their_own_values() -> None:
    def run(steps: int) -> np.ndarray:
        x = gj.tensor([1.0, 2.0, 3.0])
        for k in range(steps):
            x[k % 3] = x[(k + 1) % 3] * 2.0
        return x.numpy()

    def expected(steps: int) -> np.ndarray:
        x = np.array([1.0, 2.0, 3.0])
        for k in range(steps):
            x[k % 3] = x[(k + 1) % 3] * 2.0
        return x

    for steps in (7, 2, 5, 1, 6, 3, 9, 4, 8):
        assert_array_equal(run(steps), expected(steps))


def test_cotangents_arrive_at_other_places_of_one_form(traced: list[int]) -> None:
    x = gj.tensor([1.0, 2.0], requires_grad=True)
    ys = [x]
    for _ in range(trie.MAX_STEPS * 4):
        ys.append(ys[-1] * 0.999)
    sum(ys[::70]).sum().backward()
    np.testing.assert_allclose(x.grad, sum(0.999**k for k in range(0, len(ys), 70)) * np.ones(2))
    assert sum(n > 1 for n in traced) <= 1
