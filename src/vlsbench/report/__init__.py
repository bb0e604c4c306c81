"""Results for people: in a terminal, as documents, as one page, as figures.

Nothing is computed here: figures come from `results` and the packages of the jobs.
"""
