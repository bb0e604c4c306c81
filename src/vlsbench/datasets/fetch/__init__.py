"""Bringing published datasets to this machine: the hub, checksums, archives."""
