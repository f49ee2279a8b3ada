"""`millrace init`: make a home ready."""

from millrace.cli.output import console, print_json


def init(*, json: bool = False) -> None:
    """Make the folders of MILLRACE_HOME and the key pair that signs what prediction services are told.

    A second time it changes nothing and says the same. Every other verb makes what it needs by
    itself: this is for who wants the public key before the first promotion.

    Example: `millrace init`.

    Parameters
    ----------
    json
        Write where everything is as JSON.
    """
    from millrace.steps.init import init_home

    done = init_home()
    if json:
        print_json(done)
        return
    out = console()
    for line in (
        f"home         {done.home}{'' if done.made else ', as it was'}",
        f"private key  {done.private_key}: keep it here and in a backup, and show it to nobody",
        f"public key   {done.public_key}: copy this file alone to a prediction service elsewhere, and",
        "             into var/keys/trusted of an installation that `millrace promote-to` offers versions to",
        f"channel      {done.channel}: what such a service has to read",
        "next         `millrace ingest MODEL`, `millrace retrain MODEL`, then `millrace serve`;",
        "             `millrace token create NAME` for services that others reach, `millrace doctor`",
    ):
        out.print(line, soft_wrap=True)
