"""Access to the pictures bucket, and the notifications that S3 sends about it."""
