"""Visual leakage: how much of the danger does the text alone give away?"""
