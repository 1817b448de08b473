"""What the server used: CPU, memory, fsyncs, by process."""
