"""The reports service: a projection of the shop's sales, and a report of each week."""
