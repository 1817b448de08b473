"""The classifier scores mail, learns from how people move their messages, and explains its verdicts."""
