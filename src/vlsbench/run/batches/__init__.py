"""Requests in batches at a provider: half the price, answered within a day, through any number of runs of the program.

What a provider's protocol looks like is for `models`; what is on disk of it, for `store.batches`.
"""
