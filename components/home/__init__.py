"""The home page's own parts."""
