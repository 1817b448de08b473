"""Small honest documents of the formats that extraction reads, written with the standard library."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_ODF = "urn:oasis:names:tc:opendocument:xmlns:"


def pdf_of(text: bytes) -> bytes:
    """A PDF of one page with one line; `text` has no parentheses."""
    drawing = b"BT /F1 12 Tf 72 700 Td (%s) Tj ET" % text
    return pdf_from(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawing), drawing),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )


def pdf_from(*objects: bytes, trailer: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalog."""
    result, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(result))
        result += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return result + b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        table,
        len(objects) + 1,
        trailer,
        len(result),
    )


def zip_of(files: Mapping[str, str | bytes]) -> bytes:
    """A ZIP archive; a file with the name `mimetype` is stored and not compressed, as ODF and EPUB ask."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else None)
    return buffer.getvalue()


def docx_of(text: str, document: str = "") -> bytes:
    """A Word document with one paragraph, or with this XML as its document."""
    words = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = document or (
        f'{_XML}<w:document xmlns:w="{words}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>'
    )
    return _open_xml("word/document.xml", "wordprocessingml.document.main+xml", {"word/document.xml": body})


def xlsx_of(rows: Sequence[Sequence[str]]) -> bytes:
    """A spreadsheet whose cells are inline strings."""
    sheets = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    cells = "".join(
        f'<row r="{line}">'
        + "".join(
            f'<c r="{chr(65 + column)}{line}" t="inlineStr"><is><t>{value}</t></is></c>'
            for column, value in enumerate(row)
        )
        + "</row>"
        for line, row in enumerate(rows, 1)
    )
    return _open_xml(
        "xl/workbook.xml",
        "spreadsheetml.sheet.main+xml",
        {
            "xl/workbook.xml": f'{_XML}<workbook xmlns="{sheets}" xmlns:r="{_OFFICE}"><sheets>'
            '<sheet name="Ledger" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": _relations("worksheet", "worksheets/sheet1.xml"),
            "xl/worksheets/sheet1.xml": f'{_XML}<worksheet xmlns="{sheets}"><sheetData>{cells}</sheetData></worksheet>',
        },
        {"xl/worksheets/sheet1.xml": "spreadsheetml.worksheet+xml"},
    )


def pptx_of(text: str) -> bytes:
    """A presentation with one slide."""
    slides = "http://schemas.openxmlformats.org/presentationml/2006/main"
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"
    slide = (
        f'{_XML}<p:sld xmlns:p="{slides}" xmlns:a="{drawing}"><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r>'
        f"<a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
    )
    return _open_xml(
        "ppt/presentation.xml",
        "presentationml.presentation.main+xml",
        {
            "ppt/presentation.xml": f'{_XML}<p:presentation xmlns:p="{slides}" xmlns:r="{_OFFICE}"><p:sldIdLst>'
            '<p:sldId id="256" r:id="rId1"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": _relations("slide", "slides/slide1.xml"),
            "ppt/slides/slide1.xml": slide,
        },
        {"ppt/slides/slide1.xml": "presentationml.slide+xml"},
    )


def odt_of(text: str) -> bytes:
    """An ODF text document."""
    return odf_from("text", f"<office:text><text:p>{text}</text:p></office:text>")


def ods_of(rows: Sequence[Sequence[str]]) -> bytes:
    """An ODF spreadsheet."""
    lines = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>' for value in row
        )
        + "</table:table-row>"
        for row in rows
    )
    table = f'<table:table table:name="Ledger">{lines}</table:table>'
    return odf_from("spreadsheet", f"<office:spreadsheet>{table}</office:spreadsheet>")


def odp_of(text: str) -> bytes:
    """An ODF presentation with one page."""
    frame = f"<draw:frame><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame>"
    return odf_from(
        "presentation", f'<office:presentation><draw:page draw:name="p1">{frame}</draw:page></office:presentation>'
    )


def odf_from(kind: str, body: str, manifest: str = "") -> bytes:
    """An ODF package of this kind with this body."""
    spaces = " ".join(f'xmlns:{name}="{_ODF}{name}:1.0"' for name in ("office", "text", "table"))
    spaces += f' xmlns:draw="{_ODF}drawing:1.0"'
    content = f"{_XML}<office:document-content {spaces}><office:body>{body}</office:body></office:document-content>"
    files = {"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content}
    return zip_of({**files, "META-INF/manifest.xml": manifest or f"{_XML}<manifest/>"})


def epub_of(chapter: str) -> bytes:
    """A book with one chapter, whose body is this XHTML."""
    package = (
        f'{_XML}<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Book</dc:title></metadata><manifest>'
        '<item id="c1" href="c1.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="c1"/>'
        "</spine></package>"
    )
    container = (
        f'{_XML}<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    page = (
        f'{_XML}<html xmlns="http://www.w3.org/1999/xhtml"><head><title>c</title></head><body>{chapter}</body></html>'
    )
    files = {"mimetype": "application/epub+zip", "META-INF/container.xml": container}
    return zip_of({**files, "content.opf": package, "c1.xhtml": page})


def rtf_of(text: bytes) -> bytes:
    """A document in the Rich Text Format."""
    return rb"{\rtf1\ansi{\fonttbl\f0\fswiss Helvetica;}\f0 " + text + rb"\par}"


def _relations(kind: str, target: str) -> str:
    return (
        f'{_XML}<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" Type="{_OFFICE}/{kind}" '
        f'Target="{target}"/></Relationships>'
    )


def _open_xml(main: str, kind: str, files: Mapping[str, str], others: Mapping[str, str] | None = None) -> bytes:
    """An Office Open XML package (ECMA-376 part 2)."""
    types = {main: kind, **(others or {})}
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{_OPEN_XML}{value}"/>' for name, value in types.items()
    )
    defaults = (
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
    )
    space = "http://schemas.openxmlformats.org/package/2006/content-types"
    content_types = f'{_XML}<Types xmlns="{space}">{defaults}{overrides}</Types>'
    return zip_of({"[Content_Types].xml": content_types, "_rels/.rels": _relations("officeDocument", main), **files})
