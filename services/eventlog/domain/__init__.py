"""What events name, and how the log orders them: pure."""
