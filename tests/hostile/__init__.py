"""What strangers and ill-meaning users do to a real server."""
