"""The Lambda functions, one thin module each."""
