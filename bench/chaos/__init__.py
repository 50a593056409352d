"""kill -9 under load: the load, the killing, and an oracle that judges what is left on the broker."""
