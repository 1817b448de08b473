"""Mail to other servers: submitted to a server, counted at a sink, beside other servers."""
