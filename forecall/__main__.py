"""`python -m forecall`: the same as the command `forecall`."""

from forecall.cli import main

main()
