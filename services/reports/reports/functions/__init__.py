"""What Lambda runs: one thin module a function."""
