"""Programs of loops, branches and mutation: in plain NumPy, in JAX, and as value and gradient written by hand for Numba."""
