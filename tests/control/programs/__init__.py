"""Textbook programs in plain NumPy and loops, by field."""

from . import algebra, dynamic, idioms, likelihoods, numbers, optimisers, signals, simulation

FIELDS = {
    "algebra": algebra.CASES, "dynamic": dynamic.CASES, "idioms": idioms.CASES, "likelihoods": likelihoods.CASES,
    "numbers": numbers.CASES, "optimisers": optimisers.CASES, "signals": signals.CASES, "simulation": simulation.CASES,
}
PROGRAMS = [case for cases in FIELDS.values() for case in cases]
