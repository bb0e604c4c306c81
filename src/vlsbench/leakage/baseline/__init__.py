"""The partial-input baseline: how well the text alone tells harmful samples from benign ones.

It learns from labels of the set and asks nobody; verdicts of guards are for `leakage` itself.
"""
