"""How is a port given on the command line?"""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

Port = Annotated[int, Parameter(validator=Number(gte=1, lte=65535))]
