"""Access to the catalogue table, the imports table, the pictures bucket and the jobs bucket."""
