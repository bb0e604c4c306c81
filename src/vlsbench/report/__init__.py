"""Summaries for people: tables in a terminal."""
