"""Models behind a server: the protocol, keys, failures and dialects of servers."""
