"""The `hotline` command line, one module per group of commands."""
