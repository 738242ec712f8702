# What gradjit uses of llvmlite 0.50, which ships no types. Signatures follow its documentation.
__version__: str
