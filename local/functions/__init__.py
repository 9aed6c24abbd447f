"""Lambda: environments, invocations, deliveries and logs."""
