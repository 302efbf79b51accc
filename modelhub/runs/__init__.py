"""Training runs on disk: the log of a run going on, its points in columns, and the run object it becomes."""
