"""Programs of loops, branches and mutation: in plain NumPy, in JAX, and as value and gradient by hand in Numba."""
