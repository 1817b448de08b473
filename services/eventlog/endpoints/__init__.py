"""The contract, offered."""
