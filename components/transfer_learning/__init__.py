"""The parts of the screen Transfer learning."""
