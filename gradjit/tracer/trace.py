"""From a Python function and its arguments to an IR function."""
