"""How services reach OpenSearch: settings, one client, errors, bulk writes and whole answers."""
