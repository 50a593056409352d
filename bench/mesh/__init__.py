"""What the benchmarks of the mesh share: open tickets made beforehand, traffic, and what the log says afterwards."""
