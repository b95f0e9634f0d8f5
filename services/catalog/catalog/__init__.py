"""What the shop sells: products, their prices, and browsing them."""
