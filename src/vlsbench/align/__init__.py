"""Alignment: training data, and thin jobs over TRL and PEFT; one file per method.

Loading a model is for `models`, and asking a trained one for `run`.
"""
