"""What every owning service offers alike: its facts to followers, and verify, rebuild and dead letters to the operator."""
