"""What tests and benchmarks share: a real server, a real Chromium, a pupil who speaks to it."""
