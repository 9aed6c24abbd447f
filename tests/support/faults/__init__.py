"""How a night is broken, and what must hold after it."""
