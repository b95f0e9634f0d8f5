"""A shopping mix from many customers at once, and an audit of the books behind it: see ../README.md."""
