"""The six services of the mesh, the pure core they share, and the one runtime that does I/O."""
