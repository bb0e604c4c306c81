"""What the program costs, measured: see docs/performance.md. Not part of the installed package."""
