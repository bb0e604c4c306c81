"""Providers' own interfaces: how each writes a request and a reply, and the one model that speaks them all.

The formats are pure: from a `Prompt` to the fields of a request, and from a body to a `Reply`. Single requests and
batches of them are written alike.
"""
