"""The bowl x² + y²: gradient descent from (3, 4), 50 steps, rate 0.1."""

import numpy as np

import gradjit as gj


def by_tensors():
    x, y = gj.tensor([3.0], requires_grad=True), gj.tensor([4.0], requires_grad=True)
    rows = []
    for epoch in range(1, 51):
        f = x**2 + y**2
        f.backward()
        gx, gy = x.grad.item(), y.grad.item()
        x -= 0.1 * x.grad
        y -= 0.1 * y.grad
        x.grad = 0
        y.grad = 0
        if epoch % 5 == 0:
            rows.append((epoch, x.item(), y.item(), gx, gy, f.item()))
    return rows


def by_functions():
    value_and_grad = gj.value_and_grad(lambda p: np.sum(p**2))
    p, path = np.array([3.0, 4.0]), [(3.0, 4.0)]
    for _ in range(50):
        _, gradient = value_and_grad(p)
        p = p - 0.1 * gradient
        path.append(tuple(p))
    return np.array(path)


if __name__ == "__main__":
    for row in by_tensors():
        print("{:3d}  x {:7.4f}  y {:7.4f}  df/dx {:7.4f}  df/dy {:7.4f}  f {:8.4f}".format(*row))
    gj.plot.descent(lambda p: np.sum(p**2), by_functions(), (-4, 4), (-4, 4)).figure.savefig("bowl.png")
