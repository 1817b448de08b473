"""DNS questions and answers as plain values, asked for by pure evaluations."""
