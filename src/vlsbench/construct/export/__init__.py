"""A built set as others get it: records, pictures, a card, Croissant metadata, provenance and rules.

The part of any audited set that tests vision is exported by `leakage`.
"""
