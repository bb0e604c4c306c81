"""Other tools' formats: a run leaves as a log or a table (`export`), and answers that others recorded become a run.

Nothing here asks a model or judges. `tools` reads what other evaluators write, one file each; what a run folder holds
is read by `store` and `results`, and pages and documents for people are for `report`.
"""
