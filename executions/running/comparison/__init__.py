"""How an output, or a returned value, is compared with the expected one."""
