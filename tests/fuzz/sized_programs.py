"""Programs over arrays of two open sizes: `f(x, y, A, z)` for arrays of n, n, n by 3 and m, as text grown at random."""

from __future__ import annotations

import numpy as np

UNARY = ("np.sin({})", "np.exp(-{0} * {0})", "np.tanh({})", "({0} * {0})", "np.abs({})", "{}[::-1]",
         "np.cumsum({}) * 0.1", "np.where({0} > 0, {0}, 0.5)", "np.clip({}, -0.5, 0.7)", "({} + 1.0)", "{}.copy()",
         "np.maximum({}, 0.1)", "np.sort({})", "np.roll({}, 1)", "({0} - np.mean({0}))", "({0} / (1 + {0} * {0}))",
         "np.flip({})", "np.maximum.accumulate({})", "np.cumprod(1 + 0.01 * {})", "np.roll({0}, len({0}) // 2)",
         "{0}[np.argsort({0})]", "np.fft.ifft(np.fft.fft({})).real", "np.abs(np.fft.fft({}))",
         "np.interp({}, np.linspace(-2.0, 2.0, 7), np.arange(7.0) ** 2)", "({0} @ {0}) * {0}",
         "np.concatenate([{0}[1:], {0}[:1]])", "np.pad({}, 2)[2:-2]", "np.repeat({}, 2)[::2]",
         "np.tile({}, 3)[len(x):2 * len(x)]", "np.convolve({}, np.array([0.25, 0.5, 0.25]), 'same')[:len(x)]",
         "np.nan_to_num({})", "np.asarray({}).astype(np.float32)", "{0}.reshape(1, -1)[0]",
         "({0}[:, None] * {0}).sum(axis=0) * 0.1", "np.take({0}, np.arange(len({0})) // 2)",
         "np.linalg.solve(np.eye(len({0})) * 4 + np.outer({0}, {0}), {0})", "np.real(np.exp(1j * {}))",
         "np.abs({} + 0.5j)", "np.diagonal(np.outer({0}, 1 + {0}))", "np.tril(np.outer({0}, {0})).sum(axis=1)",
         "np.array([v * v for v in {}]) * 1.0", "np.array(list({}))", "np.array(sorted({}))",
         "np.array(list(itertools.accumulate({}, lambda a, b: a * 0.5 + b)))", "np.array(list(map(math.sin, {})))",
         "np.fft.fftshift({})", "np.cumprod(np.cos({}))", "{} * np.hanning(len(x))", "np.insert({}, 0, 0.5)[1:]",
         "np.fft.ifft(np.fft.fft({0}, 2 * len({0}))).real[:len(x)]", "np.array_split({}, 1)[0]",
         "np.array(sorted({}, key=lambda v: -v * v))", "np.logaddexp.accumulate({}) * 0.1")
BINARY = ("({} + {})", "({} * {})", "({} - {})", "np.maximum({}, {})", "np.where({0} > {1}, {0}, {1})",
          "np.arctan2({0}, 2 + {1} * {1})", "({} * len({}))", "np.hypot({}, 1 + {})", "np.where({0} > 0, {1}, {0})",
          "np.stack([{}, {}]).sum(axis=0)", "np.stack([{}, {}], axis=1)[:, 0]",
          "np.column_stack([{}, {}]) @ np.array([1.0, -0.5])", "np.einsum('i,j->i', {}, {})",
          "np.outer({}, {}).mean(axis=1)", "np.cross(np.ones(3), A)[:, 0] * {} + {}",
          "np.fft.irfft(np.fft.rfft({}) * np.conj(np.fft.rfft({})), len(x))", "({} + 1j * {}).imag",
          "np.array([a * b for a, b in zip({}, {})]) * 1.0", "np.array(list(map(lambda a, b: a - b * b, {}, {})))",
          "np.convolve({}, {})[:len(x)]", "np.array(list(itertools.chain({}, {})))[len(x):]",
          "np.vstack([{}, {}]).T[:, 1]")
WIDE = ("A.sum(axis=1)", "A[:, 0]", "A[:, 1] * A[:, 2]", "(A @ np.array([1.0, 2.0, 3.0]))", "A.max(axis=1)",
        "np.arange(len(x)) * 0.1", "np.linspace(0, 1, len(x))", "np.ones(x.shape[0])", "np.zeros_like(x)",
        "np.linalg.norm(A + 3, axis=1)", "(A @ A.T) @ x * 0.1", "np.sort(A, axis=1)[:, 1]", "A.T[1]", "A.ravel()[::3]",
        "A.reshape(3, -1).T[:, 0]", "np.einsum('ij,ij->i', A, A)", "np.full(len(x), z.sum())", "x * np.mean(z)",
        "np.prod(1 + 0.1 * A, axis=1)", "(x[:, None] + z).sum(axis=1)",
        "np.exp(-np.abs(x[:, None] - z)).max(axis=1, initial=0.0)",
        "np.array([x[i] * z[:1].sum() for i in range(len(x))]) * 1.0", "np.clip(np.arange(len(x)) - 2, 0, 3)",
        "A[np.arange(len(x)), np.arange(len(x)) % 3]", "np.digitize(x, np.array([-1.0, 0.0, 1.0])) * y")
ENDS = ("np.sum({})", "np.sum({0} * {0})", "{0} @ {0}", "np.sum({0}[1:] * {0}[:-1])", "np.sum({0}[:, None] * {0})",
        "np.sum(np.concatenate([{0}, {0}]) ** 2)", "np.sum({0}[::2] ** 2)", "np.sum({0}.reshape(-1, 1) * {0})",
        "np.sum(np.stack([{0}, 2 * {0}], 1) ** 2)", "np.sqrt(1 + np.sum({0} ** 2))", "np.mean({})", "np.max({})",
        "np.sum(np.diff({}) ** 2)", "np.std({})", "np.median({})", "np.sum({0}[{0} > 0])",
        "np.sum(np.concatenate([{0}, z]) ** 2)", "np.sum(np.outer({}, z) ** 2)", "np.log(np.sum(np.exp({})) + 1)",
        "np.sum({0}[-3:] * 2)", "np.sum({0}[:2])", "np.linalg.slogdet(np.eye(len({0})) * 3 + np.outer({0}, {0}))[1]",
        "np.sum({0}[len({0}) // 2:])", "np.dot({0}[:min(len({0}), len(z))], z[:min(len({0}), len(z))])",
        "np.sum(np.convolve({}, np.array([1.0, -2.0, 1.0])) ** 2)", "np.trapezoid({})",
        "np.sum({}[np.nonzero(x > 0)[0]])", "np.sum(np.triu(np.outer({0}, {0}), 1))", "sum(v * v for v in {})",
        "np.linalg.norm({}) ** 2", "np.ptp({})", "np.var({}, ddof=0)", "np.average({0}, weights=1 + {0} * {0})",
        "np.sum(np.linalg.cholesky(np.eye(len({0})) * 3 + np.outer({0}, {0})))", "np.sum(np.minimum.outer({}, z))",
        "sum(a * b for a, b in itertools.combinations({}, 2))", "sum((b - a)**2 for a, b in itertools.pairwise({}))",
        "sum(a * b for a, b in itertools.product({}, z))", "functools.reduce(lambda a, b: a * 0.5 + b, {}, 1.0)",
        "sum(filter(lambda v: v > 0, {}))", "math.fsum({})", "max({}, key=lambda v: -abs(v))",
        "sum(itertools.islice({}, 1, None, 2))", "np.sum(np.percentile({}, [20, 70]))", "np.logaddexp.reduce({}) * 0.1",
        "np.sum(np.abs(np.fft.rfft({})) ** 2)", "sum(sorted({}, reverse=True)[:2])", "np.prod(np.cos({}))",
        "np.sum({0}[np.triu_indices(len({0}), 1)[0]])", "sum(v for v in reversed({}))", "np.sum({}[[0, 2]])",
        "np.sum({0}[np.arange(3)] * {0}[-1])", "np.sum(np.take({}, [1, -2]))", "np.sum(np.partition({}, 3)[:2])")
STEPS = tuple(s.strip("\n") + "\n" for s in """
    for i in range(len(x)):
        s = s * 0.9 + {}[i]

    for v in {}:
        s += v * v

    w = {0}.copy()
    for _ in range(3):
        w = w + 0.1 * np.sin(w)
    s += np.sum(w)

    w = np.zeros(len(x))
    w[1:] = {0}[:-1]
    s += np.sum(w * {0})

    w = {0}.copy()
    w[w < 0] = 0.0
    s += np.sum(w)

    if len(x) > 4:
        s += np.sum({})

    for i in range(1, len(x)):
        s += ({0}[:i] @ y[:i]) * 0.1

    w = np.zeros(len(x))
    for i in range(len(x)):
        w[i] = {0}[i] - 0.1 * np.sum(w[:i] * {0}[:i])
    s += np.sum(w)

    w = {0}.copy()
    for i in range(len(x)):
        w[i:] += 0.1 * np.sin({0}[i]) * {0}[i:]
    s += w @ w

    for i in range(1, len(x)):
        w = np.exp(-A[:i, 1] * {0}[i])
        s += np.sum(w * w[::-1]) / (i + np.sum(w))

    M = x[:, None] * {0}
    for i in range(len(x)):
        s += M[i, :i] @ M[i, :i] - np.sum(M[i + 1:, i])

    w = np.zeros(len(x))
    for i in range(1, len(x)):
        w[i] = 0.5 * w[i - 1] + {}[i]
    s += w @ w

    kept = []
    for v in {}:
        kept.append(v * 0.5)
    s += np.sum(np.array(kept))

    kept = []
    for i in range(len(z)):
        kept.append(z[i] * {}.sum())
    s += sum(kept)

    kept = [{}]
    for i in range(3):
        kept.append(np.tanh(kept[-1]))
    s += np.sum(np.array(kept) ** 2)

    for a, b in zip({}, y):
        if a > b:
            s += a * b

    for i, v in enumerate({}):
        if v < 0:
            continue
        s += v * i

    i = 0
    while i < len(x) and s < 50:
        s += {0}[i] ** 2
        i += 2

    for i in range(len(x) - 1, -1, -1):
        s = np.tanh(s) + {}[i]

    for i in range(0, len(x), 2):
        s += {0}[i] * {0}[-1 - i]

    w = {0}.copy()
    for j in range(len(z)):
        w = np.roll(w, 1) * z[j]
    s += w.sum()

    H = np.zeros((len(x), len(z)))
    for i in range(len(x)):
        for j in range(len(z)):
            H[i, j] = {0}[i] * z[j] + (H[i - 1, j] if i else 0.0)
    s += np.sum(H * H) * 0.1

    D = np.zeros((len(x) + 1, len(z) + 1))
    for i in range(1, len(x) + 1):
        for j in range(1, len(z) + 1):
            D[i, j] = ({0}[i - 1] - z[j - 1]) ** 2 * 0.1 + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    s += D[-1, -1]

    def part(v):
        return np.sum(np.sin(v) * len(v))
    s += part({}) + part(z)

    np.add.at(w := np.zeros(3), np.arange(len(x)) % 3, {})
    s += w @ w

    w = {0}.copy()
    w[::2] *= 2.0
    w[len(w) // 2:] += 1.0
    s += w @ y

    best = -1.0
    for v in {}:
        best = max(best, v)
    s += best

    w = np.empty((2, len(x)))
    w[0] = {0}
    w[1] = y * 2
    s += np.sum(np.prod(w, axis=0))

    try:
        s += {0}[5] * 2
    except IndexError:
        s += 1.0

    if {0}.sum() > 0:
        s += np.sum({0}[1:])
    else:
        s -= np.sum({0}[:-1] * 2)

    s += np.sum(np.vander(z, 3)) * {}.mean()

    w = [0.0] * len(x)
    for i in range(1, len(x)):
        w[i] = w[i - 1] * 0.5 + {}[i]
    s += sum(w)

    path = [0.1]
    for v in {}:
        path.append(path[-1] * 0.5 + v)
    s += np.sum(np.diff(np.array(path)) ** 2) + path[-1] + np.mean(path[1:])

    rows = []
    for a, b in zip({}, y):
        rows.append((a, b * 0.5))
    rows.sort(key=lambda t: t[1])
    s += sum(p * q for p, q in rows)

    if len(x) % 2 == 0:
        s += np.sum({}.reshape(-1, 2)[:, 0] ** 2)

    out = dict(t=[], u=[])
    for a in {}:
        out["t"].append(a * a)
        out["u"].append(np.sin(a))
    s += np.dot(out["t"], out["u"]) + len(out["t"])

    it = iter({})
    for v in it:
        s += v * sum(it, 0.5)

    s += max((v * v for v in {}), default=0.0)

    u, c = np.unique(np.round({}), return_counts=True)
    s += np.sum(c * 1.0) * z.sum()
""".split("\n\n"))


def grown(seed: int) -> str:
    """The text of a program."""
    rng = np.random.default_rng(seed)

    def vector(depth: int) -> str:
        kind = rng.integers(4) if depth else 0
        if kind == 0:
            return str(rng.choice(("x", "y", "x", str(rng.choice(WIDE)))))
        if kind == 3:
            return str(rng.choice(BINARY)).format(vector(depth - 1), vector(depth - 1))
        return str(rng.choice(UNARY)).format(vector(depth - 1))

    lines = ["def f(x, y, A, z):\n", "    s = 0.0\n"]
    for k in range(rng.integers(1, 4)):
        lines.append(f"    v{k} = {vector(2)}\n")
        lines.append(str(rng.choice(STEPS)).format(f"v{k}") if rng.random() < 0.5 else
                     f"    s += {str(rng.choice(ENDS)).format(f'v{k}')}\n")
    return "".join(("import functools\nimport itertools\nimport math\n\n", *lines, "    return s\n"))
