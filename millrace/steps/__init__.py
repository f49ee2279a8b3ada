"""One unit of work, plain: reads by an adapter, asks the domain, writes by an adapter."""
