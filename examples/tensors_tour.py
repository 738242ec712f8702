"""What tensors do: intermediate values, constants, broadcasting, NumPy's functions, updates in place."""

import numpy as np

import gradjit as gj


def intermediate():
    """xy + x − 2 at (2, 3), with f = xy kept: gradients 1, 2, 4."""
    x, y = gj.tensor(2.0, requires_grad=True), gj.tensor(3.0, requires_grad=True)
    f = x * y
    f.retain_grad()
    (f + x - 2).backward()
    return f.grad.item(), y.grad.item(), x.grad.item()


def shared():
    """xy + x² at (2, 4): 12, and gradients 8 and 2."""
    x, y = gj.tensor(2.0, requires_grad=True), gj.tensor(4.0, requires_grad=True)
    z = x * y + x**2
    z.backward()
    return z.item(), x.grad.item(), y.grad.item()


def slope(f, x):
    t = gj.tensor(x, requires_grad=True)
    f(t).backward()
    return t.grad.numpy()


def mixed():
    """A tensor with a NumPy array, which is a constant: (arr * t**2).sum()."""
    return slope(lambda t: (np.array([-1.0, 2.0, 0.0]) * t**2).sum(), [2.0, 4.0, 8.0])


def broadcast():
    x, y = gj.tensor(np.arange(5.0), requires_grad=True), gj.tensor([[0.0], [1.0], [2.0]], requires_grad=True)
    (x * y).sum().backward()
    return x.grad.numpy(), y.grad.numpy()


def normalised(rows):
    """Rows of length 1, written in place, and the gradient of their sum with respect to what was there before."""
    x = gj.tensor(rows, requires_grad=True)
    y = x * 1
    y /= np.sqrt(np.sum(y**2, axis=1, keepdims=True))
    y.sum().backward()
    return y.detach().numpy(), x.grad.numpy()


def wave(x):
    return np.sin(2 * x) * np.cos(x) * np.exp(-x / 3)


if __name__ == "__main__":
    print(shared(), intermediate(), mixed(), *broadcast())
    print(slope(np.square, 3.0), slope(lambda x: 2 + 3 * x - 5 * x**2, 2.5), slope(lambda x: np.cos(np.sqrt(x)), 2.5))
    print(slope(wave, np.linspace(0, 10, 10_000))[:3])
    gj.plot.function_and_derivatives(wave, 0, 10).figure.savefig("tensors_tour.png")
