"""Rosenbrock's function with a = 1, b = 5: 1,000 steps of rate 0.01 from (−1, 1), in single precision."""

import numpy as np

import gradjit as gj

A, B = 1, 5


def rosenbrock(x):
    return (A - x[0]) ** 2 + B * (x[1] - x[0] ** 2) ** 2


def by_tensors():
    x = gj.tensor([-1.0, 1.0], requires_grad=True, dtype=np.float32)
    rows = []
    for step in range(1, 1001):
        value = rosenbrock(x)
        value.backward()
        if step % 100 == 0:
            rows.append((step, value.item(), *x.grad.tolist()))
        with gj.no_grad():
            x -= 0.01 * x.grad
            x.grad.fill(0)
    return rows, x.tolist()


def by_functions():
    value_and_grad, x = gj.value_and_grad(rosenbrock), np.array([-1, 1], np.float32)
    path = [x]
    for _ in range(1000):
        _, gradient = value_and_grad(x)
        x = x - np.float32(0.01) * gradient
        path.append(x)
    return np.array(path)


if __name__ == "__main__":
    rows, end = by_tensors()
    for row in rows:
        print("step {:4d}  value {:.7g}  gradient ({:.7g}, {:.7g})".format(*row))
    print("end point", end)
    gj.plot.descent(rosenbrock, by_functions(), (-1.5, 1.5), (-0.5, 1.5)).figure.savefig("rosenbrock.png")
