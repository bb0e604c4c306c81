"""The version of the program; in a module of its own so that every package can name it."""

__version__ = "0.1.0"
