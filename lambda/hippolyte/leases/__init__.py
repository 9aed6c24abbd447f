"""Capacity borrowed and returned."""
