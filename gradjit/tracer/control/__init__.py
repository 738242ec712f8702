"""Control flow: `for`, `while`, `if` of lifted code as operations with regions.

Before a function runs: `jumps` writes break, continue and return as flags and branches, `names` says which names a
statement must carry (liveness), `definite_assignment` which of them are surely bound, `lift_statements` iterations the
statements into calls of the protocol (`protocol`).

While it is traced: `branches` and `loop_regions` (with `for_loops`, `while_loops`) are that protocol; `frames` are the
regions under construction, and know what was written inside of one, so that it can be merged, carried, or taken back;
`loop_variables` and `loop_results` make of a body that was traced once what the loop carries; `states` says which types
that has; `may_alias` decides about arrays that may be one another; `iterables` are what a `for` runs over by index;
`attempts` are `try` statements that catch what is raised under traced conditions.
"""
