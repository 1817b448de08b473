"""The load test: makes mail, sends it, watches it arrive, and says what that cost."""
