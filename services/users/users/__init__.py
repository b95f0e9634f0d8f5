"""The shop's customers: sign-up and profiles."""
