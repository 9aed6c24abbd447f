"""A whole night for a person to watch."""
