"""One step of a run towards its end."""
