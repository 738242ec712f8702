"""Statistical likelihoods with loops over observations and states."""

import math

import numpy as np

from ..case import Case

RNG = np.random.default_rng(2)


def hmm_forward(log_trans, log_init, means, obs):
    """The forward algorithm state by state, log-sum-exp written out."""
    k = len(log_init)
    alpha = np.empty(k)
    for s in range(k):
        alpha[s] = log_init[s] - 0.5 * (obs[0] - means[s]) ** 2
    for t in range(1, len(obs)):
        new = np.empty(k)
        for s in range(k):
            terms = alpha + log_trans[:, s]
            top = np.max(terms)
            new[s] = top + np.log(np.sum(np.exp(terms - top))) - 0.5 * (obs[t] - means[s]) ** 2
        alpha = new
    top = alpha.max()
    return top + np.log(np.sum(np.exp(alpha - top)))


def kalman_filter(q, r, ys):
    """Position and velocity, matrices throughout; the log-likelihood of the innovations."""
    a = np.array([[1.0, 1.0], [0.0, 1.0]])
    h = np.array([[1.0, 0.0]])
    x, p = np.zeros(2), np.eye(2)
    loglik = 0.0
    for y in ys:
        x = a @ x
        p = a @ p @ a.T + q * np.eye(2)
        s = (h @ p @ h.T)[0, 0] + r
        gain = (p @ h.T)[:, 0] / s
        innovation = y - (h @ x)[0]
        x = x + gain * innovation
        p = p - np.outer(gain, h @ p)
        loglik -= 0.5 * (math.log(2 * math.pi * s) + innovation ** 2 / s)
    return loglik


def garch(omega, alpha, beta, returns):
    sigma2 = np.zeros(len(returns))
    sigma2[0] = np.var(returns)
    for t in range(1, len(returns)):
        sigma2[t] = omega + alpha * returns[t - 1] ** 2 + beta * sigma2[t - 1]
    return -0.5 * np.sum(np.log(2 * np.pi * sigma2) + returns ** 2 / sigma2)


def gjr_garch(theta, returns):
    """Bad news counts more: a branch on the data."""
    omega, alpha, gamma, beta = theta
    s2, total = 1.0, 0.0
    for r in returns:
        total += math.log(s2) + r * r / s2
        leverage = gamma if r < 0 else 0.0
        s2 = omega + (alpha + leverage) * r ** 2 + beta * s2
    return -0.5 * total


def local_level_smoother(q, r, ys):
    """A filter forward, Rauch's smoother backward over what the filter stored."""
    n = len(ys)
    m, p, mp, pp = (np.zeros(n) for _ in range(4))
    level, var = 0.0, 10.0
    for t in range(n):
        mp[t], pp[t] = level, var + q
        gain = pp[t] / (pp[t] + r)
        level = mp[t] + gain * (ys[t] - mp[t])
        var = (1 - gain) * pp[t]
        m[t], p[t] = level, var
    smooth = m.copy()
    for t in range(n - 2, -1, -1):
        c = p[t] / pp[t + 1]
        smooth[t] += c * (smooth[t + 1] - mp[t + 1])
    return np.sum((ys - smooth) ** 2)


def arma_conditional(phi, theta, ys):
    """ARMA(2, 1): errors computed one from the other; negative indices before the start read zeros."""
    e = np.zeros(len(ys))
    for t in range(len(ys)):
        pred = 0.0
        if t >= 1:
            pred += phi[0] * ys[t - 1] + theta * e[t - 1]
        if t >= 2:
            pred += phi[1] * ys[t - 2]
        e[t] = ys[t] - pred
    return np.sum(e ** 2)


def mixture_em_steps(mu, data, steps=12):
    """Expectation and maximisation, differentiated through its steps."""
    mu = mu.copy()
    k = len(mu)
    for _ in range(steps):
        top, bottom = np.zeros(k), np.zeros(k)
        for x in data:
            w = np.exp(-0.5 * (x - mu) ** 2)
            w /= w.sum()
            top += w * x
            bottom += w
        mu[:] = top / bottom
    return mu @ np.arange(1.0, k + 1)


def cox_partial_likelihood(beta, x, time, event):
    """Risk sets by comparing every pair."""
    n = len(time)
    eta = x @ beta
    total = 0.0
    for i in range(n):
        if event[i]:
            risk = 0.0
            for j in range(n):
                if time[j] >= time[i]:
                    risk += math.exp(eta[j])
            total += eta[i] - math.log(risk)
    return total


def ordinal_logit(cuts, slope, x, level):
    def sigmoid(z):
        return 1.0 / (1.0 + math.exp(-z))

    loglik = 0.0
    last = len(cuts)
    for xi, yi in zip(x, level):
        if yi == 0:
            p = sigmoid(cuts[0] - slope * xi)
        elif yi == last:
            p = 1.0 - sigmoid(cuts[last - 1] - slope * xi)
        else:
            p = sigmoid(cuts[yi] - slope * xi) - sigmoid(cuts[yi - 1] - slope * xi)
        loglik += math.log(p)
    return loglik


def hawkes(mu, alpha, beta, times):
    """A self-exciting process by its recursion."""
    loglik, a = math.log(mu), 0.0
    for i in range(1, len(times)):
        a = math.exp(-beta * (times[i] - times[i - 1])) * (1 + a)
        loglik += math.log(mu + alpha * a)
    loglik -= mu * times[-1]
    for t in times:
        loglik += alpha / beta * (math.exp(-beta * (times[-1] - t)) - 1)
    return loglik


def change_point(rates, counts):
    """The marginal likelihood over every place of the change, accumulated stably."""
    r1, r2 = rates
    n = len(counts)
    best = -math.inf
    logs = np.zeros(n)
    for tau in range(n):
        ll = 0.0
        for i in range(n):
            r = r1 if i < tau else r2
            ll += counts[i] * math.log(r) - r
        logs[tau] = ll
        best = max(best, ll)
    return best + math.log(np.sum(np.exp(logs - best)))


def particle_filter(phi, sigma, ys, noise):
    """Bootstrap filter with given noise; resampling is replaced by weights that are carried on."""
    n = noise.shape[1]
    x, logw = np.zeros(n), np.zeros(n)
    loglik = 0.0
    for t, y in enumerate(ys):
        x = phi * x + sigma * noise[t]
        logw = logw - 0.5 * (y - x) ** 2
        top = logw.max()
        w = np.exp(logw - top)
        loglik += top + np.log(w.mean())
        logw = np.log(w / w.mean())
    return loglik


def random_effects(theta, groups, y):
    """Sums by group through computed indices, then a pass over the groups."""
    n = 5
    total, count = np.zeros(n), np.zeros(n)
    for g, v in zip(groups, y):
        total[g] += v - theta[0]
        count[g] += 1.0
    ll = 0.0
    for g in range(n):
        var = theta[1] ** 2 * count[g] + 1.0
        ll -= 0.5 * (total[g] ** 2 / var + np.log(var))
    return ll


CASES = (
    Case(hmm_forward, (np.log(RNG.dirichlet(np.ones(9), 9)), np.log(np.full(9, 1 / 9)), RNG.normal(size=9),
                       RNG.normal(size=14)), (0, 1, 2)),
    Case(kalman_filter, (0.1, 0.5, RNG.normal(size=15).cumsum()), (0, 1, 2)),
    Case(garch, (0.1, 0.2, 0.6, RNG.normal(size=20)), (0, 1, 2)),
    Case(gjr_garch, (np.array([0.1, 0.1, 0.2, 0.6]), RNG.normal(size=25))),
    Case(local_level_smoother, (0.3, 1.0, RNG.normal(size=15)), (0, 1, 2)),
    Case(arma_conditional, (np.array([0.5, -0.2]), 0.3, RNG.normal(size=18)), (0, 1, 2)),
    Case(mixture_em_steps, (np.array([-1.0, 0.2, 1.5]), RNG.normal(size=15)), (0, 1)),
    Case(cox_partial_likelihood, (RNG.normal(size=3) / 2, RNG.normal(size=(12, 3)), RNG.permutation(12).astype(float),
                                  RNG.random(12) < 0.7)),
    Case(ordinal_logit, (np.array([-1.0, 0.3, 1.2]), 0.8, RNG.normal(size=16), RNG.integers(0, 4, 16)), (0, 1)),
    Case(hawkes, (0.5, 0.4, 1.1, np.sort(RNG.uniform(0, 10, 14))), (0, 1, 2)),
    Case(change_point, (np.array([2.0, 3.5]), RNG.poisson(3.0, 12).astype(float))),
    Case(particle_filter, (0.8, 0.6, RNG.normal(size=12), RNG.normal(size=(12, 7))), (0, 1, 2)),
    Case(random_effects, (np.array([0.3, 0.8]), RNG.integers(0, 5, 20), RNG.normal(size=20)), (0, 2)),
)
