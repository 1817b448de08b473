"""What every owning service offers alike: its events to followers, and verify, rebuild and dead letters to the
operator."""
