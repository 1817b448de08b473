"""Messages that IMAP tests put into mailboxes."""

MAIL = (
    b"From: Bob <bob@example.org>\r\nTo: Ann <ann@example.org>\r\nSubject: Tea\r\nDate: Sun, 22 Nov 2026 10:00:00 "
    b"+0000\r\n"
    b"Message-ID: <tea@example.org>\r\n\r\nWater is hot.\r\n"
)
PARCEL = (
    b"From: Carol <carol@example.org>\r\nTo: Ann <ann@example.org>\r\nSubject: "
    b"=?utf-8?q?P=C3=A4ckchen?=\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\npreamble\r\n'
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
    b"quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n"
    b"--b\r\nContent-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: "
    b"base64\r\n\r\nAAECAw==\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: dave@example.org\r\n\r\nInner text.\r\n"
    b"--b\r\nContent-Type: application/x-odd\r\nContent-Transfer-Encoding: x-odd\r\n\r\nodd\r\n--b--\r\n"
)
