"""DNS questions and answers as plain values, for pure evaluations."""
