"""Puts back what changed in a table since a night: `hippolyte undo`."""
