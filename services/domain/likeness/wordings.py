# ruff: noqa: RUF001 - the words of many languages, in their letters
"""What mail programs write around a quote, in the languages they speak: verbs, labels, months."""

import re

_MONTH_NAMES = """
jan january januar janv janvier enero ene gennaio gen janeiro januari styczeń sty stycznia янв января tammikuu ocak
feb february februar févr février febrero febbraio fev fevereiro februari luty lut lutego фев февраля helmikuu şubat
mar march märz mär mars marzo março maart mrt marzec marca мар марта maaliskuu mart
apr april avr avril abril abr aprile kwiecień kwi kwietnia апр апреля huhtikuu nisan
may mai mayo maggio mag maio mei maj maja май мая toukokuu mayıs
jun june juni juin junio giugno giu junho czerwiec cze czerwca июн июня kesäkuu haziran
jul july juli juil juillet julio luglio lug julho lipiec lip lipca июл июля heinäkuu temmuz
aug august août agosto ago augustus augusti sierpień sie sierpnia авг августа elokuu ağustos
sep sept september septembre septiembre settembre set setembro wrzesień wrz września сен сентября syyskuu eylül
oct october okt oktober octobre octubre ottobre ott outubro out październik paź października окт октября lokakuu ekim
nov november novembre noviembre novembro listopad lis listopada ноя ноября marraskuu kasım
dec december dez dezember déc décembre diciembre dic dicembre dezembro grudzień gru grudnia дек декабря joulukuu aralık
"""
MONTHS = {word: n for n, line in enumerate(_MONTH_NAMES.strip().split("\n"), start=1) for word in line.split()}
"""The number of a month by its name, long or short, in lower case."""

VERB = re.compile(
    r"\b(?:wrote|writes|said|schrieb|schreibt|geschrieben|[eé]crit|escribi[oóò]|escribe|escreveu|ha scritto|scrive|"
    r"skrev|skrifaði|schreef|geschreven|napisał|napisała|napsal|kirjoitti|yazdı|írta|scris|написал|пише|писал|пишет|"
    r"έγραψε|כתב|viết|menulis)|写道|寫道|のメール|작성",
    re.IGNORECASE,
)
"""What an attribution line says that somebody did."""

LABEL = re.compile(
    r"^[>|*_ \t]{0,20}(?:(from|von|de|da|från|fra|van|lähettäjä|od|от|от кого|kimden|feladó|expéditeur|remitente|"
    r"mittente|afzender|avsändare|发件人|寄件者|差出人|보낸 ?사람|מאת)|"
    r"(subject|betreff|objet|asunto|oggetto|assunto|onderwerp|ämne|emne|aihe|temat|předmět|тема|konu|tárgy|subiect|"
    r"主题|主旨|件名|제목|נושא))[ \t\xa0]{0,2}\*?[ \t]?[:：]\*?[ \t]{0,4}([^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
"""A label of a quoted header block: of the sender (group 1) or the subject (group 2), and what stands behind it."""

_NO_NAMES = """
via the and mail email list lists users user dev devel group team support info admin sales office contact service
noreply reply behalf wrote writes com org net mon tue wed thu fri sat sun monday tuesday wednesday thursday friday
saturday sunday jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august
september october november december sent from date subject mailto all everyone everybody folks
"""
NO_NAMES = frozenset(_NO_NAMES.split())
"""Words that stand in names and attributions and name nobody."""
