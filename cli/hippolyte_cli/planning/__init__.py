"""`hippolyte plan`: what a night would do, shown, kept, compared."""
