"""The names in a client's certificate."""

from __future__ import annotations

from cryptography import x509


def mail_addresses(certificate: bytes) -> tuple[str, ...]:
    """The mail addresses of a certificate in DER (SAN rfc822Name, RFC 5280 §4.2.1.6).

    There are none in a certificate that cannot be read.
    """
    try:
        extensions = x509.load_der_x509_certificate(certificate).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return tuple(names.get_values_for_type(x509.RFC822Name))
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return ()
