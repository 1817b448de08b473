"""Plan, carry out, settle."""
