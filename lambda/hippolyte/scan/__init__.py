"""What the exporter does: scan a table at its pace, write files, resume from them."""
