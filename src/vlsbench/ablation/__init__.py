"""What the image adds to a model's answers: conditions that take it away or exchange it, and the gains.

What a set gives away by itself is for `leakage`.
"""
