"""File tests: `.ir` files with an input, the passes to run, and the expected text. `runner` says how they look."""
