"""What is alive when a compiled function is called: entry points, dispatch, machine code and its lifetime."""
