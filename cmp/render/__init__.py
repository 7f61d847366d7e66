"""One Instance rendered: tools, decryption, inputs, engine, and the check of the output."""
