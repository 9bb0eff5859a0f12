"""The parts of the screen Quiz."""
