"""Inventory: the stock of every sku, the orders' reservations of it, and the ledger of its movements."""
