"""Descent in one dimension: (w − 3)² + 1 from 0 with rate 0.1, w² from 10 with rate 0.3, and what a rate does."""

import gradjit as gj


def loss(w):
    return (w - 3) ** 2 + 1


def by_tensors(f=loss, start=0.0, rate=0.1, steps=10):
    """Rows of w before the step, the loss there, the gradient; then where it ends."""
    w, rows = gj.tensor(start, requires_grad=True), []
    for _ in range(steps):
        value = f(w)
        value.backward()
        rows.append((w.item(), value.item(), w.grad.item()))
        with gj.no_grad():
            w -= rate * w.grad
        w.zero_grad()
    return rows, w.item()


def by_functions(f=loss, start=0.0, rate=0.1, steps=10):
    value_and_grad, w, rows = gj.value_and_grad(f), start, []
    for _ in range(steps):
        value, slope = value_and_grad(w)
        rows.append((w, value, slope))
        w = float(w - rate * slope)
    return rows, w


if __name__ == "__main__":
    for row in by_tensors()[0]:
        print("w {:.4f}  loss {:.4f}  gradient {:.4f}".format(*row))
    print("w² from 10:", [round(row[0], 8) for row in by_tensors(lambda w: w**2, 10.0, 0.3, 11)[0]])
    gj.plot.learning_rates(loss, 0.0, (0.01, 0.1, 0.5, 0.9, 1.02)).figure.savefig("one_dimension.png")
