"""`hippolyte get`: items by their key, from one night or all, without a restore."""
