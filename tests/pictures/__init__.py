"""Pictures of every kind, made here, and what is to become of each."""
