"""The parts of the screen Feature maps."""
