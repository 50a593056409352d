"""All I/O of the mesh: Kafka, Faust, Redis, HTTP, metrics, processes, the clock."""
