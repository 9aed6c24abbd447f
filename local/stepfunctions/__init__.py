"""Step Functions: Standard machines that really run, in virtual time."""
