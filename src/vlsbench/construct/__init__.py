"""Makes a benchmark of harmful pairs whose text tells nothing, and proves that it is one: `build`.

Measuring a set that exists already is for `leakage`, which is this package's gate.
"""
