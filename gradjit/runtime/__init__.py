"""What is alive when a compiled function is called: entry points, dispatch, machine code and its lifetime.

`callable` is the type that users call; `entry_spec` says what a specialisation takes and returns; `entry` (with
`entry_checks`, `entry_results`) compiles that to a C function around a kernel; `support` holds what all entries share;
`jit` turns LLVM IR into machine code; `cpython` and `numpy_abi` know the memory layouts; `c_function` is the emitters'
common ground.
"""
