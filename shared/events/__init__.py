"""Every event that is ever written, each declared once; the stored names and shapes outlive the code."""
