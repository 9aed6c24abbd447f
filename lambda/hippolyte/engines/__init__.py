"""Who runs the exports."""
