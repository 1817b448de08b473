"""How the operator's commands reach services: they call the running service, or host it when it does not run."""
