"""The projections of the queue, of its reports, and of its hold rules."""
