"""The entry: the command line, the night and its steps, Prefect deployments."""
