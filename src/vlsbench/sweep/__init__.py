"""Many runs in one go: models by datasets by judges, with ablations and audits, as ordinary folders under one.

What a single run, ablation or audit does is for `run`, `ablation` and `leakage`; reading a sweep's file is for `cli`.
"""
