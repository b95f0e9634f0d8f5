"""The products of the shop: their details, prices and pictures, and browsing them."""
