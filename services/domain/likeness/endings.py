# ruff: noqa: RUF001 - the words of many languages, in their letters
"""How a mail ends: signatures, rules, and what programs write below it, in the languages they speak."""

import re

SIGNATURE = re.compile(r"^(?:--[ \t\xa0]?|_{2,}|[-_]{2,}[ \t]*)$")
"""The line above a signature (RFC 3676 section 4.3), or above the footer of a list."""

DIVIDER_LINE = re.compile(r"^[ \t]{0,8}(?:[-=_*#~+—–]{2,200}|[\u1427\u200b\ufeff]{1,3})[ \t]{0,8}$")
"""A line that only divides."""

_SENDER = r"from|von|van|från|fra|de|da|od|от|message du"
_OTHERS = (
    r"sent|date|to|gesendet|datum|an|envoyé|à|a|enviado|para|fecha|data|inviato|отправлено|дата|кому|verzonden|aan|skickat"
    r"|till|dato|til|wysłano|do"
)
_TIME = r"[0-9]{1,2}[:.][0-9]{2}"
_ADDRESS = r"<\s{0,3}[^<>\s]{1,100}@[^<>\s]{1,100}>"

ORIGINAL = re.compile(
    r"^[ \t>]{0,4}(?:begin forwarded message|anfang der weitergeleiteten)[^\n]{0,40}:"
    r"|^[ \t>]{0,8}-{2,30}[ \t]?(?:oprindelig|videresendt|opprinnelig|vidarebefordrat|пересылаемое|исходное"
    r"|alkuperäinen|wiadomość|původní|eredeti)[^\n]{1,40}"
    rf"|^[*_]?(?:{_SENDER})[ \t]?:[^\n]{{0,300}}\n[*_]?(?:{_OTHERS})[ \t]?:"
    rf"|^[^\n]{{0,80}}{_TIME}[^\n]{{0,120}}{_ADDRESS}(?::|[ \t]wrote)[ \t]{{0,4}}$",
    re.IGNORECASE | re.MULTILINE,
)
"""What stands above an original that has no marks: a rule, a header block, a line with time and address."""

TIME = re.compile(rf"{_TIME}|[0-9]{{4}}")
"""A time or a year, as it stands beside an address above a quote."""

_DEVICE = (
    r"(?:iphone|ipad|ipod|android|blackberry|mobil|handy|phone|samsung|galaxy|htc|windows|mail\b|outlook|airmail|mailbox|yahoo"
    r"|cell|device|alcatel|typeapp|smartphone|tablet|nokia|huawei|xiaomi|pixel|ti-85|torch|telefon|teléfono|ordinateur)"
)
SENT_WITH = re.compile(
    r"^[ \t(<*_\[]{0,6}(?:(?:sent|someone|from my|get|envoyé|envoye|von|gesendet|diese nachricht wurde|enviado"
    r"|enviada|inviato|verzonden|verstuurd|skickat|sendt|sent fra|lähetetty|wysłan[eo]|отправлено|odesláno|trimis"
    r"|küldve)\b[^\n]{0,120}"
    + _DEVICE
    + r"[^\n]{0,80}|從我的 ?[^\n]{1,30}傳送|发自我的[^\n]{1,30}|[^\n]{1,20}から送信)$",
    re.IGNORECASE,
)
"""The line in which a program or a device names itself."""
