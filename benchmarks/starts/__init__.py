"""How fast the functions start, and how much of a processor a request takes, against bare boto3."""
