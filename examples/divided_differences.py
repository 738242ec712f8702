"""A secant turns into the tangent: quotients of differences beside the exact derivative."""

import numpy as np

import gradjit as gj

FUNCTIONS = {
    "x^2": (lambda x: x**2, lambda x: 2 * x), "x^3": (lambda x: x**3, lambda x: 3 * x**2),
    "x^4": (lambda x: x**4, lambda x: 4 * x**3), "x": (lambda x: x, lambda x: 1.0), "1": (lambda x: 1.0, lambda x: 0.0),
    "x^2 + 3x + 7": (lambda x: x**2 + 3 * x + 7, lambda x: 2 * x + 3), "3x^2": (lambda x: 3 * x**2, lambda x: 6 * x),
    "e^x": (np.exp, np.exp), "ln x": (np.log, lambda x: 1 / x), "sin x": (np.sin, np.cos),
    "1/x": (lambda x: 1 / x, lambda x: -1 / x**2),
}


def slopes(f=lambda x: x**2, x=2.0, steps=(1.0, 0.1, 0.01, 0.001, 0.0001)):
    """Rows of h, f(x + h), the forward quotient, and how far it is from the exact derivative."""
    exact = gj.grad(f)(x)
    quotients = [(h, f(x + h), gj.derivative(f, x, h, "forward")) for h in steps]
    return [(h, value, slope, slope - exact) for h, value, slope in quotients]


if __name__ == "__main__":
    for row in slopes():
        print("h {:<7g} f(2+h) {:.8f}  slope {:.6g}  error {:.6g}".format(*row))
    for name, (f, by_hand) in FUNCTIONS.items():
        print(f"{name:14} at 2: {gj.grad(f)(2.0):9.6f}, by hand {by_hand(2.0):9.6f}")
    gj.plot.secants(FUNCTIONS["x^2"][0], 2.0).figure.savefig("divided_differences.png")
