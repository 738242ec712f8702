"""Loops of the program that do the same for each of many members are cut by members, with the bits of those uncut."""

from __future__ import annotations

import re

import numpy as np
import pytest

import gradjit as gj
from gradjit.codegen import cores, lower_loops
from gradjit.codegen.loopir.interpreter import interpret
from gradjit.codegen.loopir.parser import parse
from gradjit.codegen.loopir.printer import print_program
from gradjit.codegen.loopir.verifier import verify
from gradjit.ir.parser import parse as parse_ir
from tests.parallel.programs import CHUNK

rng = np.random.default_rng(3)
p = rng.uniform(0.2, 2.0, 400)
three = rng.uniform(0.5, 2.0, (3, 400))
noise = rng.normal(size=(40, 400))
pixels = rng.uniform(-1.5, 0.5, (20, 30))


def euler(k):
    y = np.ones(k.shape)
    for _ in range(37):
        y = y + 0.1 * (np.sin(y) - k * y)
    return np.sum(y * y)


def lorenz(p):
    x, y, z = np.ones(p.shape[1]), 1.1 * np.ones(p.shape[1]), 0.9 * np.ones(p.shape[1])
    for _ in range(36):
        x, y, z = (x + 0.01 * p[0] * (y - x), y + 0.01 * (x * (p[1] - z) - y), z + 0.01 * (x * y - p[2] * z))
    return np.sum(x * y + np.sin(z))


def stacked(p):
    """The state in one array, a row for each of its parts: rows stand a row of members apart."""
    u = np.stack([np.ones(p.shape[1]), 2 * np.ones(p.shape[1])])
    for _ in range(36):
        u = u + 0.1 * np.stack([np.sin(u[1]) * p[0], p[1] * u[0]])
    return np.sum(u * u)


def in_place(p):
    u, v = np.zeros((2, p.shape[1])), np.ones(p.shape[1])
    for k in range(38):
        u[0] += 0.1 * np.cos(p[0] * v) * (k + 1)
        u[1] -= 0.1 * u[0] * p[1]
        v *= 1 + 0.01 * np.tanh(u[1])
    return np.sum(u) + np.sum(v * v)


def driven(z):
    """Each iteration reads a row of its own."""
    s = np.ones(z.shape[1])
    for t in range(z.shape[0]):
        s = s * np.exp(np.sin(np.cos(np.exp(0.1 * z[t]))))
    return np.mean(np.maximum(s, 1.5) ** 2)


def recorded(p):
    """Each iteration writes a row of its own."""
    path, y = np.zeros((39, p.shape[0])), np.ones(p.shape[0])
    for t in range(39):
        y = y + 0.1 * np.sin(p * y) * np.exp(-y)
        path[t] = y
    return np.sum(path**2)


def clocked(p):
    """A number that goes along, and a branch on it."""
    y, t = np.zeros(p.shape), 0.0
    for k in range(39):
        t = t * 0.9 + 0.1
        if k % 3 == 0:
            y = y + t * np.sin(p * t)
        else:
            y = y * np.cos(p + t)
    return np.sum(y) * t


def nested(p):
    y = np.ones(p.shape)
    for k in range(23):
        for j in range(24):
            y = y + 0.05 * np.sin(y * p) * (j + k)
        y = np.tanh(y)
    return np.sum(y)


def mandelbrot(x):
    a, b = np.zeros_like(x), np.zeros_like(x)
    for _ in range(39):
        inside = a * a + b * b < 4
        a, b = np.where(inside, a * a - b * b + x, a), np.where(inside, 2 * a * b + 0.3, b)
    return np.sum(a * a + b)


PROGRAMS = {"euler": (euler, p), "lorenz": (lorenz, three), "stacked": (stacked, three[:2]),
            "in place": (in_place, three[:2]), "driven": (driven, noise), "recorded": (recorded, p),
            "clocked": (clocked, p), "nested": (nested, p), "mandelbrot": (mandelbrot, pixels)}
BY_MEMBERS = re.compile(r"chunks c\d+ of .*\n +repeat ")


def small(nest=1.0):
    return cores.limits(chunk=CHUNK, nest=nest, loss=1e9)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_bits_as_uncut(name):
    f, x = PROGRAMS[name]
    with small(nest=1e30):
        whole = gj.value_and_grad(lambda x: f(x))(x)
    with small():
        g = gj.value_and_grad(f)
        text = g.ir(x, stage="loops")
        found = []
        for n in (1, 2, 3):
            with gj.threads(n):
                found.append(g(x))
    assert len(BY_MEMBERS.findall(text)) >= 2, text  # there and back
    for value, gradient in found:
        assert value == whole[0] and gradient.tobytes() == whole[1].tobytes()


@pytest.mark.parametrize("name", ["euler", "in place", "recorded", "clocked"])
def test_meaning_and_text(name):
    """The text is read again as it was; the judge runs chunks in any order."""
    f, x = PROGRAMS[name]
    x = x[..., :48].copy()
    func = parse_ir(gj.value_and_grad(f).ir(x, stage="optimized")).funcs[f.__name__]
    with small():
        program = lower_loops(func)
    verify(program)
    text = print_program(program)
    assert "moves:" in text and print_program(parse(text)) == text
    expected = [np.asarray(a) for a in gj.value_and_grad(lambda x: f(x))(x)]
    for backwards in (False, True):
        for a, b in zip(interpret(program, [x], backwards), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9)


@pytest.mark.parametrize("name", ["euler", "stacked", "recorded", "in place"])
def test_one_compilation_for_all_sizes(name):
    f, x = PROGRAMS[name]
    with small():
        g = gj.value_and_grad(f, sizes="any")
        for n in (400, 100, 17, 16, 5, 2, 0):
            found = []
            for threads in (1, 3):
                with gj.threads(threads):
                    found.append(g(x[..., :n]))
            value, gradient = gj.value_and_grad(lambda x: f(x))(x[..., :n])
            for a, b in found:
                np.testing.assert_allclose(a, value, rtol=1e-11, atol=1e-12)
                np.testing.assert_allclose(b, gradient, rtol=1e-11, atol=1e-12)
        assert len(g.stats().specialisations) <= 3


def neighbours(p):
    for _ in range(35):
        p = p + 0.01 * (np.roll(p, 1) - p)
    return np.sum(p)


def middle(p):
    for _ in range(35):
        p = np.sin(p - np.mean(p))
    return np.sum(p)


def first(p):
    for _ in range(35):
        p = np.sin(p - p[0])
    return np.sum(p)


def turned(p):
    for _ in range(35):
        p = np.sin(p[::-1])
    return np.sum(p)


def shifted(p):
    u = np.zeros((36, p.shape[0]))
    u[0] = p
    for t in range(35):
        u[t + 1, 1:] = np.sin(u[t, :-1])
    return np.sum(u)


def across(p):
    u = np.outer(p[:40], p[:40])
    for _ in range(35):
        u = np.sin(u.T) + u
    return np.sum(u)


@pytest.mark.parametrize("f", [neighbours, middle, first, turned, shifted, across])
def test_what_goes_from_member_to_member_is_left_as_it_is(f):
    with small():
        text = gj.value_and_grad(f).ir(p, stage="loops")
    assert not BY_MEMBERS.search(text), text


def test_where_memory_is_what_bounds_it_stays_as_it_is():
    def drift(z):
        s = np.ones(z.shape[1])
        for t in range(z.shape[0]):
            s = s + z[t]
        return np.sum(s)

    with cores.limits(chunk=CHUNK, nest=1.0, loss=-1e9):
        assert not BY_MEMBERS.search(gj.jit(drift).ir(noise, stage="loops"))


def test_an_interrupted_or_failing_part_leaves_nothing(tmp_path):
    """Tapes are the kernel's: chunks free none of them."""
    with small():
        g = gj.value_and_grad(recorded)
        with gj.threads(3):
            for _ in range(200):
                g(p)
    np.testing.assert_allclose(g(p)[0], recorded(p), rtol=1e-12)
