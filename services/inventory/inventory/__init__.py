"""Inventory: how much of every sku there is, and which order holds how much of it."""
