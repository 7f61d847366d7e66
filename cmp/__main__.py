"""`python -m cmp`."""

from cmp.cli import entry

if __name__ == "__main__":
    entry()
