"""The replies of the listener: what a sender does next hangs on the first digit (RFC 5321 section 4.2, RFC 3463)."""

SENDER_TAKEN = "250 2.1.0 Ok"
RECIPIENT_TAKEN = "250 2.1.5 Ok"
GO_ON = "354 End data with <CR><LF>.<CR><LF>"
MAIL_TAKEN = "250 2.0.0 Ok: stored"

STOPPING = "421 4.3.2 Service is stopping, send again"
TOO_MANY_CONNECTIONS = "421 4.7.0 Too many connections, come again"

DISABLED = "450 4.2.1 Mailbox is disabled"
STORES = "451 4.3.0 Mail cannot be stored now, send again"
BUSY = "451 4.3.2 Too many mails at once, send again"
TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients"

NO_ARGUMENT = "501 5.5.4 DATA takes no argument"
NO_RECIPIENT = "503 5.5.1 No valid recipient"
UNKNOWN = "550 5.1.1 No such mailbox here"
TOO_LARGE = "552 5.3.4 Mail is larger than this system takes"
FORBIDDEN = "554 5.7.1 Your address may not connect"
