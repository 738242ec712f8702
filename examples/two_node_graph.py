"""0.2·x₁² + 0.2·x₂² − 5 at (2, 2): the reverse pass through a small graph."""

import gradjit as gj


def f(x1, x2):
    return 0.2 * x1**2 + 0.2 * x2**2 - 5


def by_tensors():
    x1, x2 = gj.tensor(2.0, requires_grad=True), gj.tensor(2.0, requires_grad=True)
    y = f(x1, x2)
    y.backward()
    return y.item(), x1.grad.item(), x2.grad.item()


def by_functions():
    value, (d1, d2) = gj.value_and_grad(f, argnums=(0, 1))(2.0, 2.0)
    return value, d1, d2


if __name__ == "__main__":
    print(by_tensors(), by_functions())
    gj.plot.surface(lambda p: f(p[0], p[1]), (-3, 3), (-3, 3)).figure.savefig("two_node_graph.png")
