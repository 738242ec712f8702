"""One compilation for every size: what is opened when, what becomes a condition, what cannot be open and why."""

import numpy as np
import pytest

import gradjit as gj

rng = np.random.default_rng(5)
SUM = np.sum


def compare(got, want):
    for a, b in zip(*(x if isinstance(x, tuple) else (x,) for x in (got, want)), strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def forms(f):
    """The argument types of each specialisation."""
    return [s.arguments for s in f.stats().specialisations]


# operations: each at five sizes, one of which is what the exact compilation is for -----------------------------------
def masked(x):
    y = x.copy()
    y[y < 0] = 0.0
    return SUM(y**2)


def shifted(x):
    y = np.zeros(len(x))
    y[1:] = x[:-1]
    return SUM(y * x)


def recurrence(x):
    s = 0.0
    for i in range(len(x)):
        s = s * 0.9 + x[i] ** 2
    return s


def over_items(x):
    s = 0.0
    for v in x:
        s = s * 0.9 + v * v
    return s


def history(x):
    y = np.zeros(len(x))
    for i in range(1, len(x)):
        y[i] = 0.5 * y[i - 1] + x[i]
    return SUM(y**2)


def relax(x):
    u = x.copy()
    for _ in range(20):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return SUM(u**2)


def integrated(x):
    for _ in range(10):
        x = x + 0.1 * (np.sin(x) - x * np.mean(x))
    return SUM(x**2)


def counted(x):
    i, s = 0, 0.0
    while i < len(x):
        s += x[i] ** 2
        i += 1
    return s


def scattered(x):
    y = np.zeros(3)
    np.add.at(y, np.arange(len(x)) % 3, x)
    return SUM(y**2)


def softmax(x):
    e = np.exp(x - np.max(x))
    return SUM(e / SUM(e) * x)


def triangular(x):
    a = np.outer(x, x) + np.eye(len(x))
    r = np.zeros_like(a)
    for j in range(len(x)):
        for k in range(j):
            r[j, k] = (a[j, k] - r[j, :k] @ r[k, :k]) / r[k, k]
        r[j, j] = np.sqrt(a[j, j] - r[j, :j] @ r[j, :j])
    return SUM(np.log(np.diag(r)))


def prefixes(x):
    s = 0.0
    for k in range(1, len(x)):
        w = np.exp(-x[:k] * x[k])
        s = s + SUM(w * w[::-1]) / (k + SUM(w))
    return s


SERVED = {  # the least size that the compilation serves
    "exp": (lambda x: np.exp(x), 0), "rational": (lambda x: x / (1 + x**2), 0), "sum": (lambda x: SUM(np.sin(x)), 0),
    "mean": (lambda x: np.mean(x**2), 1), "var": (lambda x: np.var(x), 1), "max": (lambda x: np.max(x) * 2, 1),
    "argmax": (lambda x: np.argmax(x), 1), "any": (lambda x: np.any(x > 0), 0), "cumsum": (lambda x: np.cumsum(x), 0),
    "neighbours": (lambda x: SUM(x[1:] * x[:-1]), 3), "every other": (lambda x: SUM(x[::2] ** 2), 1),
    "reversed": (lambda x: SUM(x[::-1] * x), 0), "ends": (lambda x: x[-1] * x[0], 3),
    "join": (lambda x: SUM(np.concatenate([x, 2 * x]) ** 2), 0), "stack": (lambda x: np.stack([x, x * x]), 0),
    "outer": (lambda x: SUM(np.outer(x, x) ** 2), 0), "dot": (lambda x: x @ x, 0), "norm": (lambda x: (x @ x)**0.5, 1),
    "where": (lambda x: SUM(np.where(x > 0, x**2, np.exp(x))), 0), "clip": (lambda x: SUM(np.clip(x, -0.5, 0.5)), 0),
    "zeros": (lambda x: np.zeros(len(x)) + x, 0), "ones": (lambda x: np.ones(x.shape[0]) * x, 0),
    "arange": (lambda x: SUM(np.arange(len(x)) * x), 0), "from 1": (lambda x: SUM(np.arange(1, len(x) + 1) * x), 0),
    "floats": (lambda x: SUM(np.arange(1.0, len(x), 2) ** 2) * x, 1),
    "signs": (lambda x: np.arange(-2.0, 2) * x.size, 0),
    "linspace": (lambda x: SUM(np.linspace(0, 1, len(x)) * x), 2), "column": (lambda x: SUM(x.reshape(-1, 1) * x), 0),
    "pairs": (lambda x: SUM((x[:, None] - x) ** 2), 0), "sort": (lambda x: SUM(np.sort(x) * np.arange(x.size)), 0),
    "size": (lambda x: SUM(x) / x.size, 1), "softmax": (softmax, 1), "masked": (masked, 0), "shifted": (shifted, 2),
    "recurrence": (recurrence, 0), "items": (over_items, 0), "history": (history, 0), "relax": (relax, 4),
    "integrated": (integrated, 1), "while": (counted, 1), "scattered": (scattered, 0),
    "eye": (lambda x: np.eye(len(x)) * x + np.tri(len(x), 4, 1, dtype=np.float32) @ np.ones(4), 0),
    "cov": (lambda x: np.cov(x, x[::-1])[0, 1] * 3, 2),
    "einsum": (lambda x: np.einsum("i,ij,j->", x, np.outer(x, x), x), 0),
    "edge": (lambda x: SUM(np.pad(x, (2, 1), mode="edge") ** 3), 7),
    "reflect": (lambda x: np.pad(x, (1, 3), mode="reflect"), 4), "wrap": (lambda x: np.pad(x, 2, mode="wrap"), 3),
    "triangular": (triangular, 3), "prefixes": (prefixes, 3),
}
SIZES = (12, 7, 64, 1, 0, 3)


@pytest.mark.thinned
@pytest.mark.parametrize("name", SERVED)
def test_one_compilation_serves_all_sizes(name):
    f, least = SERVED[name]
    scalar = np.ndim(f(np.ones(5))) == 0 and np.asarray(f(np.ones(5))).dtype == float
    make = gj.value_and_grad if scalar else gj.jit
    opened, exact = make(f, sizes="auto"), make(f, backend="interpreter")
    for n in [n for n in SIZES if n >= least]:
        x = rng.standard_normal(n)
        compare(opened(x), exact(x))
    assert sorted(forms(opened)) == ["x: f64[12]", "x: f64[n]"], opened.stats()
    assert not opened.stats().closed


def test_matrices_products_and_hessians():
    def loss(w, x, y):
        return np.mean((np.tanh(x @ w) - y) ** 2)

    def one_layer(a, b):
        return SUM(np.maximum(a @ b, 0.0) ** 2)

    fit, exact = gj.value_and_grad(loss, sizes="auto"), gj.value_and_grad(loss, backend="interpreter")
    w = rng.standard_normal(3)
    for n in (20, 33, 1, 7, 200):
        x, y = rng.standard_normal((n, 3)), rng.standard_normal(n)
        compare(fit(w, x, y), exact(w, x, y))
    assert forms(fit)[-1] == "w: f64[3], x: f64[n,3], y: f64[n]" or "x: f64[n,3], y: f64[n]" in forms(fit)[0]
    assert [s.conditions for s in fit.stats().specialisations if s.conditions] == [["len(x) == len(y)"]]
    grad, exact = gj.grad(one_layer, (0, 1), sizes="any"), gj.grad(one_layer, (0, 1), backend="interpreter")
    for m, k, n in ((20, 30, 40), (1, 2, 3), (100, 5, 60), (3, 1, 2), (0, 3, 2)):
        a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
        compare(grad(a, b), exact(a, b))
    assert forms(grad)[0] == "a: f64[n,m], b: f64[m,k]" or len(forms(grad)) <= 3
    rosenbrock = gj.hessian(lambda x: SUM(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), sizes="auto")
    want = gj.hessian(rosenbrock.like, backend="interpreter")
    for n in (6, 10, 5, 17):
        x = rng.standard_normal(n)
        compare(rosenbrock(x), want(x))
    assert len(forms(rosenbrock)) == 2


# policy --------------------------------------------------------------------------------------------------------------
def test_policies():
    def total(x, y):
        return SUM(x) * SUM(y)

    exact, auto, every = (gj.jit(total, sizes=s) for s in ("exact", "auto", "any"))
    for f in (exact, auto, every):
        for n in (5, 6, 7, 8):
            x = rng.standard_normal(n)
            compare(f(x, np.ones(3)), SUM(x) * 3)
    assert len(forms(exact)) == 4
    assert sorted(forms(auto)) == ["x: f64[5], y: f64[3]", "x: f64[n], y: f64[3]"]
    assert forms(every) == ["x: f64[n], y: f64[m]"]
    with pytest.raises(ValueError, match="'auto', 'exact', 'any'|auto, exact, any"):
        gj.jit(total, sizes="all")


def test_extents_that_differ_later_are_opened_too():
    f = gj.jit(lambda a, b: SUM(a) + SUM(b), sizes="auto")
    for n, m in ((2, 3), (4, 3), (4, 5), (7, 8), (9, 1)):
        compare(f(np.ones(n), np.ones(m)), float(n + m))
    assert len(forms(f)) == 3 and "a: f64[n], b: f64[m]" in forms(f)


def test_an_extent_of_1_that_broadcasts_stays_known():
    f = gj.jit(lambda a, b: a * b, sizes="auto")
    for n, m in ((4, 4), (5, 5), (4, 1), (6, 1), (1, 1), (1, 7), (9, 9)):
        compare(f(np.full(n, 2.0), np.full(m, 3.0)), np.full(max(n, m), 6.0))
    assert any(s == "a: f64[n], b: f64[1]" for s in forms(f))


def test_the_same_bits_as_before_where_a_size_was_compiled_exactly():
    f = gj.jit(lambda x: SUM(np.exp(x)), sizes="auto")
    x = rng.standard_normal(1001)
    before = f(x)
    f(x[:500])
    assert f(x) == before


# conditions ----------------------------------------------------------------------------------------------------------
def test_what_python_decides_is_a_condition_in_the_words_of_the_user():
    def f(x, y):
        if len(x) > 3 and x.shape[0] != 20:
            return SUM(x * y)
        return SUM(x + y) * 10

    g = gj.jit(f, sizes="auto")
    for n in (30, 6, 2, 3, 4, 20, 50, 0):
        compare(g(np.full(n, 2.0), np.ones(n)), f(np.full(n, 2.0), np.ones(n)))
    said = {c for s in g.stats().specialisations for c in s.conditions}
    assert {"len(x) == len(y)", "len(x) > 3"} <= said
    assert "for len(x) == len(y)" in str(g.stats())


def test_a_length_as_a_condition_is_decided():
    """So each size gets its own side, and that side's dtype."""
    def f(x):
        return np.array([1, 2]) * (x.sum() if len(x) else 3), np.ones(2) if x.size else np.ones(1, np.int64)

    g = gj.jit(f, sizes="auto")
    for n in (5, 7, 3, 0, 1):
        compare(g(np.arange(n) * 1.0), f(np.arange(n) * 1.0))
    assert "len(x) > 0" in {c for s in g.stats().specialisations for c in s.conditions}


def test_an_error_of_the_users_own_comes_for_its_sizes():
    def f(x):
        if len(x) % 2:
            raise ValueError("an even number of elements is needed")
        return SUM(x.reshape(2, -1)[0])

    g = gj.jit(f, sizes="auto")
    for n in (4, 8, 10):
        compare(g(np.arange(n * 1.0)), f(np.arange(n * 1.0)))
    with pytest.raises(ValueError, match="even number"):
        g(np.ones(5))


def test_arrays_that_do_not_fit_are_refused_as_before():
    g = gj.jit(lambda x, y: x + y, sizes="auto")
    for n in (3, 4, 5):
        g(np.ones(n), np.ones(n))
    with pytest.raises(gj.ShapeError, match=r"\(6,\) \(7,\)"):
        g(np.ones(6), np.ones(7))


# what cannot be open -------------------------------------------------------------------------------------------------
def test_what_cannot_be_open_is_said_once_with_the_line():
    def f(x):
        return SUM(x * np.asarray([0.5] * len(x).__index__()))

    g = gj.jit(f, sizes="auto")
    for n in (3, 4, 5, 6):
        compare(g(np.ones(n)), n * 0.5)
    assert len(forms(g)) == 4
    (said,) = g.stats().closed
    assert said.startswith("len(x) cannot be open") and "test_sizes.py:" in said


# arguments of other kinds ---------------------------------------------------------------------------------------------
def test_containers_layouts_and_writes():
    def step(state, x):
        state["u"][1:-1] += x.sum(axis=1)[1:-1]
        return SUM(state["u"]) + SUM(x[0])

    g = gj.jit(step, sizes="auto")
    for n in (5, 6, 9, 40):
        for order in "CF":
            x = np.asarray(rng.standard_normal((n, 3)), order=order)
            u, v = {"u": np.ones(n)}, {"u": np.ones(n)}
            compare(g(u, x), step(v, x))
            compare(u["u"], v["u"])
    assert len(forms(g)) == 4  # an exact and an open one for each layout


BLOCK = rng.standard_normal((50, 40))
LAYOUTS = {  # arrays of n elements that are passed on as copies: a step or a row length of their own is what they share
    "every other": (lambda n: BLOCK.ravel()[:2 * n:2], lambda x: SUM(x[1:] ** 2 * np.arange(1.0, len(x)))),
    "backwards": (lambda n: BLOCK[0, n - 1::-1], lambda x: np.cumsum(x)),
    "a corner": (lambda n: BLOCK[:n, :n], lambda a: SUM(a * a.T @ np.ones(len(a)))),
    "some columns": (lambda n: BLOCK[:n, 1:4], lambda a: a.reshape(-1) * 2),
    "turned": (lambda n: BLOCK[:n, 1:4].T, lambda a: a.T.reshape(-1) + np.ones(a.size)),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_arrays_that_are_not_contiguous(name):
    make, f = LAYOUTS[name]
    g = gj.jit(f, sizes="auto")
    for n in (5, 8, 3, 20, 4):
        compare(g(make(n)), f(make(n)))
    assert len(forms(g)) == 2 and "n" in "".join(forms(g)[1]) and not g.stats().closed


def test_one_array_passed_twice():
    def shifted(a, b):
        a[1:] += b[:-1]
        return SUM(a * b)

    g = gj.jit(shifted, sizes="auto")
    for n in (5, 8, 3, 20, 1, 4):
        a, b = np.arange(1.0, n + 1), np.arange(1.0, n + 1)
        compare(g(a, a), shifted(b, b))
        compare(a, b)
    assert forms(g) == ["a: f64[5], b: f64[5]", "a: f64[n], b: f64[n]"]


def test_many_conditions_close_an_extent():
    def f(x):
        if len(x) < 5:
            return SUM(x)
        return x * 2 if len(x) < 10 else x * 3 if len(x) < 15 else x * 4 if len(x) < 20 else x[1:]

    g = gj.jit(f, sizes="auto")
    for n in range(2, 30):
        compare(g(np.ones(n)), f(np.ones(n)))
    (said,) = g.stats().closed
    assert said == "len(x) cannot be open: 4 compilations for other ranges of sizes have been made"


def test_an_argument_that_is_returned_is_the_object():
    g = gj.jit(lambda x: (x, x + 1), sizes="auto")
    for n in (3, 4, 5):
        x = np.ones(n)
        same, more = g(x)
        assert same is x and more.shape == (n,)


def test_indices_are_checked_against_the_size_that_came():
    g = gj.jit(lambda x, i: x[i], sizes="auto")
    for n in (3, 4, 50):
        compare(g(np.arange(n * 1.0), np.array([n - 1, 0])), np.array([n - 1.0, 0.0]))
        with pytest.raises(IndexError, match=f"index {n} is out of bounds.*{n}"):
            g(np.arange(n * 1.0), np.array([n, 0]))


# signatures ----------------------------------------------------------------------------------------------------------
def squares(x, y):
    return SUM((x.sum(axis=1) - y) ** 2)


def test_a_signature_says_what_is_open():
    f = gj.value_and_grad(squares, signature="f64[n,3], f64[n] -> ...")
    for n in (4, 1, 9, 0):
        x, y = rng.standard_normal((n, 3)), rng.standard_normal(n)
        compare(f(x, y)[0], squares(x, y))
        compare(f(x, y)[1], 2 * (x.sum(axis=1) - y)[:, None] * np.ones((n, 3)))
    assert forms(f) == ["x: f64[n,3], y: f64[n]"]
    assert f.stats().misses == 1


@pytest.mark.parametrize("args, message", [
    ((np.ones((4, 2)), np.ones(4)), r"the argument x is an array of float64 and shape \(4, 2\), expected f64\[n,3\]"),
    ((np.ones((4, 3)), np.ones(5)), r"the argument y .* whose axis 0 should have n = 4 elements"),
    ((np.ones((4, 3)), 1.0), r"the argument y is 1.0, expected f64\[n\]"),
    ((np.ones((4, 3)), np.ones(4, np.float32)), r"the argument y is an array of float32"),
    ((np.ones((4, 3)),), "another number of them"),
])
def test_calls_that_are_not_declared_are_refused(args, message):
    f = gj.value_and_grad(squares, signature="f64[n,3], f64[n]")
    with pytest.raises(gj.ArgumentError, match=message):
        f(*args)


def test_compiling_without_arguments():
    f = gj.grad(squares).compile("f64[n,3]", "f64[n]")
    for n in (5, 2, 100):
        x, y = rng.standard_normal((n, 3)), rng.standard_normal(n)
        compare(f(x, y), 2 * (x.sum(axis=1) - y)[:, None] * np.ones((n, 3)))
    assert f.stats().misses == 0 and forms(f) == ["x: f64[n,3], y: f64[n]"]

    def scaled(p, a, k):
        return SUM(p["w"] * a) * k

    g = gj.jit(scaled).compile('{"w": f64[n]}', "float", "3")
    compare(g({"w": np.ones(4)}, 2.0, 3), 24.0)
    assert len(forms(g)) == 1


@pytest.mark.parametrize("text, message", [
    ("f64[n", "cannot read"), ("f63[n]", "unknown dtype 'f63'; there are bool, i8"), ("x", "cannot read 'x'"),
    ("f64[n+1]", "the extent 'n [+] 1'; an extent is a number, or a name"), ("f64[-1]", "the extent '-1'"),
    ("f64", r"write f64\[\] for a scalar"), ("f64[n], -> ->", "cannot read"),
])
def test_signatures_that_cannot_be_read(text, message):
    with pytest.raises(gj.ArgumentError, match=message):
        gj.grad(squares).compile(text)
