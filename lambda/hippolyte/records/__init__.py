"""What is on record on S3: written once, or by compare-and-swap."""
