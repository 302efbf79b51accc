"""One module per verb, imported only when its command is run."""
