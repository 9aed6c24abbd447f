"""What AWS says of the tables."""
