"""Which parts of a mail are attachments, and why others are not (domain rule 6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.attachments import AttachmentLimits, Reason, attachments_of, extension
from services.domain.message import Part, PartRole
from services.settings.organization.content import BLOCKED
from tests.messages import message

LIMITS = AttachmentLimits(max_kb=5120, blocked=frozenset(BLOCKED.split()))
MB = 1024 * 1024


def part(name: str = "f.pdf", *, path: str = "2", kind: str = "application/octet-stream", **fields) -> Part:
    given_ = {"size": 9, "sha256": "00", "disposition": "", "content_id": "", "role": PartRole.ATTACHMENT, **fields}
    return Part(path=path, content_type=kind, filename=name, **given_)


def judged(*parts: Part, limits: AttachmentLimits = LIMITS) -> list[tuple[str, str]]:
    """The reason for which each part is dropped, with its detail; empty where it is kept."""
    found = attachments_of(message(parts=parts), limits)
    dropped = {d.part.path: (d.reason.value, d.detail) for d in found.dropped}
    assert {p.path for p in found.kept} | set(dropped) == {p.path for p in parts if p.role != PartRole.BODY}
    return [dropped.get(one.path, ("", "")) for one in parts]


@pytest.mark.parametrize(
    ("becomes", "one"),
    [
        pytest.param(("", ""), part("f.pdf"), id="a file"),
        pytest.param(("", ""), part(""), id="a file without a name"),
        pytest.param(("BlockedName", "exe"), part("setup.exe"), id="a blocked extension"),
        pytest.param(("BlockedName", "exe"), part("SETUP.EXE"), id="in capitals"),
        pytest.param(("BlockedName", "exe"), part("invoice.pdf.exe"), id="behind a harmless one"),
        pytest.param(("", ""), part("www.example.com.pdf"), id="before a harmless one"),
        pytest.param(("BlockedContent", "exe"), part("invoice.pdf", sniffed="exe"), id="a program called pdf"),
        pytest.param(("BlockedName", "exe"), part("a.exe", sniffed="exe", size=6 * MB), id="the name speaks first"),
        pytest.param(("BlockedContent", "jar"), part("", sniffed="jar", size=6 * MB), id="the content before the size"),
        pytest.param(("", ""), part(size=5120 * 1024), id="as large as it may be"),
        pytest.param(("TooLarge", "5120"), part(size=5120 * 1024 + 1), id="a byte more"),
        pytest.param(("TooLarge", "5120"), part(size=6 * MB), id="6 MB at 5120 KB"),
        pytest.param(("TooLarge", "5120"), part("m.eml", kind="message/rfc822", size=6 * MB), id="a large message"),
        pytest.param(("", ""), part("m.eml", kind="message/rfc822"), id="a message in the message"),
        pytest.param(
            ("BlockedName", "svg"),
            part("l.svg", content_id="l@x", role=PartRole.INLINE),
            id="a blocked image",
        ),
        pytest.param(("TooLarge", "5120"), part("l.png", role=PartRole.INLINE, size=6 * MB), id="a large image"),
        pytest.param(("", ""), part("smime.p7m", kind="application/pkcs7-mime", size=6 * MB), id="S/MIME"),
        pytest.param(("", ""), part("smime.p7s", kind="application/pkcs7-signature", size=6 * MB), id="a signature"),
        pytest.param(
            ("BlockedName", "exe"), part("a.exe", kind="application/pkcs7-mime"), id="a program that says it is S/MIME"
        ),
        pytest.param(
            ("BlockedContent", "exe"), part("smime.p7m", kind="application/pkcs7-mime", sniffed="exe"), id="or is one"
        ),
    ],
)
def test_a_part_is_kept_or_dropped_for_one_reason(becomes, one):
    assert [becomes] == judged(one)


@pytest.mark.parametrize("above", ["", "1.", "2.1."], ids=["the mail", "a part", "deeper"])
def test_what_openpgp_has_encrypted_stays_whole(above):
    control = part("", path=f"{above}1", kind="application/pgp-encrypted")
    sealed = part("encrypted.asc", path=f"{above}2", size=6 * MB)
    beside = part("encrypted.asc", path="9", size=6 * MB)

    assert [("", ""), ("", ""), ("TooLarge", "5120")] == judged(control, sealed, beside)


def test_a_blocked_part_takes_no_other_with_it():
    """Domain case 15.17: the activity has the pdf, and the program is listed."""
    assert [("", ""), ("BlockedName", "exe")] == judged(part("a.pdf", path="2"), part("a.exe", path="3"))


def test_a_file_over_the_limit_is_left_out_and_the_others_stay():
    """Domain case 15.18: 6 MB at 5120 KB; the mail is filed, which the same case on a running pipeline shows."""
    assert [("TooLarge", "5120"), ("", "")] == judged(part("a.mov", path="2", size=6 * MB), part("b.pdf", path="3"))


def test_the_text_is_never_dropped():
    text = part("run.bat", path="1", kind="text/plain", role=PartRole.BODY, size=6 * MB)

    assert [("", "")] == judged(text)
    assert () == attachments_of(message(parts=(text,)), LIMITS).kept


def test_what_the_settings_allow_is_kept():
    none = AttachmentLimits(max_kb=131_072)

    assert [("", "")] * 3 == judged(
        part("a.exe", path="2"), part(path="3", sniffed="exe"), part(path="4", size=99 * MB), limits=none
    )


@pytest.mark.parametrize(
    "name",
    [
        "setup.exe.",
        "setup.exe ",
        "setup.exe . .",
        "setup.exe::$DATA",
        "setup.exe. ::$data",
        "setup.\uff45\uff58\uff45",
        "setup\uff0eexe",
        "setup.e\u200bxe",
        "setup.exe\u00ad",
        "фото.exe",
        ".exe",
    ],
)
def test_disguises_of_an_extension_are_seen_through(name):
    assert "exe" == extension(name)


@pytest.mark.parametrize("name", ["", "README", "...", " ", "::$data"])
def test_a_name_without_an_extension_has_none(name):
    assert extension(name) == ""


@given(st.text(max_size=40), st.sampled_from(BLOCKED.split()), st.sampled_from(["", ".", " ", ". .", "::$DATA"]))
def test_a_blocked_extension_is_never_kept_whatever_stands_before_it(stem, blocked, after):
    assert [("BlockedName", blocked)] == judged(part(f"{stem}.{blocked.upper()}{after}"))


@given(
    st.lists(
        st.builds(
            part,
            st.text(max_size=12),
            path=st.from_regex(r"[1-9](\.[1-9]){0,2}", fullmatch=True),
            kind=st.sampled_from(["application/pgp-encrypted", "application/pkcs7-mime", "image/png"]),
            size=st.integers(0, 10 * MB),
            role=st.sampled_from(PartRole),
            sniffed=st.sampled_from(["", "exe", "svg"]),
        ),
        unique_by=lambda one: one.path,
        max_size=6,
    )
)
def test_each_part_is_kept_or_listed(parts):
    found = attachments_of(message(parts=tuple(parts)), LIMITS)

    every = [p for p in parts if p.role != PartRole.BODY]
    assert sorted(p.path for p in every) == sorted([p.path for p in found.kept] + [d.part.path for d in found.dropped])
    assert all(d.detail for d in found.dropped)
    assert {Reason.BLOCKED_CONTENT} >= {d.reason for d in found.dropped if d.part.sniffed and not d.part.filename}
