"""A quadratic of three numbers: the gradient at 0, 1,000 steps, and descent until the gradient is small."""

import numpy as np

import gradjit as gj


def f(p):
    x, y, z = p
    return x**2 + 2 * y**2 + 3 * z**2 - 2 * x * y + 2 * x * z - 4 * y * z + 2 * x - 2 * y + 2


def by_hand(p):
    x, y, z = p
    return np.array([2 * x - 2 * y + 2 * z + 2, 4 * y - 2 * x - 4 * z - 2, 6 * z + 2 * x - 4 * y])


def by_tensors(steps=None, dtype=np.float32):
    """Where descent has come to, and in how many steps; until the gradient is small where no number is given."""
    a = gj.tensor((gj.tensor(0.0), gj.tensor(0.0), gj.tensor(0.0)), requires_grad=True, dtype=dtype)
    taken = 0
    while steps is None or taken < steps:
        f(a).backward()
        if steps is None and np.max(np.abs(a.grad)) < 1e-5:
            break
        with gj.no_grad():
            a -= 0.01 * a.grad
        a.grad = None
        taken += 1
    return a, taken


def by_functions(dtype=np.float64):
    gradient, p = gj.grad(f), np.zeros(3, dtype)
    while np.max(np.abs(g := gradient(p))) >= 1e-5:
        p = p - dtype(0.01) * g
    return p


if __name__ == "__main__":
    print("gradient at 0:", gj.grad(f)(np.zeros(3)))
    print("after 1,000 steps:", *by_tensors(1000))
    print("until the gradient is small:", *by_tensors(), by_functions())
    gj.plot.contours(lambda p: f((p[0], p[1], 1.0)), (-3, 1), (-1, 3), at=[(-2, 0)]).figure.savefig("quadratic.png")
