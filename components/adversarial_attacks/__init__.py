"""The parts of the screen Adversarial attacks."""
