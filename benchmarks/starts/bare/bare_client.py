"""What every function that uses DynamoDB does at least."""

import boto3

dynamodb = boto3.client("dynamodb")
