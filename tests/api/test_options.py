"""What may be asked of every transformation, and the first calls that the interpreter answers."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import gradjit as gj

EVERY = [gj.jit, gj.value_and_grad, gj.grad, gj.hessian, gj.jacobian]
X = np.linspace(0.5, 1.5, 4)


def f(x):
    return np.sum(np.sin(x) * x**2)


def long_loop(x):
    for _ in range(20):
        x = np.sin(x)
    return np.sum(x)


def origin(g):
    (s,) = g.stats().specialisations
    return s.origin


def message(f):
    with pytest.raises(TypeError) as e:
        f()
    return str(e.value)


@pytest.mark.parametrize("make", [*EVERY, gj.hvp])
def test_unknown_options_are_named(make):
    with pytest.raises(TypeError, match=rf"gj\.{make.__name__} has no option 'teir'; there are backend, check, tier"):
        make(f, teir="interpret")
    assert make in (gj.jit, gj.vmap) or "argnums" in message(lambda: make(f, argnum=1))
    with pytest.raises(ValueError, match="tier='fast'; there are quick, compile, interpret"):
        make(f, tier="fast")
    with pytest.raises(ValueError, match="backend='gpu'; there are native, interpreter"):
        make(f, backend="gpu")


def test_the_arguments_of_each_are_named():
    for make in (gj.jit, gj.grad, gj.value_and_grad, gj.hessian, gj.hvp, gj.jacobian, gj.jacfwd, gj.jacrev,
                 gj.value_and_jacobian, gj.vmap):
        names = [p.name for p in inspect.signature(make).parameters.values() if p.kind != p.VAR_KEYWORD][1:]
        with pytest.raises(TypeError, match=", ".join(["threads", *names]) + "$"):
            make(f, unheard_of=1)


@pytest.mark.parametrize("make", EVERY)
def test_the_first_calls_are_interpreted(make):
    def parts(result):
        return result if isinstance(result, tuple) else (result,)

    expected = parts(make(f)(X))
    g = make(f, tier="interpret")
    for k in range(8):
        for a, b in zip(parts(g(X)), expected, strict=True):
            assert np.allclose(a, b, rtol=1e-13)
        assert origin(g) == ("interpreter" if k < 2 else "compiled")
    assert g.stats().hits == 8
    assert g.misses <= 6  # machine code takes the last calls itself


def test_each_specialisation_has_calls_of_its_own():
    g = gj.jit(f, tier="interpret", sizes="exact")
    for n in (3, 4):
        for _ in range(2):
            g(np.ones(n))
    assert [s.origin for s in g.stats().specialisations] == ["interpreter"] * 2
    g(np.ones(3))
    assert sorted(s.origin for s in g.stats().specialisations) == ["compiled", "interpreter"]


def test_loops_are_compiled_at_once():
    g = gj.grad(long_loop, tier="interpret")
    g(X)
    assert origin(g) == "compiled"


def test_stages_of_machine_code_are_made_when_asked_for():
    g = gj.jit(f, tier="interpret")
    g(X)
    assert "kernel @f" in g.ir(stage="loops")
    assert origin(g) == "compiled"


def test_for_some_lines_or_a_process(monkeypatch):
    monkeypatch.delenv("GRADJIT_TIER")
    assert gj.config.tier == "quick"
    with gj.config(tier="interpret", interpreted_calls=1):
        g = gj.jit(f)
        g(X)
        assert origin(g) == "interpreter"
        g(X)
        assert origin(g) == "compiled"
        h = gj.jit(f, tier="compile")
        h(X)
        assert origin(h) == "compiled"
    assert gj.config.tier == "quick" and gj.config.interpreted_calls == 2
    monkeypatch.setenv("GRADJIT_TIER", "interpret")
    assert gj.config.tier == "interpret"
    monkeypatch.setenv("GRADJIT_TIER", "sometimes")
    with pytest.warns(RuntimeWarning, match="GRADJIT_TIER='sometimes' is none of quick, compile"):
        assert gj.config.tier == "quick"
    assert repr(gj.config) == "gj.config(tier='quick', interpreted_calls=2, sizes='auto')"


@pytest.mark.parametrize("name, value, message", [
    ("tier", "fast", "tier='fast'; there are quick, compile, interpret"),
    ("interpreted_calls", 0, "interpreted_calls=0; it must be a positive int"),
    ("interpreted_calls", True, "interpreted_calls=True; it must be a positive int"),
])
def test_settings_that_cannot_be_meant(name, value, message):
    with pytest.raises(ValueError, match=message):
        setattr(gj.config, name, value)
    with pytest.raises(ValueError, match=message), gj.config(**{name: value}):
        pass


def test_settings_that_there_are_not():
    with pytest.raises(AttributeError, match="gj.config has no setting 'teir'; there are tier, interpreted_calls"):
        gj.config.teir = "interpret"
    with pytest.raises(TypeError, match="gj.config has no setting 'teir'"), gj.config(teir="interpret"):
        pass


def test_guards_and_writes_in_the_first_calls():
    box = {"c": 2.0}

    def scaled(x):
        x[0] = 7.0
        return x * box["c"]

    g = gj.jit(scaled, tier="interpret")
    for k in range(4):
        x = np.zeros(2)
        box["c"] = float(k // 2)
        assert g(x).tolist() == [7.0 * box["c"], 0.0]
        assert x.tolist() == [7.0, 0.0]
