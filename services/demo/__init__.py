"""The demo: a real day of citizen requests through the whole mesh, in simulated time."""
