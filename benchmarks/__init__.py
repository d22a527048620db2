"""Measurements: speed, the worth of each choice, the table of results."""
