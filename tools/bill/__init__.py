"""What the shop costs on AWS, counted and priced."""
