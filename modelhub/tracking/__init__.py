"""Records training runs: from Python, from the shell, and from the callbacks of training frameworks."""
