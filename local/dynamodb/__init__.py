"""DynamoDB and its auto scaling."""
