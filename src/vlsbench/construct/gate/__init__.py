"""The gate between candidates and the benchmark: rules over an audit, what repeats, and a guard that remembers.

What a guard is asked, and the rules of an audit's own export, are in `leakage`.
"""
