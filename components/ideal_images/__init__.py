"""The parts of the screen Ideal images."""
