"""IR in, machine code out: loop nests, LLVM emission, vector math, BLAS and LAPACK calls."""
