"""Documents are parsed in processes that can die or hang one by one."""
