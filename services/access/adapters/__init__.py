"""The services that sessions ask."""
