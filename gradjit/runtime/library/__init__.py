"""Libraries that need no Python: an object file with a C interface, what is linked of it, and how it is read again.

`description` says what is in one; `object_file` makes the code, of kernels and `entry_points`; `header` declares it;
`manifest` is what it says of itself.
"""
