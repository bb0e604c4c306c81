"""One file per published dataset: a function from a row to a sample, and an entry of the catalogue.

Reading a file format is for `datasets.files`; a set of the user's own needs no file here.
"""
