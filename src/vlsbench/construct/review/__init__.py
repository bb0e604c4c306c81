"""People look at what the gate let through: drawn, shown blurred, labelled by several, and taken in again.

The labelling page itself, and checking a judge against people, are in `calibration`.
"""
