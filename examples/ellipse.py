"""x² + 3y² from (4, 3), 8 steps of rate 0.05; 2w₁² + 3w₂² from (2, 4), 10 steps of 0.1; and the classic mistake."""

import numpy as np

import gradjit as gj


def ellipse(w):
    return w[0] ** 2 + 3 * w[1] ** 2


def parabola(w):
    return 2 * w[0] ** 2 + 3 * w[1] ** 2


def by_tensors(f=ellipse, start=(4.0, 3.0), rate=0.05, steps=8, clear=True):
    """Rows of the position before the step, the loss, the gradient; then where it ends. clear=False is the mistake of
    not clearing gradients: they add up."""
    w, rows = gj.tensor(start, requires_grad=True), []
    for _ in range(steps):
        loss = f(w)
        loss.backward()
        rows.append((w.tolist(), loss.item(), w.grad.tolist()))
        with gj.no_grad():
            w -= rate * w.grad
        if clear:
            w.grad = None
    return rows, w.tolist()


def by_functions(f=ellipse, start=(4.0, 3.0), rate=0.05, steps=8):
    gradient, path = gj.grad(f), [np.array(start)]
    for _ in range(steps):
        path.append(path[-1] - rate * gradient(path[-1]))
    return np.array(path)


if __name__ == "__main__":
    rows, end = by_tensors()
    for (x, y), loss, g in rows:
        print(f"({x:.4f}, {y:.4f})  loss {loss:.4f}  gradient {np.round(g, 4)}  norm {np.hypot(*g):.4f}")
    print("end", end, "; by central differences:", gj.derivative(ellipse, [4.0, 3.0], 1e-7))
    print("without clearing, the second gradient is", by_tensors(clear=False)[0][1][2])
    gj.plot.contours(ellipse, (-5, 5), (-4, 4), at=[(2, 1)], path=by_functions()).figure.savefig("ellipse.png")
