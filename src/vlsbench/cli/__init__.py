"""The command line: one file per command, which parses, calls and prints.

No logic and no figures: a job is a function of a package below, which Python users call as well.
"""
