"""The commands, a file for each kind; worker/cli.py puts them together."""
