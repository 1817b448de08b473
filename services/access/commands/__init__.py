"""One file per family of commands; `table` says which handler carries out which."""
