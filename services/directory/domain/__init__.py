"""Pure decisions of the directory."""
