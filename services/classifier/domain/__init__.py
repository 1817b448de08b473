"""The decisions of the classifier as pure functions: features, evidence, opinions, verdicts, lessons."""
