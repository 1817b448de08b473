"""Decodes bytes by the name of a charset. It never raises, and UTF-8 can encode the text.

Charset names come from strangers. Only names in a fixed table reach Python's codecs, because Python caches every
unknown name forever, and some of its codecs are no charsets (zlib, punycode with its quadratic decoder, idna).
"""

import re
from collections.abc import Iterator
from encodings.aliases import aliases

_NO_CHARSET = {
    "base64_codec",
    "bz2_codec",
    "hex_codec",
    "quopri_codec",
    "rot_13",
    "uu_codec",
    "zlib_codec",
    "idna",
    "punycode",
    "undefined",
    "unicode_escape",
    "raw_unicode_escape",
    "mbcs",
    "oem",
}

# The meaning of labels in real mail: the superset that senders use (WHATWG Encoding Standard §4.2).
_MEANT: dict[str, str] = {
    "ascii": "cp1252",
    "us_ascii": "cp1252",
    "latin_1": "cp1252",
    "iso8859_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "windows_874": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x_gbk": "gb18030",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "ks_c_5601_1987": "cp949",
    "ksc5601": "cp949",
    "euc_kr": "cp949",
    "big5": "cp950",
    "iso8859_8_i": "iso8859_8",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_6_i": "iso8859_6",
    "unicode_1_1_utf_7": "utf_7",
    "utf8mb4": "utf_8",
    "utf8mb3": "utf_8",
    "unicode": "utf_16",
    "x_mac_roman": "mac_roman",
    "macintosh": "mac_roman",
    "ansi_x3_110_1983": "cp1252",
    "x_euc_jp": "euc_jp",
    "iso_2022_jp": "iso2022_jp_ext",
    "iso2022_jp": "iso2022_jp_ext",
    "x_cp1250": "cp1250",
    "x_cp1251": "cp1251",
    "x_cp1252": "cp1252",
}

_SEPARATOR = re.compile(r"[^a-z0-9]+")


def _normal(name: str) -> str:
    return _SEPARATOR.sub("_", name[:64].lower()).strip("_")


def _codecs() -> Iterator[tuple[str, str]]:
    for alias, codec in aliases.items():
        if codec not in _NO_CHARSET:
            yield _normal(alias), codec
            yield _normal(codec), codec
    for codec in (
        "cp720",
        "cp737",
        "cp856",
        "cp874",
        "cp875",
        "cp1006",
        "koi8_r",
        "koi8_t",
        "koi8_u",
        "utf_8_sig",
        "mac_arabic",
    ):
        yield codec, codec


def _table() -> dict[str, str]:
    table = dict(_codecs())
    table |= {label: _MEANT.get(codec, codec) for label, codec in table.items()}
    return table | _MEANT


_CODEC = _table()


def codec_of(charset: str) -> str | None:
    """The codec for what mail calls `charset`, or None for an unknown name."""
    return _CODEC.get(charset.lower()) or _CODEC.get(_normal(charset))


def decode(data: bytes, charset: str = "", limit: int | None = None) -> str:
    """The text of `data`, of which at most `limit` bytes are read.

    Bytes that the charset does not contain become U+FFFD.
    Without a charset, or with an unknown one, the text is read as UTF-8 if it is valid, else as windows-1252.
    """
    if limit is not None and len(data) > limit:
        data = data[:limit]
    codec = codec_of(charset) if charset else None
    if codec is None or codec == "cp1252":
        return _guess(data)
    return _scalar(data.decode(codec, "replace"))


def _guess(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _scalar(text: str) -> str:
    """The text without lone surrogates, which UTF-7 can produce and UTF-8 cannot encode."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text
