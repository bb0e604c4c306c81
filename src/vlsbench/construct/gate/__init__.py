"""The gate between candidates and the benchmark: an audit, rules, and what repeats."""
