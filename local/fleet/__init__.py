"""Fleets of tables for demos and tests."""
