"""The operating system and the network: processes, files, locks, signals, downloads, text for terminals."""
