"""Charts, remote bases, schemas and tools: fetched once, kept by digest, and locked by cmp.lock."""
