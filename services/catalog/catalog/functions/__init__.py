"""The Lambda functions, one thin module each, and the parts of the API."""
