"""Control flow: `for`, `while`, `if` of lifted code as operations with regions.

`jumps` writes break, continue and return as flags and branches, `names` says which names a statement must carry,
`rewrite` turns the statements into calls of a protocol, and `branches` and `loops` are that protocol while tracing.
`frames` are the regions under construction: what is written inside of one, so that it can be merged, carried, or taken
back; `states` says which types merged and carried values have.
"""
