"""Who the shop's customers are: sign-up and the profile."""
