"""The contracts: events, topics, the wire format, and the files generated from them."""
