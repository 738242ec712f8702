"""Strings and members of enumerations that traced conditions choose: modes of a machine, the name of the best model."""

from __future__ import annotations

import enum
import heapq
import math
from typing import NamedTuple

import numpy as np
import pytest

import gradjit as gj
from gradjit.tracer.trace import trace


class Phase(enum.Enum):
    BOOST = 1
    COAST = 2
    DOWN = 3


class Fit(NamedTuple):
    name: str
    score: float
    both: tuple[float, float]


class Latch:
    state = "idle"

    def step(self, v):
        if self.state == "idle" and v > 0.3:
            self.state = "run"
        elif self.state == "run" and v < -0.3:
            self.state = "idle"
        return v if self.state == "run" else 0.0


def thermostat(x):
    gains = {"heat": 2.0, "cool": -1.5, "off": 0.0}
    mode, t, log = "off", x, []
    for k in range(60):
        if t < 18:
            mode = "heat"
        elif t > 24:
            mode = "cool"
        elif mode != "off" and 20 < t < 22:
            mode = "off"
        t = t + 0.1 * gains[mode] + 0.05 * math.sin(k)
        log.append(t)
    return sum(log) / len(log) + (1.0 if mode in ("heat", "cool") else 0.0)


def rocket(x):
    h, v, phase, t = 0.0, 0.0, Phase.BOOST, 0.0
    counts = {Phase.BOOST: 0, Phase.COAST: 0, Phase.DOWN: 0}
    while phase is not Phase.DOWN:
        a = x - 9.81 if phase is Phase.BOOST else -9.81
        v += 0.05 * a
        h += 0.05 * v
        t += 0.05
        counts[phase] += 1
        if phase == Phase.BOOST and h > 10:
            phase = Phase.COAST
        elif phase == Phase.COAST and v < 0:
            phase = Phase.DOWN
    return h + t + counts[Phase.COAST] * 0.01 * x


def best_model(x):
    scores = {"linear": x**2, "cubic": 3 * x, "exp": math.exp(x) / 2}
    best = min(scores, key=lambda k: scores[k])
    print(f"best: {best:>8s} with {scores[best]:.3f}")
    worst = max(scores.items(), key=lambda kv: kv[1])
    return scores[best] + worst[1] * (2.0 if worst[0] == "exp" else 1.0)


def ranked(x):
    total = 0.0
    for i, (name, v) in enumerate(sorted({"a": x, "b": 2 - x, "c": 0.5}.items(), key=lambda kv: kv[1], reverse=True)):
        print(name, v)
        total += v * (i + 1) * (10 if name == "a" else 1)
    return total


def status(x):
    status = "max_iter"
    for k in range(50):  # noqa: B007
        new = 0.5 * (x + 2 / x)
        if abs(new - x) < 1e-3:
            status = "converged"
            break
        x = new
    if status.startswith("conv"):
        x = x * 2
    print("status %s after %d" % (status, k))  # noqa: UP031
    return {"x": x, "ok": status == "converged"}["x"] + len(status) * 0.1


def by_place(x):
    kinds = ["relu", "tanh", "sin"]
    name = kinds[np.argmax(np.array([x, 1.0, x * x]))]
    return math.tanh(x) + (x if name == "tanh" else 2 * x)


def list_of_strings(x):
    names = []
    for v in x:
        names.append("up" if v > 0 else "down")
    return sum(v if n == "up" else 2 * v for v, n in zip(x, names, strict=True))


def items_of_a_dict(x):
    key = "a" if x > 0 else "b"
    d = {"a": 0.0, "b": 1.0}
    d[key] = x * 5
    d[key] += 2
    return d["a"] * 2 + d["b"] + d.get(key, 0.0)


def latch(x):
    a = Latch()
    return sum(a.step(v) for v in x) + (1.0 if a.state == "run" else 0.0)


def best_or_none(x):
    models = {"line": lambda t: 2 * t, "square": lambda t: t * t + 0.1, "exp": lambda t: math.exp(t) - 1,
              "sine": lambda t: 5 * math.sin(t)}
    best, score = None, -np.inf
    for name, model in models.items():
        s = model(x)
        if s > score:
            best, score = name, s
    print(best)
    return score + (1.0 if best == "sine" else 0.0) + len(best) * 0.01


def record_of_the_best(x):
    best = None
    for k in range(40):
        x = x + 0.3 * math.sin(k)
        if best is None or x > best.score:
            best = Fit("up" if math.sin(k) > 0.5 else ("down" if x > 2 else "flat"), x, (x, 2 * x))
    return best.score + (0.5 if best.name == "down" else 0.0) + best.both[1]


def mode_in_a_dict(x):
    state = {"mode": "idle", "count": 0, "e": x}
    for _ in range(30):
        m = state["mode"]
        if m == "idle" and state["e"] > 0.5:
            state["mode"] = "run"
        if m == "run":
            state["e"] *= 0.8
            state["count"] += 1
            if state["e"] < 0.2:
                state["mode"] = "done"
        elif m == "idle":
            state["e"] += 0.05 * x
    return state["e"] + state["count"] + (0 if state["mode"] == "done" else 100.0)


def pairs_of_strings(x):
    def sign(v):
        if v < 0:
            return "neg"
        if v == 0:
            return "zero"
        return "pos"

    table = {("neg", "pos"): 1.0, ("pos", "pos"): 2.0, ("pos", "neg"): 3.0, ("neg", "neg"): 4.0}
    return table[sign(x), sign(x - 1)] * x


def histogram(x):
    counts, sums = {"lo": 0, "mid": 0, "hi": 0}, {"lo": 0.0, "mid": 0.0, "hi": 0.0}
    for v in x:
        key = "lo" if v < -0.3 else "hi" if v > 0.3 else "mid"
        counts[key] += 1
        sums[key] = sums[key] + v * v
    return sum(sums[k] / max(counts[k], 1) for k in counts)


def attribute_of_a_member(x):
    phase = Phase.BOOST if x > 1 else Phase.COAST
    return x * phase.value + len(phase.name) * 0.1 + (phase.name.lower() == "coast")


def heaps(x):
    scores = {"a": x[0], "b": x[1], "c": x[2]}
    top = heapq.nlargest(2, scores, key=scores.get)
    low = heapq.nsmallest(2, scores.items(), key=lambda kv: kv[1])
    return sum(scores[k] for k in top) + low[0][1] * 10 + heapq.nlargest(1, scores.values())[0]


WAVES = np.sin(np.arange(40.0) * 0.7 + 0.1)
CASES = [
    (thermostat, [15.0, 30.0, 21.0]), (rocket, [20.0, 40.0]), (best_model, [0.5, 2.0, 4.0]), (ranked, [0.2, 1.7]),
    (status, [1.0, 1e9]), (by_place, [1.5, 0.3]), (list_of_strings, [WAVES, WAVES[:5]]), (items_of_a_dict, [1.0, -1.0]),
    (latch, [WAVES, WAVES[:7]]), (best_or_none, [0.5, 2.0, 3.0]), (record_of_the_best, [0.5, 2.0]),
    (mode_in_a_dict, [0.7, 0.1]), (pairs_of_strings, [0.5, 2.0, -1.0]), (histogram, [WAVES, WAVES[:5]]),
    (attribute_of_a_member, [2.0, 0.5]), (heaps, [np.array([1.0, 3.0, 2.0]), np.array([3.0, 1.0, -2.0])]),
]


@pytest.mark.parametrize("f, points", [pytest.param(*c, id=c[0].__name__) for c in CASES])
def test_value_gradient_and_what_is_printed(f, points, capsys):
    compiled, gradient = gj.jit(f), gj.grad(f)
    for x in points:
        expected = f(x)
        said = capsys.readouterr().out
        assert compiled(x) == pytest.approx(expected, rel=1e-12)
        assert capsys.readouterr().out == said
        assert gj.jit(f, tier="interpret")(x) == pytest.approx(expected, rel=1e-12)
        got = gradient(x)
        capsys.readouterr()
        d = np.cos(np.arange(np.size(x))) if np.ndim(x) else 1.0
        h = 1e-6 * max(1.0, np.max(np.abs(x)))
        assert np.sum(got * d) == pytest.approx((f(x + h * d) - f(x - h * d)) / (2 * h), rel=1e-5, abs=1e-5)
        capsys.readouterr()


def test_a_key_that_is_missing_is_an_error_of_the_run():
    def f(x):
        key = "a" if x > 0 else "b"
        return {"a": 2.0}[key] * x

    g = gj.jit(f)
    assert g(1.0) == 2.0
    with pytest.raises(KeyError, match="b"):
        g(-1.0)


def test_what_is_refused_names_the_options():
    def as_a_key(x):
        return {("pos" if x > 0 else "neg"): x}["pos"]

    with pytest.raises(gj.TraceError, match="one of 'pos', 'neg', as a traced value decides.*choose a number"):
        gj.jit(as_a_key)(1.0)

# texts that loops run over --------------------------------------------------------------------------------------------
A1, B1 = "GGTTGACTAACGTACGGT", "TGTTACGGACCGTAGG"


def needleman(p):
    sub = {(x, y): (1.0 if x == y else -0.5) for x in "ACGT" for y in "ACGT"}
    n, m = len(A1), len(B1)
    F = np.zeros((n + 1, m + 1))
    F[:, 0] = -p[0] * np.arange(n + 1)
    F[0, :] = -p[0] * np.arange(m + 1)
    for i, x in enumerate(A1, 1):
        for j, y in enumerate(B1, 1):
            F[i, j] = max(F[i - 1, j - 1] + p[1] * sub[x, y], F[i - 1, j] - p[0], F[i, j - 1] - p[0] * p[2])
    return F[n, m]


def hmm(p):
    emit = {"F": {"1": 0.5, "2": 0.5}, "L": {"1": p[0], "2": 1 - p[0]}}
    start = {"F": 0.5, "L": 0.5}
    trans = {"F": {"F": p[2], "L": 1 - p[2]}, "L": {"F": 0.1, "L": 0.9}}
    obs = "112121112222121212112"
    alpha = {s: start[s] * emit[s][obs[0]] for s in start}
    for c in obs[1:]:
        alpha = {t: sum(alpha[s] * trans[s][t] for s in alpha) * emit[t][c] for t in alpha}
    return math.log(sum(alpha.values())) + p[1]


def circuit(p):
    gates = [("rx", 0), ("ry", 1), ("rz", 2), ("rx", 1), ("rz", 0)] * 8
    state = np.array([1.0 + 0j, 0.0])
    for name, k in gates:
        t = p[k] / 2
        c, s = np.cos(t), np.sin(t)
        if name == "rx":
            g = np.array([[c, -1j * s], [-1j * s, c]])
        elif name == "ry":
            g = np.array([[c, -s + 0j], [s, c]])
        else:
            g = np.array([[np.exp(-1j * t), 0], [0, np.exp(1j * t)]])
        state = g @ state
    return abs(state[0]) ** 2


def turtle(p):
    x = y = 0.0
    h = 0.0
    for c in "F+F-F-FF+F+F-F" * 4:
        if c == "F":
            x += p[0] * math.cos(h)
            y += p[1] * math.sin(h)
        elif c == "+":
            h += p[2]
        elif c == "-":
            h -= p[2]
    return x * x + y


def gc_count(p):
    counts = {"A": 0, "C": 0, "G": 0, "T": 0}
    for c in A1 * 3:
        counts[c] += 1
    lam = sum(counts[k] * p[i] for i, k in enumerate("ACG"))
    return lam * counts["T"]


def words(p):
    text = "the cat sat on the mat and the dog sat on the cat and the mat".split()
    w = {"the": p[0], "cat": p[1], "sat": p[2]}
    total = 0.0
    for a in text:
        total += w.get(a, 0.1) * 2.0
        if a in ("dog", "mat"):
            total *= 1.1
    return total


def codon(p):
    mass = {"A": 1.0, "C": 2.0, "G": 3.0, "T": 4.0}
    out = []
    for c in A1:
        out.append(mass[c] * p[0] + p[1])
    idx = ["ACGT".index(c) for c in A1]
    table = np.array([1.0, 2.0, 3.0, 4.0]) * p[2]
    return sum(out) + table[idx].sum() + out[3]


def labels_list(p):
    kinds = ["a", "b", "a", "b", "c", "a", "b", "c", "a", "b"]
    vals = np.linspace(0, 1, 10)
    tot = {"a": 0.0, "b": 0.0, "c": 0.0}
    for k, v in zip(kinds, vals, strict=True):
        tot[k] += p[0] * v ** 2
    return tot["a"] * p[1] + tot["b"] + tot["c"] * p[2]


def bigrams(p):
    seq = "abbaabbbaababab"
    T = {("a", "a"): p[0], ("a", "b"): 1 - p[0], ("b", "a"): p[1], ("b", "b"): 1 - p[1]}
    ll = 0.0
    for x, y in zip(seq, seq[1:], strict=False):
        ll += math.log(T[x, y])
    return ll * p[2]


OVER_TEXTS = [needleman, hmm, circuit, turtle, gc_count, words, codon, labels_list, bigrams]


@pytest.mark.parametrize("f", OVER_TEXTS, ids=lambda f: f.__name__)
def test_over_texts(f):
    p = np.array([0.7, 0.3, 0.9])
    value, gradient = gj.value_and_grad(f)(p)
    np.testing.assert_allclose(value, f(p), rtol=1e-12)
    for k, h in enumerate(1e-6 * np.eye(3)):
        np.testing.assert_allclose(gradient[k], (f(p + h) - f(p - h)) / 2e-6, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("f", [needleman, circuit, turtle], ids=lambda f: f.__name__)
def test_loops_over_texts_are_loops(f):
    assert set(trace(f, (np.array([0.7, 0.3, 0.9]),), {}).loops.values()) == {""}


# kept in lists, more of them from attempt to attempt -----------------------------------------------------------------
class Stage(enum.Enum):
    HEAT, HOLD, COOL = range(3)


def logged_stages(x):
    t, stage, log = 300.0, Stage.HEAT, [(Stage.HEAT, 299.0)]
    for v in x:
        match stage:
            case Stage.HEAT:
                t += v
                if t > 310:
                    stage = Stage.HOLD
            case Stage.HOLD:
                t += 0.1 * v
                if t > 312:
                    stage = Stage.COOL
            case Stage.COOL:
                t -= v
        log.append((stage, t))
    return t + sum(1 for s, _ in log if s is Stage.COOL) + sum(u for s, u in log if s is Stage.HOLD) + log[0][1]


def logged_until(x):
    t, stage, log, k = 300.0, "heat", [("start", 1.0)], 0
    while t < 311 and k < len(x):
        if t > 305:
            stage = "hold"
        if t > 307:
            stage = "cool"
        t += 0.5 * x[k]
        k += 1
        log.append((stage, t))
    return t + sum(u for s, u in log if s == "cool") + len(log) + sum(u for s, u in log if s == "start")


@pytest.mark.parametrize("f", [logged_stages, logged_until], ids=lambda f: f.__name__)
def test_items_with_more_options_than_those_before(f):
    for x in np.linspace(0.5, 2.0, 50), np.linspace(0.1, 0.31, 50):
        assert np.isclose(gj.jit(f)(x), f(x))
        gj.check_grads(f, x)
