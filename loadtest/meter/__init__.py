"""What the server used, by process: CPU, memory, fsyncs."""
