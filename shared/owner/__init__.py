"""What every owning service offers: its events for followers, and verify, rebuild and dead letters for the operator."""
