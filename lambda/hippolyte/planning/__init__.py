"""What a night is to do. Pure: no AWS call, and `now` is an argument."""
