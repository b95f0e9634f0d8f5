"""What a fork does first: it renames the shop, and leaves out services that it does not need."""
