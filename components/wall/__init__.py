"""The parts of the screen Class wall."""
