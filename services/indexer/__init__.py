"""Full text of messages: extraction, the index in one of two engines, and its answers."""
