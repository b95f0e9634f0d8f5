"""What the shop sold: a projection of its orders, and a report of it every week."""
