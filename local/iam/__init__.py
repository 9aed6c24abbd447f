"""IAM and STS: who may do what."""
