"""The load test: makes mail, sends it, watches it arrive, and reports the cost."""
