"""Simulations: ordinary and partial differential equations, particles, populations, Monte Carlo."""

import math

import numpy as np

from ..case import Case

RNG = np.random.default_rng(1)


def lotka_volterra(p, steps=40, h=0.02):
    """Runge and Kutta's fourth-order method, written out in scalars."""
    a, b, c, d = p
    x, y = 1.0, 0.8
    for _ in range(steps):
        k1, l1 = a * x - b * x * y, c * x * y - d * y
        k2 = a * (x + h / 2 * k1) - b * (x + h / 2 * k1) * (y + h / 2 * l1)
        l2 = c * (x + h / 2 * k1) * (y + h / 2 * l1) - d * (y + h / 2 * l1)
        k3 = a * (x + h / 2 * k2) - b * (x + h / 2 * k2) * (y + h / 2 * l2)
        l3 = c * (x + h / 2 * k2) * (y + h / 2 * l2) - d * (y + h / 2 * l2)
        k4 = a * (x + h * k3) - b * (x + h * k3) * (y + h * l3)
        l4 = c * (x + h * k3) * (y + h * l3) - d * (y + h * l3)
        x += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        y += h / 6 * (l1 + 2 * l2 + 2 * l3 + l4)
    return x + 2 * y


def pendulum_trajectory(y0, damping, steps=30, h=0.05):
    """The whole path is stored row by row."""
    def rhs(y):
        return np.array([y[1], -math.sin(y[0]) - damping * y[1]])

    path = np.empty((steps + 1, 2))
    path[0] = y0
    for n in range(steps):
        k1 = rhs(path[n])
        k2 = rhs(path[n] + h / 2 * k1)
        k3 = rhs(path[n] + h / 2 * k2)
        k4 = rhs(path[n] + h * k3)
        path[n + 1] = path[n] + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return np.sum(path[::5, 0] ** 2) + path[-1, 1]


def leapfrog_bodies(pos, vel, mass, steps=10, dt=0.01):
    """Gravitating bodies; forces pair by pair, each pair once."""
    n = len(mass)
    pos, vel = pos.copy(), vel.copy()

    def accelerations():
        acc = np.zeros_like(pos)
        for i in range(n):
            for j in range(i + 1, n):
                r = pos[j] - pos[i]
                d2 = r @ r + 0.05
                w = 1.0 / (d2 * np.sqrt(d2))
                acc[i] += mass[j] * w * r
                acc[j] -= mass[i] * w * r
        return acc

    acc = accelerations()
    for _ in range(steps):
        vel += 0.5 * dt * acc
        pos += dt * vel
        acc = accelerations()
        vel += 0.5 * dt * acc
    return 0.5 * np.sum(mass * np.sum(vel ** 2, axis=1)) + np.sum(pos[0])


def heat_explicit(u0, k, steps=25):
    u = u0.copy()
    for _ in range(steps):
        u[1:-1] += k * (u[2:] - 2 * u[1:-1] + u[:-2])
    return np.sum(u ** 2)


def heat_by_element(u0, k, steps=12):
    """Two arrays that exchange their parts."""
    old, new = u0.copy(), np.zeros(len(u0))
    for _ in range(steps):
        for i in range(1, len(u0) - 1):
            new[i] = old[i] + k * (old[i - 1] - 2 * old[i] + old[i + 1])
        new[0], new[-1] = new[1], new[-2]
        old, new = new, old
    return np.sum(old ** 3)


def gauss_seidel(f, sweeps=4):
    """Poisson's equation by element, in place: each uses the neighbours that are new already."""
    n = f.shape[0]
    u = np.zeros((n, n))
    h2 = 1.0 / (n - 1) ** 2
    for _ in range(sweeps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                u[i, j] = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - h2 * f[i, j])
    return np.sum(u * f)


def red_black_sor(f, omega, sweeps=10):
    n = f.shape[0]
    u = np.zeros_like(f)
    for sweep in range(sweeps):
        for i in range(1, n - 1):
            for j in range(1 + (i + sweep) % 2, n - 1, 2):
                new = 0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - f[i, j])
                u[i, j] += omega * (new - u[i, j])
    return np.sum(u ** 2)


def fdtd(ez, eps, steps=12):
    """Maxwell's equations in two dimensions; three fields updated in place."""
    ez = ez.copy()
    hx, hy = np.zeros_like(ez), np.zeros_like(ez)
    for t in range(steps):
        hx[:, :-1] -= 0.5 * (ez[:, 1:] - ez[:, :-1])
        hy[:-1, :] += 0.5 * (ez[1:, :] - ez[:-1, :])
        ez[1:-1, 1:-1] += 0.5 / eps[1:-1, 1:-1] * (hy[1:-1, 1:-1] - hy[:-2, 1:-1] - hx[1:-1, 1:-1] + hx[1:-1, :-2])
        ez[3, 3] += np.sin(0.3 * t)
    return np.sum(ez ** 2)


def burgers_upwind(u0, nu, steps=15, dt=0.05):
    """The side of the difference depends on the sign of the velocity."""
    u = u0.copy()
    n = len(u)
    for _ in range(steps):
        v = u.copy()
        for i in range(n):
            left, right = v[i - 1], v[(i + 1) % n]
            slope = v[i] - left if v[i] > 0 else right - v[i]
            u[i] = v[i] - dt * v[i] * slope + nu * dt * (left - 2 * v[i] + right)
    return np.dot(u, u)


def epidemic(beta, gamma, days=60):
    """Contacts fall while the infected are many: a branch in the loop."""
    s, i, r = 0.99, 0.01, 0.0
    peak = 0.0
    for _ in range(days):
        contact = beta * 0.4 if i > 0.08 else beta
        new = contact * s * i
        healed = gamma * i
        s -= new
        i += new - healed
        r += healed
        if i > peak:
            peak = i
    return peak + r


class Queue:
    """A simulator with its state in attributes."""

    def __init__(self, rate):
        self.rate = rate
        self.clock = 0.0
        self.waited = 0.0
        self.served = 0

    def arrive(self, gap, work):
        arrival = self.clock + gap * self.rate
        start = max(arrival, self.free) if self.served else arrival
        self.waited += start - arrival
        self.free = start + work
        self.clock = arrival
        self.served += 1

    free = 0.0


def queue(rate, gaps, works):
    q = Queue(rate)
    for gap, work in zip(gaps, works):
        q.arrive(gap, work)
    return q.waited / q.served + 0.1 * q.clock


def barrier_option(spot, vol, noise, barrier=1.35, rate=0.02, dt=1 / 24):
    """Paths of an asset with given noise, smoothed payoff; a path that hits the barrier ends there."""
    total = 0.0
    for z in noise:
        s = spot
        alive = True
        for e in z:
            s = s * math.exp((rate - 0.5 * vol ** 2) * dt + vol * math.sqrt(dt) * e)
            if s > barrier:
                alive = False
                break
        if alive:
            total += math.log1p(math.exp(20 * (s - 1.0))) / 20
        else:
            total += 0.01 * s
    return total / len(noise)


def adaptive_euler(lam, tol=1e-3):
    """The step is halved or doubled by an error estimate, until the end is reached."""
    t, y, h = 0.0, 1.0, 0.1
    steps = 0
    while t < 1.0 and steps < 400:
        if t + h > 1.0:
            h = 1.0 - t
        whole = y - h * lam * y
        half = y - h / 2 * lam * y
        half = half - h / 2 * lam * half
        error = abs(whole - half)
        if error > tol:
            h = h / 2
        else:
            t = t + h
            y = 2 * half - whole
            if error < tol / 4:
                h = 1.5 * h
        steps += 1
    return y


def random_walk_on_grid(drift, moves, field):
    """Integer positions wander by given moves; the field is read along the way."""
    i = j = 3
    n = field.shape[0]
    energy = 0.0
    for k, m in enumerate(moves):
        if m == 0:
            i = (i + 1) % n
        elif m == 1:
            i = (i - 1) % n
        elif m == 2:
            j = (j + 1) % n
        else:
            j = (j - 1) % n
        energy += field[i, j] * np.exp(-drift * k)
    return energy


def age_structured_population(fertility, survival, years=20):
    """Leslie's model, shifting an array along itself."""
    n = np.ones(len(fertility))
    births = np.zeros(years)
    for year in range(years):
        births[year] = fertility @ n
        n[1:] = survival * n[:-1]
        n[0] = births[year]
        n /= 1.0 + 0.01 * n.sum()
    return births.mean() + n[-1]


def molecular_chain(x0, k, steps=15, dt=0.05):
    """Velocity Verlet on a chain with walls, helper functions that change arrays."""
    x, v, force = x0.copy(), np.zeros_like(x0), np.zeros_like(x0)

    def compute(force):
        force.fill(0.0)
        for i in range(len(x) - 1):
            stretch = x[i + 1] - x[i] - 1.0
            pull = k * stretch + 0.5 * stretch ** 3
            force[i] += pull
            force[i + 1] -= pull

    def kick(v, dt):
        v += dt * force

    compute(force)
    for _ in range(steps):
        kick(v, dt / 2)
        x += dt * v
        compute(force)
        kick(v, dt / 2)
    return 0.5 * v @ v + np.sum(np.sin(x))


def crank_nicolson(u0, kappa, steps=6):
    """Each step solves a tridiagonal system by Thomas's algorithm."""
    n = len(u0)
    u = u0.copy()
    for _ in range(steps):
        rhs = u.copy()
        for i in range(1, n - 1):
            rhs[i] = u[i] + kappa / 2 * (u[i - 1] - 2 * u[i] + u[i + 1])
        c, d = np.zeros(n), np.zeros(n)
        d[0] = rhs[0]
        for i in range(1, n):
            a = -kappa / 2 if i < n - 1 else 0.0
            b = 1 + kappa if i < n - 1 else 1.0
            m = b - a * c[i - 1]
            c[i] = a / m
            d[i] = (rhs[i] - a * d[i - 1]) / m
        u[n - 1] = d[n - 1]
        for i in range(n - 2, -1, -1):
            u[i] = d[i] - c[i] * u[i + 1]
    return np.sum(u ** 2)


def laplacian(c):
    return np.roll(c, 1, 0) + np.roll(c, -1, 0) + np.roll(c, 1, 1) + np.roll(c, -1, 1) - 4 * c


def biharmonic(c, kappa):
    """A stencil of a stencil: the gradient of kappa sums over all rows inside of loops over rows."""
    for _ in range(9):
        c = c - kappa * laplacian(laplacian(c))
    return np.sum(c * c)


CASES = (
    Case(lotka_volterra, (np.array([1.5, 1.0, 0.8, 1.2]),)),
    Case(pendulum_trajectory, (np.array([1.0, 0.2]), 0.1), (0, 1)),
    Case(leapfrog_bodies, (RNG.normal(size=(9, 3)), RNG.normal(size=(9, 3)) / 3, RNG.uniform(0.5, 1.5, 9)), (0, 1, 2)),
    Case(heat_explicit, (RNG.normal(size=14), 0.2), (0, 1)),
    Case(heat_by_element, (RNG.normal(size=12), 0.2), (0, 1)),
    Case(gauss_seidel, (RNG.normal(size=(11, 11)),)),
    Case(red_black_sor, (RNG.normal(size=(12, 12)), 1.3), (0, 1)),
    Case(fdtd, (RNG.normal(size=(10, 11)), RNG.uniform(1, 2, (10, 11))), (0, 1)),
    Case(burgers_upwind, (np.sin(np.arange(12.0)) + 0.05, 0.1), (0, 1)),
    Case(epidemic, (0.9, 0.2), (0, 1)),
    Case(queue, (1.1, RNG.exponential(1.0, 12), RNG.exponential(0.9, 12)), (0, 2)),
    Case(barrier_option, (1.0, 0.3, RNG.normal(size=(10, 12))), (0, 1)),
    Case(adaptive_euler, (3.0,), step=1e-6, rtol=1e-6),
    Case(random_walk_on_grid, (0.05, RNG.integers(0, 4, 25), RNG.normal(size=(8, 8))), (0, 2)),
    Case(age_structured_population, (np.array([0.0, 0.8, 1.1, 0.4]), np.array([0.7, 0.6, 0.5])), (0, 1)),
    Case(molecular_chain, (np.arange(11.0) + 0.1 * RNG.normal(size=11), 2.0), (0, 1)),
    Case(biharmonic, (RNG.normal(size=(12, 8)), 0.01), (0, 1)),
    Case(crank_nicolson, (RNG.normal(size=12), 0.4), (0, 1)),
)
