"""Access to the users table and to the Cognito user pool."""
