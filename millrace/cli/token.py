"""`millrace token`: who may ask a prediction service, and who may act on the status site."""

from cyclopts import App

from millrace.cli.output import console, print_json, table

token = App(
    name="token", help="Who may ask a prediction service or act on the status site: create, list, revoke."
)


@token.command
def create(name: str, *, operator: bool = False, json: bool = False) -> None:
    """Create a token and show it, this once. Example: `millrace token create booking`.

    Parameters
    ----------
    name
        Whose it is. What an operator does stands in the ledger under this name.
    operator
        It opens the forms of the status site, and no service. Without, it opens services, and no form.
    json
        Write JSON instead of text.
    """
    from millrace.adapters import clock
    from millrace.adapters.tokens import Role, create_token
    from millrace.settings import load_settings

    role = Role.OPERATOR if operator else Role.SERVICE
    secret = create_token(load_settings().tokens, name, clock.now(), role)
    if json:
        print_json({"name": name, "role": role, "token": secret})
        return
    out = console()
    out.print(secret, soft_wrap=True)
    use = "Write it into a form of `millrace ui`, or send" if operator else "Send"
    out.print(f"It is shown this once: only its SHA-256 is kept. {use} it as `Authorization: Bearer TOKEN`.")


@token.command(name="list")
def list_names(*, json: bool = False) -> None:
    """List the names of all tokens. Example: `millrace token list`.

    Parameters
    ----------
    json
        Write JSON instead of text.
    """
    from millrace.adapters.tokens import Role, list_tokens
    from millrace.settings import load_settings

    found = list_tokens(load_settings().tokens)
    if json:
        print_json([{"name": one.name, "role": one.role, "created_at": one.created_at} for one in found])
        return
    shown = table("name", "opens", "created (UTC)")
    for one in found:
        opens = "the status site" if one.role is Role.OPERATOR else "services"
        shown.add_row(one.name, opens, f"{one.created_at:%Y-%m-%d %H:%M}")
    none = "there is no token: services answer on this machine only, and nobody acts on the status site"
    console().print(shown if found else none)


@token.command
def revoke(name: str, *, json: bool = False) -> None:
    """Take a token away: it opens nothing within a second. Example: `millrace token revoke booking`.

    Parameters
    ----------
    name
        Whose it is, as `millrace token list` shows it.
    json
        Write JSON instead of text.
    """
    from millrace.adapters.tokens import revoke_token
    from millrace.settings import load_settings

    revoke_token(load_settings().tokens, name)
    if json:
        print_json({"name": name, "revoked": True})
        return
    console().print(f"{name} is revoked")
