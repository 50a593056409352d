"""The engines that are compared, each as a process that does one job: `python -m bench.engines.NAME`."""
