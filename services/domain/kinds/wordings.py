"""How servers and programs word what they write. Every pattern has a bounded reach."""

import re

FAILURE = re.compile(
    r"undeliver|unzustellbar|non[- ]?deliver|not? (?:be )?deliver|deliver\w* fail|failure (?:notice|notif|delivery)"
    r"|delivery (?:status|fail|error|notif|has fail|problem|report|final|incomplete|delayed|unsuccess|warning)"
    r"|mail(?: system)? (?:error|fail|delivery)|fail\w* mail|returned (?:e?-?mail|message)|return(?:ed|ing) to sender"
    r"|could ?n[o']t (?:be )?(?:send|sent|deliver)|warning: (?:could not|message)|message (?:delay|not|could)"
    r"|error sending|nondeliverable|user unknown|unknown user|recipient (?:unknown|rejected)|bounced? (?:mail|message)"
    r"|mensaje no entregado|échec|non remis|non recapitabile|onbestelbaar|niet (?:bezorgd|afgeleverd)|不達|配信|退信",
    re.IGNORECASE,
)
"""What the subject of a bounce says."""

NOTICE = re.compile(
    r"(?:error|trouble) delivering|this is the (?:mail system|postfix program|qmail-send|mail delivery agent)"
    r"|(?:could not|cannot|couldn't|can't|unable to|was not|wasn't able to|not) (?:be )?deliver"
    r"|permanent (?:fatal )?error"
    r"|delivery (?:to|of)[^\n]{0,120}(?:failed|delayed)|has failed|returned to sender|undeliverable|user unknown"
    r"|address(?:es)? (?:failed|had)|did not reach|mailbox (?:is )?full|over quota|will be retried|following recipient",
    re.IGNORECASE,
)
"""What the text of a bounce says."""

AUTOMATIC_REPLY = re.compile(
    r"^\s*(?:auto(?:mat(?:ic|ed|ische|isch|isk))?[- ]?(?:reply|response|respond\w*|antwort|antwoord|sv[aå]r)\b"
    r"|out[- ]of[- ](?:the[- ])?office\b|ooo:|auto:|autoreply|abwesenheits(?:notiz|meldung|nachricht)"
    r"|abwesend:|r[ée]ponse automatique|absence du bureau|respuesta autom[áa]tica|risposta automatica"
    r"|fuera de (?:la )?oficina|resposta autom[áa]tica|afwezigheids|fr[åa]nvaro|automaattinen vastaus|autoodpowied"
    r"|odpowied[źz] automatyczna|automatyczna odpowied|automatick[áa] odpov|автоматический ответ|автоответ"
    r"|自動(?:応答|返信|回覆)|自动(?:答复|回复)|vacation (?:reply|message|response)|[^\n]{0,60}\bauto-?responder)",
    re.IGNORECASE,
)
"""How the subject of an automatic reply begins."""

AWAY = re.compile(
    r"out of (?:the )?office|on vacation|on (?:annual )?leave|away from|abwesen|im urlaub|en congé|vacances|不在"
    r"|thank you for (?:contacting|your (?:e-?mail|message|inquiry))|automat",
    re.IGNORECASE,
)
"""What an automatic reply says; believed only beside a header of a program."""
