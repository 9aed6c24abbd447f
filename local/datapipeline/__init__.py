"""Data Pipeline."""
