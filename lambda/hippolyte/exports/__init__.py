"""What an export leaves: its format, its manifest, and whether it is a backup."""
