"""`hippolyte restore`: a table as it was, its items, and the rest of what it was set to."""
