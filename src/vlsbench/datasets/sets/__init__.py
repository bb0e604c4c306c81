"""One file per published dataset: a function from a row to a sample, and an entry of the catalogue."""
