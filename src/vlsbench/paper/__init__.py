"""The paper's recipe: its tables and figures, what each of them needs, and the same in miniature.

Making cells is for `sweep`; laying out what they come to, and drawing it, is for `report`.
"""
