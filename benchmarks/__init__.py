"""gradjit beside JAX, Numba, autograd, PyTorch and NumPy: `python -m benchmarks` measures and writes RESULTS.md.

`cases` says what is measured and what must be reached, `functions` holds each function as a user of each library writes
it, `loops` both for programs of loops, branches and mutation. `peers` turns a function into a call that returns value
and gradient, `measure`, `first_call` and `cold_starts` take the times, `report` writes the tables.
"""
