"""The events of all services, each declared once. The stored names and shapes outlive the code."""
