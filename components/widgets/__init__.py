"""Pickers, charts, galleries and panels that know no screen."""
