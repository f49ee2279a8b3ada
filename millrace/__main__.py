"""`python -m millrace`: the command line of the very code in this folder, wherever another is installed."""

from millrace.cli.main import main

main()
