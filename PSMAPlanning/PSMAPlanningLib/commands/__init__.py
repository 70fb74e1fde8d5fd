"""One file per command of psma-planning."""
