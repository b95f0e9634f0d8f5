"""What was told, kept for good: the source of what is made of facts that are told once."""
