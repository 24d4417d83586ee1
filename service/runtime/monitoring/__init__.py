"""What Prometheus reads of a running service: counted in the process, or counted in rows."""
