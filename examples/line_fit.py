"""A line through 200 points: least squares by gradient descent meets numpy.polyfit."""

import numpy as np

import gradjit as gj


def data(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 2, 200)
    return x, 1 + x + rng.normal(0, 0.25, 200)


def by_tensors(x, y):
    a, b = gj.tensor(0.0, requires_grad=True), gj.tensor(0.0, requires_grad=True)
    for _ in range(1000):
        loss = ((a + b * x - y) ** 2).mean()
        loss.backward()
        for p in (a, b):
            p.data -= 0.3 * p.grad
            p.grad = None
    return a.item(), b.item()


def by_functions(x, y):
    gradient, p = gj.grad(lambda p: np.mean((p[0] + p[1] * x - y) ** 2)), np.zeros(2)
    for _ in range(1000):
        p = p - 0.3 * gradient(p)
    return tuple(p)


if __name__ == "__main__":
    x, y = data()
    a, b = by_tensors(x, y)
    print(f"y = {a:.6f} + {b:.6f} x;", "numpy.polyfit:", np.polyfit(x, y, 1)[::-1])
    ax = gj.plot.function_and_derivatives(lambda x: a + b * x, 0, 2, orders=0)
    ax.plot(x, y, ".")
    ax.figure.savefig("line_fit.png")
