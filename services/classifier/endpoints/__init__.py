"""The bus and the contract."""
