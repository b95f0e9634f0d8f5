"""The payments service: the hold on a customer's money for an order, and its release."""
