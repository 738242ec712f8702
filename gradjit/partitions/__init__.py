"""Losses that are sums or means over rows: value and gradient from partitions of the data, in threads, processes, or on
a cluster. `gj.parallel` and `gj.dask` are the doors to it."""
