"""Encrypted files, and the masking of their plaintext in everything that is printed."""
