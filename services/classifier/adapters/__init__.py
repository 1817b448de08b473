"""The directory, as far as the classifier looks at it."""
