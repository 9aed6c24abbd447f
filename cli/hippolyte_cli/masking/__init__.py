"""Copies for other accounts: what of each item is dropped, hashed or replaced on its way."""
