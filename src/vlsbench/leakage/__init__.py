"""Visual leakage of a set: how much of the danger does the text alone give away?

What the image adds to a model's answers is for `ablation`.
"""
