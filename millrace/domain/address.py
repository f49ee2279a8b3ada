"""What of an address may be told, and what of a text that speaks of it?"""

from urllib.parse import unquote, urlsplit, urlunsplit

_HIDDEN = "***"


def mask_address(url: str) -> str:
    """Write an address without its user, its password and its query.

    >>> mask_address("https://ann:secret@host:22/channel?key=secret")
    'https://***@host:22/channel?***'
    >>> mask_address("s3://bucket/prefix")
    's3://bucket/prefix'
    """
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    host = parts.netloc.rpartition("@")[2]
    netloc = f"{_HIDDEN}@{host}" if "@" in parts.netloc else host
    return urlunsplit(parts._replace(netloc=netloc, query=_HIDDEN if parts.query else "", fragment=""))


def mask_text(text: str, url: str) -> str:
    """Write a text, of a library or a server, without the user, password and query of `url`.

    >>> mask_text("403 for https://ann:pass word@host", "https://ann:pass%20word@host")
    '403 for https://***:***@host'
    """
    parts = urlsplit(url)
    secrets = [secret for secret in (parts.query, parts.password, parts.username) if secret]
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN).replace(unquote(secret), _HIDDEN)
    return text
