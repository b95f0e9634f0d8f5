"""What an operator does, to a stack in the embedded cloud and on AWS alike."""
