"""The measured functions: in NumPy (for gradjit, autograd and NumPy alone), JAX and PyTorch, by the same names."""
