"""Compares two tables, two backups, or one with the other."""
