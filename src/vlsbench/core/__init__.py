"""The vocabulary of the program: types, protocols, errors, names, images. It imports nothing of ours.

What only one package needs belongs in that package, not here.
"""
