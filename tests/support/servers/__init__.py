"""Chart repositories on loopback: HTTP and OCI, with the faults that real ones have."""
