"""``python -m vlsbench``."""

from vlsbench.cli.main import run_as_script

run_as_script()
