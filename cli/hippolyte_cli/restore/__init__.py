"""Restoring: the table as it was, its items, and what it had around it."""
