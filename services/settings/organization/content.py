"""How large a mail and its attachments may be, and which files are kept out."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from services.settings.declaring import About, Strict, setting
from services.settings.organization.tokens import listed

LARGEST_ATTACHMENT_KB = 131_072
BLOCKED = (
    "ade adp app asa ashx asmx asp bas bat cdx cer chm class cmd com config cpl crt csh dll exe fxp hlp hta htr htw "
    "ida idc idq inf ins isp its jar js jse ksh lnk mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw "
    "mdz msc msh msh1 msh1xml msh2 msh2xml mshxml msi msp mst ops pcd pif prf prg printer pst reg rem scf scr sct shb "
    "shs shtm shtml soap stm tmp url vb vbe vbs vsmacros vss vst vsw ws wsc wsf wsh svg"
)


def _extensions(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not name.isalnum() or name != name.lower():
            raise ValueError(f"{name!r} is no file extension: write it in small letters without a dot, such as exe")
    return names


class Content(Strict):
    """Domain section 6."""

    attachments_max_kb: int = setting(
        5120,
        "attachments.maxKb",
        "A larger attachment is left out; the mail is filed, and says so.",
        about=About("6", row="Maximum file size for attachments", unit="KB", acts="resolver"),
        ge=0,
        le=LARGEST_ATTACHMENT_KB,
    )
    attachments_blocked: Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(_extensions)] = setting(
        tuple(BLOCKED.split()),
        "attachments.blocked",
        "Extensions of files that are left out, by name or by content; the mail is filed, and says so.",
        about=About("6", unit="entries", acts="resolver"),
        max_length=1000,
    )
    message_max_mb: int = setting(
        150,
        "message.maxMb",
        "Larger mails are not filed (TooLarge).",
        about=About("6", unit="MiB", acts="fetcher, resolver"),
        ge=1,
        le=150,
    )
