"""`python -m duologue` is the command `duologue`."""

from duologue.cli.main import main

main()
