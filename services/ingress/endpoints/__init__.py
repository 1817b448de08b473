"""Where others come in: SMTP connections, the bus, the contracts."""
