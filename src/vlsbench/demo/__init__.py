"""The packaged models of the miniature world: trained, measured, and shown side by side.

The world itself is in `miniworld`, training in `align`.
"""
