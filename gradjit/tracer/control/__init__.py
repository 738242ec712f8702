"""Control flow: `for`, `while`, `if` of lifted code as operations with regions.

Before a function runs: `jumps` writes break, continue and return as flags and branches, `names` says which names a
statement must carry, `bound` which of them are surely bound, `rewrite` turns the statements into calls of the protocol
(`protocol`).

While it is traced: `branches` and `loops` (with `for_loops`, `while_loops`) are that protocol; `frames` are the regions
under construction, and know what was written inside of one, so that it can be merged, carried, or taken back; `carried`
and `finish` make of a body that was traced once what the loop carries; `states` says which types that has, `places` are
items and attributes as variables, `ties` arrays that may be one another, `turns` what a `for` runs over by index.
"""
