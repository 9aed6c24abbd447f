"""Nightly backup of every DynamoDB table of an AWS account and region to S3."""

# the one place that says it: pyproject.toml and the module (outputs.tf) read it here
__version__ = "0.1.0"
