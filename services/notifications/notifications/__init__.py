"""The notifications service: the mails that tell customers what became of their orders."""
