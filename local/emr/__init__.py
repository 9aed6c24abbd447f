"""EMR: clusters, their machines and their steps."""
