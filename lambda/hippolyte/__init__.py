"""Nightly backup of every DynamoDB table of an AWS account and region to S3."""

__version__ = "0.1.0"
