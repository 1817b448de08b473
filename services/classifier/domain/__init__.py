"""What the classifier decides, as pure functions: features, evidence, opinions, verdicts, lessons."""
