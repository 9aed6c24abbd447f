"""`python -m hippolyte_cli`, for a checkout that is not installed."""

from hippolyte_cli.entry import main

main()
