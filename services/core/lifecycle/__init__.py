"""How the router decides: one pure function per command, gathered in one table in `decide`."""
