"""Quality measured on public corpora."""
