"""`millrace token`: who may ask a prediction service."""

from cyclopts import App

from millrace.cli.output import console, print_json, table

token = App(name="token", help="Who may ask a prediction service: create, list, revoke.")


@token.command
def create(name: str, *, json: bool = False) -> None:
    """Create a token and show it, this once. Example: `millrace token create booking`."""
    from millrace.adapters import clock
    from millrace.adapters.tokens import create_token
    from millrace.settings import load_settings

    secret = create_token(load_settings().tokens, name, clock.now())
    if json:
        print_json({"name": name, "token": secret})
        return
    out = console()
    out.print(secret, soft_wrap=True)
    out.print("It is shown this once: only its SHA-256 is kept. Send it as `Authorization: Bearer TOKEN`.")


@token.command(name="list")
def list_names(*, json: bool = False) -> None:
    """List the names of all tokens. Example: `millrace token list`."""
    from millrace.adapters.tokens import list_tokens
    from millrace.settings import load_settings

    found = list_tokens(load_settings().tokens)
    if json:
        print_json([{"name": one.name, "created_at": one.created_at} for one in found])
        return
    shown = table("name", "created (UTC)")
    for one in found:
        shown.add_row(one.name, f"{one.created_at:%Y-%m-%d %H:%M}")
    console().print(shown if found else "there is no token: services answer on this machine only")


@token.command
def revoke(name: str) -> None:
    """Take a token away: services refuse it within a second. Example: `millrace token revoke booking`."""
    from millrace.adapters.tokens import revoke_token
    from millrace.settings import load_settings

    revoke_token(load_settings().tokens, name)
    console().print(f"{name} is revoked")
