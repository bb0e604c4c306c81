"""Models behind a server: the protocol, keys, failures and dialects of servers.

A failure is told by its kind here; what to do about it is for `run`. Weights are for `models.local`.
"""
