"""What facts name, and how the log orders them: pure."""
