"""`python -m hippolyte_cli`, for a checkout that is not installed."""

from hippolyte_cli.main import app

app(prog_name="hippolyte")
