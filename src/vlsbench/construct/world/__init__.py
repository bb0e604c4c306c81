"""The miniature: the pipeline on an invented world, by scripted models that err on purpose and at known rates.

It shows a mechanism and checks the machinery; it is no evidence about real models.
"""
