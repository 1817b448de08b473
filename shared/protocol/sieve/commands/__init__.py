"""The commands of scripts: control commands (RFC 5228 §3) and actions (§4), base and extensions."""
