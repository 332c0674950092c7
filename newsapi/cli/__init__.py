"""The command line: `newsapi` and its subcommands."""
