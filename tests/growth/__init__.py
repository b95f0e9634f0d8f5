"""What a request, an event and a job cost while the tables grow: the shop in one process, over tables of any size."""
