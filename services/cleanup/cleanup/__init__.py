"""The daily cleanup: asks the owners of data to sweep, and writes down what came of it."""
