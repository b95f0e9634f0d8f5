"""The notifications service: mails to customers about their orders, and to operators about the shop."""
