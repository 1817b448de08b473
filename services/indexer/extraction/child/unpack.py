"""Makes kreuzberg unpack its PDF library, by reading a PDF of no one else: a script that runs once for each version."""

from __future__ import annotations

_PAGELESS = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


def main() -> None:
    """Read the PDF; what comes of it does not matter."""
    from kreuzberg import ExtractionConfig, KreuzbergError, extract_bytes_sync

    try:
        extract_bytes_sync(_PAGELESS, "application/pdf", ExtractionConfig(use_cache=False))
    except KreuzbergError as error:
        print(error)


if __name__ == "__main__":
    main()
