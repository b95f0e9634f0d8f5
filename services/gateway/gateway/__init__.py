"""The API as a whole: which version runs, how it is described, and what is answered where nothing is."""
