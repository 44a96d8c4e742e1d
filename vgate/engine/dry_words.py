"""Counting words, which are the dry-run engines' tokens."""

# Every byte as one of two: white space as `str.split` takes it in ASCII, or part of a word.
_KINDS = bytes(0x20 if byte < 128 and chr(byte).isspace() else 0x78 for byte in range(256))


def count_words(text: str) -> int:
    """How many words there are; a megabyte takes a millisecond, which splitting it would not."""
    kinds = text.encode("utf-8", "surrogatepass").translate(_KINDS)
    return kinds.count(b" x") + kinds.startswith(b"x")
