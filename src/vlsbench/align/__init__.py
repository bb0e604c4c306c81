"""Alignment: training data, and thin jobs over TRL and PEFT."""
